"""Schemas of the list of missing data."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.agenda import AgendaRecord
from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.references import StaffRef, TeamRef
from app.schemas.wire import CommaSeparated, Id, Output, Page, PageQuery

MissingDataKind = Annotated[str, CodeOf("missing_data_kind")]


class MissingDataFilters(PageQuery):
    """Query parameters of the list of missing data."""

    worker_id: CommaSeparated[Id] | None = Field(None, description="Only data that these workers complete.")
    team_id: CommaSeparated[Id] | None = Field(None, description="Only data of cases of these teams.")
    kind: CommaSeparated[MissingDataKind] | None = Field(None, description="Only data of these kinds.")


class MissingDataEntry(Output):
    """A field of an open case, or of one of its records, that should be completed."""

    kind: MissingDataKind = Field(description="What is missing.")
    case_id: UUID = Field(description="Id of the case.")
    case_number: str = Field(description="Case number, such as FSC-2026-0042.")
    child_id: UUID = Field(description="Id of the child.")
    child: CaseChild = Field(description="The child of the case.")
    team_id: UUID = Field(description="Id of the team of the case.")
    team: TeamRef = Field(description="The team of the case.")
    worker_id: UUID = Field(
        description="Id of the worker who completes the data: of the worker of a session, otherwise of the lead worker."
    )
    worker: StaffRef = Field(description="The worker with the id `worker_id`.")
    field: str | None = Field(
        description="JSON pointer of the field in the record; null if a whole record is missing."
    )
    record: AgendaRecord = Field(description="The record to complete, or the case if a record is missing.")
    link: str = Field(description="Path of the record.")


class MissingDataList(Page[MissingDataEntry]):
    """One page of missing data, sorted by case number."""
