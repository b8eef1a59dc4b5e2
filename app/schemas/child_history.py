"""Schemas of the history of a child: the values of fields before and after each change."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.dates import FilterTime
from app.schemas.references import StaffRef
from app.schemas.wire import CommaSeparated, Id, Output, Page, PageQuery, UtcDateTime

FieldName = Annotated[str, Field(pattern="^[a-z_]{1,64}$")]


HistoryRecordKind = TypeAliasType("HistoryRecordKind", Literal["child", "case", "person", "consent"])
"""Kind of record in the history of a child."""


class ChildHistoryFilters(PageQuery):
    """Query parameters of the history of a child."""

    record_kind: CommaSeparated[HistoryRecordKind] | None = Field(
        None, description="Only changes of these kinds of records, separated by commas."
    )
    record_id: Id | None = Field(None, description="Only changes of this record.")
    field: CommaSeparated[FieldName] | None = Field(
        None,
        description="Only changes of at least one of these fields, such as `school`, `living_arrangement` or `disability`.",
    )
    since: Annotated[
        FilterTime | None, Field(alias="from", description="Only changes at or after this time.")
    ] = None
    until: Annotated[FilterTime | None, Field(alias="to", description="Only changes before this time.")] = (
        None
    )


class FieldChange(Output):
    """The value of a field before and after a change."""

    field: str = Field(description="Name of the field, as in the record.")
    before: Any = Field(description="Value before the change; null if the field was empty.")
    after: Any = Field(description="Value after the change; null if the field is empty.")


class ChildHistoryEntry(Output):
    """One change of a child, of one of its cases, of a person around it, or of its consent register."""

    id: UUID = Field(description="Id of the entry.")
    at: UtcDateTime = Field(description="Time of the change.")
    by_id: UUID = Field(description="Id of the staff member who made the change.")
    by: StaffRef = Field(description="The staff member who made the change.")
    record_kind: HistoryRecordKind = Field(description="Kind of the changed record.")
    record_id: UUID = Field(description="Id of the changed record.")
    case_id: UUID | None = Field(description="Id of the case of the record; null for the child itself.")
    referral_id: UUID | None = Field(
        description="Id of the referral whose acceptance or detachment made the change; null for other changes. The history "
        "of a child that a referral created begins after its acceptance."
    )
    link: str = Field(description="Path of the record.")
    changes: list[FieldChange] = Field(description="The changed fields, by name.")


class ChildHistory(Page[ChildHistoryEntry]):
    """One page of the history of a child, newest first."""
