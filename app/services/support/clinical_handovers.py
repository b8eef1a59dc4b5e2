"""Clinical handovers: a supervisor lets the lead worker of a case read earlier clinical notes of other people.

The handover ends when the worker stops leading the case. A trigger of the table `cases` ends it.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, session_reader
from app.errors import Fault
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import get_version_for_update
from app.kit.reference_names import case_number, staff_names, to_case_ref, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, ClinicalHandover
from app.schemas.clinical_handovers import ClinicalHandover as ClinicalHandoverSchema
from app.schemas.clinical_handovers import (
    ClinicalHandoverCreate,
    ClinicalHandoverFilters,
    ClinicalHandoverList,
)
from app.services.cases import history as case_history

COLUMN_FIELDS = [
    name for name in ClinicalHandoverSchema.model_fields if name in ClinicalHandover.model_fields
]
HANDOVER_COLUMNS = select(
    *(getattr(ClinicalHandover, name) for name in COLUMN_FIELDS),
    *staff_names(ClinicalHandover, "worker", "handed_over_by"),
    case_number(col(ClinicalHandover.case_id)).label("case_number"),
    col(ClinicalHandover.reason_encrypted),
)
HANDOVER_QUERY = ReadQuery(
    HANDOVER_COLUMNS.where(col(ClinicalHandover.id) == bindparam("handover_id")),
    shows=ShownRecord("clinical_handover"),
)
HANDOVERS = ListQuery(
    "clinical_handovers",
    ClinicalHandover,
    HANDOVER_COLUMNS,
    filters={
        "case_id": col(ClinicalHandover.case_id) == bindparam("case_id"),
        "worker_id": is_one_of(col(ClinicalHandover.worker_id), "worker_id"),
    },
    sorts={"created_at": col(ClinicalHandover.created_at)},
    shows=ShownRecord("clinical_handover"),
)


async def hand_over_clinical_notes(
    session: AsyncSession,
    caller: Caller,
    case_id: UUID,
    expected_version: int,
    payload: ClinicalHandoverCreate,
) -> ClinicalHandoverSchema:
    """Let the lead worker of a case read the clinical notes and clinical addenda that were written until now.

    Raises:
        GateRefused: the caller does not supervise the team of the case, or is its lead worker.
        StaleVersion: the case was changed since the caller read it, so that it may have another lead worker.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    raise_if_unmet(_check_supervisor(caller, case))
    handover = ClinicalHandover(
        child_id=case.child_id,
        case_id=case.id,
        worker_id=case.lead_worker_id,
        handed_over_by_id=caller.id,
    )
    handover.reason = payload.reason
    session.add(handover)
    await session.flush()  # the query of the response runs without autoflush
    case_history.record_case_history(session, case, "clinical_notes_handed_over", caller, handover)
    row = await session_reader(session).fetch_required(HANDOVER_QUERY, handover_id=handover.id)
    return ClinicalHandoverSchema(**_row_to_fields(row))


def _check_supervisor(caller: Caller, case: Case) -> list[Fault]:
    if case.team_id not in caller.supervised_team_ids:
        detail = "Only a supervisor of the team of the case can hand over its clinical notes."
        return [Fault(None, "not_your_team", detail)]
    if case.lead_worker_id == caller.id:
        return [Fault(None, "own_work", "You lead the case yourself and can read its clinical notes.")]
    return []


async def list_clinical_handovers(
    reader: RecordReader, caller: Caller, filters: ClinicalHandoverFilters
) -> ClinicalHandoverList:
    """List the clinical handovers that the caller can see, newest first: those of the caller's cases, or all of them."""
    page = await HANDOVERS.fetch_page(reader, caller, filters)
    return ClinicalHandoverList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "worker", "handed_over_by"),
        "case": to_case_ref(row.case_id, row.case_number),
        "reason": ClinicalHandover.reason.decrypt(row.id, row.reason_encrypted),
    }
