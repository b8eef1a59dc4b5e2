"""Schemas of records that can be marked as entered in error."""

from uuid import UUID

from pydantic import BaseModel, Field

from app.schemas.references import StaffRef
from app.schemas.wire import Input, Output, QueryBoolean, ShortNarrative, UtcDateTime


class ErrorMark(Output):
    """The mark of a record that was entered in error."""

    at: UtcDateTime = Field(description="Time at which the record was marked.")
    by_id: UUID = Field(description="Id of the staff member who marked the record.")
    by: StaffRef = Field(description="The staff member who marked the record.")
    reason: str = Field(description="Reason why the record is wrong.")


class ErrorMarkCreate(Input):
    """The reason why a record was entered in error."""

    reason: ShortNarrative = Field(description="Reason why the record is wrong.")


class Correctable(BaseModel):
    """The mark of a record, in responses."""

    entered_in_error: ErrorMark | None = Field(
        description="The mark, if the record was entered in error; otherwise null. Lists and gates ignore marked records."
    )


class CorrectableFilters(BaseModel):
    """The query parameter that selects marked records."""

    entered_in_error: QueryBoolean = Field(
        False,
        description="Whether to list only the records that were entered in error (`true`), or only the others (`false`).",
    )
