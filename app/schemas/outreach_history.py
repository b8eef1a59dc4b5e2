"""Schemas of the history of an outreach activity: the values of fields before and after each change."""

from uuid import UUID

from pydantic import Field

from app.schemas.child_history import FieldChange, FieldName
from app.schemas.references import StaffRef
from app.schemas.wire import CommaSeparated, Output, Page, PageQuery, UtcDateTime


class OutreachHistoryFilters(PageQuery):
    """Query parameters of the history of an outreach activity."""

    field: CommaSeparated[FieldName] | None = Field(
        None,
        description="Only changes of at least one of these fields, such as `participants` or `attachments`.",
    )


class OutreachHistoryEntry(Output):
    """One change of an outreach activity or of its attachments."""

    id: UUID = Field(description="Id of the entry.")
    at: UtcDateTime = Field(description="Time of the change.")
    by_id: UUID = Field(description="Id of the staff member who made the change.")
    by: StaffRef = Field(description="The staff member who made the change.")
    changes: list[FieldChange] = Field(description="The changed fields, by name.")


class OutreachHistory(Page[OutreachHistoryEntry]):
    """One page of the history of an outreach activity, newest first."""
