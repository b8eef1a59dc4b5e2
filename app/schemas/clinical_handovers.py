"""Schemas of clinical handovers: a lead worker may read the earlier clinical notes of a case."""

from uuid import UUID

from pydantic import Field

from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Output,
    Reason,
    UtcDateTime,
)


class ClinicalHandoverCreate(Input):
    """Handover of the earlier clinical notes of a case to its lead worker."""

    reason: Reason = Field(
        description="Reason why the lead worker needs the notes. The staff of the case and the data protection officer can "
        "read it."
    )


class ClinicalHandoverFilters(CountedPageQuery):
    """Query parameters of the list of clinical handovers."""

    case_id: Id | None = Field(None, description="Only handovers in this case.")
    worker_id: CommaSeparated[Id] | None = Field(None, description="Only handovers to these workers.")


class ClinicalHandover(Output):
    """The permission of a lead worker to read the clinical notes that were written before the handover."""

    id: UUID = Field(description="Id of the handover.")
    case_id: UUID = Field(description="Id of the case.")
    case: CaseRef | None = Field(description="The case; null if the caller cannot see it.")
    child_id: UUID = Field(description="Id of the child.")
    worker_id: UUID = Field(description="Id of the lead worker who may read the notes.")
    worker: StaffRef = Field(description="The lead worker who may read the notes.")
    handed_over_by_id: UUID = Field(description="Id of the supervisor who handed the notes over.")
    handed_over_by: StaffRef = Field(description="The supervisor who handed the notes over.")
    reason: str = Field(description="Reason that the supervisor gave.")
    created_at: UtcDateTime = Field(
        description="Time of the handover. Notes written later are not part of it."
    )
    ended_at: UtcDateTime | None = Field(
        description="Time at which the worker stopped leading the case; null as long as the handover applies."
    )


class ClinicalHandoverList(CountedPage[ClinicalHandover]):
    """One page of clinical handovers, newest first."""
