"""Incidents and legal steps of a case. They belong to the legal tier, which break-glass access does not include.

Court proceedings can outlast a case. The staff of a case can therefore add and update entries after it is closed. Each
change adds an entry to the case history, with the names of the changed fields.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader, ShownRecord, session_reader
from app.kit.dates import validate_not_in_future
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import apply_patch, get_case_for_share, get_for_share, get_version_for_update
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import Case, LegalStep
from app.models.encrypted_field import dump_content
from app.models.legal_steps import StoredLegalStepContent
from app.models.record import new_id, utc_now
from app.schemas.legal_steps import (
    LegalStep as LegalStepSchema,
)
from app.schemas.legal_steps import (
    LegalStepContent,
    LegalStepCreate,
    LegalStepFilters,
    LegalStepList,
    LegalStepUpdate,
)
from app.services.cases import history as case_history
from app.services.persons.life_dates import validate_after_birth
from app.services.support.case_records import is_before_referral, list_date_warnings

COLUMN_FIELDS = {"kind", "status", "on"}
SCHEMA_COLUMN_FIELDS = [name for name in LegalStepSchema.model_fields if name in LegalStep.model_fields]
STEP_COLUMNS = select(
    *(getattr(LegalStep, name) for name in SCHEMA_COLUMN_FIELDS),
    *staff_names(LegalStep, "author"),
    *error_mark_columns(LegalStep),
    col(LegalStep.content_encrypted),
    is_before_referral(col(LegalStep.case_id), col(LegalStep.on)),
)
STEP_QUERY = ReadQuery(
    STEP_COLUMNS.where(col(LegalStep.id) == bindparam("step_id")), shows=ShownRecord("legal_step")
)
CASE_STEPS = ListQuery(
    "legal_steps",
    LegalStep,
    STEP_COLUMNS,
    filters={
        "case_id": col(LegalStep.case_id) == bindparam("case_id"),
        **build_error_filter(LegalStep),
        "kind": is_one_of(col(LegalStep.kind), "kind"),
        "status": is_one_of(col(LegalStep.status), "status"),
        "since": col(LegalStep.on) >= bindparam("since"),
        "until": col(LegalStep.on) <= bindparam("until"),
    },
    sorts={"created_at": col(LegalStep.created_at), "on": col(LegalStep.on)},
    shows=ShownRecord("legal_step"),
)
LEGAL_TIER_QUERY = ReadQuery(
    select(col(Case.id)).where(
        col(Case.id) == bindparam("case_id"), func.access.can_read_tier("legal", col(Case.id), null())
    ),
    shows=NoShownRecord("the query checks whether the caller can read the legal tier of a case"),
)
"""Selects a case if the caller can read its legal tier, with the database function that the row policies use."""


async def create_case_legal_step(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: LegalStepCreate
) -> LegalStepSchema:
    """Add an incident or a legal step to a case.

    Raises:
        NotFound: the case does not exist, or the caller cannot read its legal tier.
        InvalidInput: the step is done, and its date is in the future, or the date is before the birth of the child.
        AlreadyExists: the id is taken.
    """
    _validate_date(payload)
    await session_reader(session).fetch_required(LEGAL_TIER_QUERY, case_id=case_id)
    case = await get_for_share(session, Case, case_id)
    await validate_after_birth(session, case.child_id, {"/on": payload.on})
    step = LegalStep(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        author_id=caller.id,
        kind=payload.kind,
        on=payload.on,
    )
    _store_content(step, payload)
    session.add(step)
    await session.flush()  # the query of the response runs without autoflush
    _record_history(session, case, caller, step)
    return await get_legal_step(session_reader(session), step.id)


async def list_case_legal_steps(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: LegalStepFilters
) -> LegalStepList:
    """List the incidents and legal steps of a case, newest first unless `sort` is given.

    Raises:
        NotFound: the case does not exist, or the caller cannot read its legal tier. An empty list would mean that the
            case has no entries.
    """
    page = await CASE_STEPS.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await reader.fetch_required(LEGAL_TIER_QUERY, case_id=case_id)
    return LegalStepList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def get_legal_step(reader: RecordReader, step_id: UUID) -> LegalStepSchema:
    """Return one incident or legal step.

    Raises:
        NotFound: the entry does not exist, or the caller cannot see it.
    """
    return LegalStepSchema(**_row_to_fields(await reader.fetch_required(STEP_QUERY, step_id=step_id)))


async def update_legal_step(
    session: AsyncSession, caller: Caller, step_id: UUID, expected_version: int, patch: LegalStepUpdate
) -> LegalStepSchema:
    """Complete or correct an incident or a legal step.

    Raises:
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the entry was changed since the caller read it.
    """
    case = await get_case_for_share(session, LegalStep, step_id)
    step = await get_version_for_update(session, LegalStep, step_id, expected_version)
    old_document = _to_document(step)
    content = apply_patch(LegalStepContent, old_document, patch)
    _validate_date(content)
    await validate_after_birth(session, case.child_id, {"/on": content.on})
    _store_content(step, content)
    await session.flush()  # the query of the response runs without autoflush
    new_document = _to_document(step)
    changed_fields = sorted(name for name in new_document if new_document[name] != old_document[name])
    _record_history(session, case, caller, step, changed_fields)
    return await get_legal_step(session_reader(session), step.id)


def _validate_date(content: LegalStepContent) -> None:
    """Check that a step that is done is not in the future.

    Raises:
        InvalidInput: the date is in the future.
    """
    if content.status == "done":
        validate_not_in_future({"/on": content.on})


def _store_content(step: LegalStep, content: LegalStepContent) -> None:
    for name in COLUMN_FIELDS:
        setattr(step, name, getattr(content, name))
    step.updated_at = utc_now()
    step.content = dump_content(StoredLegalStepContent, content)


def _to_document(step: LegalStep) -> dict[str, object]:
    return {**step.model_dump(include=COLUMN_FIELDS), **step.content}


def _record_history(
    session: AsyncSession,
    case: Case,
    caller: Caller,
    step: LegalStep,
    changed_fields: list[str] | None = None,
) -> None:
    kind = "incident_recorded" if step.kind == "incident" else "legal_step_recorded"
    detail: dict[str, str | list[str]] = {
        "kind": step.kind,
        "status": step.status,
        "on": step.on.isoformat(),
    }
    if changed_fields:
        detail["changed"] = changed_fields
    occurred_at = step.on if step.status == "done" else None
    case_history.record_case_history(session, case, kind, caller, step, detail, occurred_at=occurred_at)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(SCHEMA_COLUMN_FIELDS, row, strict=False)),
        **LegalStep.content.decrypt(row.id, row.content_encrypted),
        **to_staff_refs(row, "author"),
        **to_error_mark(LegalStep, row),
        # An incident is always before the referral.
        "warnings": [] if row.kind == "incident" else list_date_warnings(row, "/on"),
    }
