"""Support sessions: planned, held or missed, cancelled; for a day its author corrects what was written down."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import NotFound
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_for_share,
    get_version_for_update,
)
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, ClinicalNote, SupportSession
from app.models.record import new_id, utc_now
from app.schemas.support_sessions import (
    SupportSession as SupportSessionSchema,
)
from app.schemas.support_sessions import (
    SupportSessionCancellation,
    SupportSessionContent,
    SupportSessionCreate,
    SupportSessionFilters,
    SupportSessionUpdate,
)
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_case_writable, check_works_on_case
from app.services.support.session_checks import (
    check_support_session_staffing,
    check_support_session_worker_change,
    validate_case_goals,
    validate_support_session_times,
)
from app.services.support.session_states import (
    CANCEL,
    EDIT_WINDOW,
    check_support_session_editable,
    check_support_session_status_change,
)

COLUMN_FIELDS = frozenset({"kind", "form", "planned_at", "held_at", "attendance", "areas", "goal_ids"})
ENCRYPTED_FIELDS = frozenset({"participants", "place", "mood", "summary", "next_step", "missed_reason"})
COMPUTED_FIELDS = frozenset({"cancel_reason", "editable_until", "has_clinical_note"})
SCHEMA_COLUMN_FIELDS = frozenset(SupportSessionSchema.model_fields) - ENCRYPTED_FIELDS - COMPUTED_FIELDS
"""What an answer takes from the columns as they are."""
HAS_CLINICAL_NOTE = (
    select(col(ClinicalNote.id)).where(col(ClinicalNote.session_id) == col(SupportSession.id)).exists()
)
"""Row security answers it: to who may not read a note, there is none."""
SESSION_WITH_NOTE_FLAG = select(SupportSession, HAS_CLINICAL_NOTE)


async def create_case_support_session(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: SupportSessionCreate
) -> SupportSessionSchema:
    """Plan a session, or write down one that was held or missed.

    Raises:
        GateRefused: the case is closed; who is to hold it does not work on the case.
        InvalidInput: it is dated wrongly, or names a goal of another case.
    """
    validate_support_session_times(payload)
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *await check_support_session_staffing(session, caller, case, payload, payload.status),
        ]
    )
    await validate_case_goals(session, case, payload.goal_ids)
    contact = build_support_session(case, caller, payload.id or new_id())
    apply_support_session_content(contact, caller, payload)
    session.add(contact)
    await session.flush()  # the history names it
    _record_history(session, case, caller, contact)
    return support_session_to_schema(contact, has_clinical_note=False)


def build_support_session(case: Case, caller: Caller, contact_id: UUID) -> SupportSession:
    """Return a session of this case of which nothing is told yet."""
    return SupportSession(
        id=contact_id,
        child_id=case.child_id,
        case_id=case.id,
        kind="",
        worker_id=caller.id,
        author_id=caller.id,
    )


async def list_case_support_sessions(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: SupportSessionFilters
) -> Page[SupportSessionSchema]:
    """List a case's sessions, newest first."""
    await ensure_exists(session, Case, case_id)
    wanted = filters.model_dump(include={"status", "kind", "series_id"}, exclude_none=True)
    bounds = {"from": filters.since, "to": filters.until, "case": case_id, "for": caller.id}
    paging = Paginator("support_sessions", filters.limit, filters.cursor, {**wanted, **bounds})
    moment = func.coalesce(col(SupportSession.held_at), col(SupportSession.planned_at))
    conditions: list[ColumnElement[bool]] = [col(SupportSession.case_id) == case_id]
    conditions += [col(getattr(SupportSession, name)) == value for name, value in wanted.items()]
    conditions += [moment >= filters.since] if filters.since else []
    conditions += [moment < filters.until] if filters.until else []
    rows, cursor = await paging.fetch_rows(
        session,
        SESSION_WITH_NOTE_FLAG.where(*conditions),
        col(SupportSession.created_at),
        col(SupportSession.id),
    )
    return Page(
        items=[support_session_to_schema(row[0], has_clinical_note=row[1]) for row in rows],
        next_cursor=cursor,
    )


async def get_support_session(session: AsyncSession, session_id: UUID) -> SupportSessionSchema:
    """Read one session."""
    row = (await session.execute(SESSION_WITH_NOTE_FLAG.where(col(SupportSession.id) == session_id))).first()
    if row is None:
        raise NotFound
    return support_session_to_schema(row[0], has_clinical_note=row[1])


async def update_support_session(
    session: AsyncSession,
    caller: Caller,
    session_id: UUID,
    expected_version: int,
    patch: SupportSessionUpdate,
) -> SupportSessionSchema:
    """Change a planned session, record it as held or missed, or correct what one wrote down within the day.

    Raises:
        GateRefused: it is frozen, or somebody else's to correct; the case is closed; its holder cannot be.
        InvalidInput: the whole would not be a session any more.
    """
    case = await get_case_for_share(session, SupportSession, session_id)
    contact = await get_version_for_update(session, SupportSession, session_id, expected_version)
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_support_session_editable(contact, caller),
            *([] if _is_held_by_caller(contact, caller) else await check_works_on_case(session, case)),
        ]
    )
    content = apply_patch(SupportSessionContent, _content_document(contact), patch)
    validate_support_session_times(content)
    before, planned_at = contact.status, contact.planned_at
    raise_if_unmet(
        [
            *check_support_session_status_change(before, content.status),
            *await check_support_session_worker_change(session, caller, case, contact, content),
        ]
    )
    await validate_case_goals(session, case, content.goal_ids)
    apply_support_session_content(contact, caller, content)
    await session.flush()  # the answer shows what was stored
    if (contact.status, contact.planned_at) != (before, planned_at):
        _record_history(session, case, caller, contact)
    return await _load_schema(session, contact)


async def cancel_support_session(
    session: AsyncSession,
    caller: Caller,
    session_id: UUID,
    expected_version: int,
    payload: SupportSessionCancellation,
) -> SupportSessionSchema:
    """Call off a planned session.

    Raises:
        GateRefused: it is not planned any more, or the case is closed.
    """
    case = await get_case_for_share(session, SupportSession, session_id)
    contact = await get_version_for_update(session, SupportSession, session_id, expected_version)
    raise_if_unmet([*check_status(CANCEL, contact.status), *await check_case_writable(session, case)])
    contact.status = CANCEL.target
    contact.updated_at = utc_now()
    encrypt(contact, "sealed", {**decrypt(contact), "cancel_reason": payload.reason})
    await session.flush()  # the answer shows what was stored
    _record_history(session, case, caller, contact)
    return await _load_schema(session, contact)


def _is_held_by_caller(contact: SupportSession, caller: Caller) -> bool:
    """Whether the actor held it: that is theirs to correct, whatever opened the case to them."""
    return contact.recorded_at is not None and contact.worker_id == caller.id


def apply_support_session_content(
    contact: SupportSession, caller: Caller, content: SupportSessionContent
) -> None:
    """Write down what was told; who first records a session as held or missed is its author from then on."""
    for name in COLUMN_FIELDS - {"areas", "goal_ids"}:
        setattr(contact, name, getattr(content, name))
    contact.areas = list(dict.fromkeys(content.areas))
    contact.goal_ids = list(dict.fromkeys(content.goal_ids))
    contact.worker_id = content.worker_id or caller.id
    contact.status = content.status
    contact.updated_at = utc_now()
    if content.status != "planned" and contact.recorded_at is None:
        contact.recorded_at, contact.author_id = contact.updated_at, caller.id
    encrypt(contact, "sealed", content.model_dump(mode="json", include=set(ENCRYPTED_FIELDS)))


def _content_document(contact: SupportSession) -> dict[str, Any]:
    plain: dict[str, Any] = contact.model_dump(include={*COLUMN_FIELDS, "worker_id"})
    return {**plain, **decrypt(contact)}


def _record_history(session: AsyncSession, case: Case, caller: Caller, contact: SupportSession) -> None:
    at = contact.held_at or contact.planned_at
    detail = {"kind": contact.kind, "attendance": contact.attendance, "at": at.isoformat() if at else None}
    happened = at if contact.status in {"held", "missed"} else None
    case_history.record_case_history(
        session, case, f"session_{contact.status}", caller, contact, detail, occurred_at=happened
    )


async def _load_schema(session: AsyncSession, contact: SupportSession) -> SupportSessionSchema:
    """Return a session that this request has changed as it is read."""
    note = select(col(ClinicalNote.id)).where(col(ClinicalNote.session_id) == contact.id)
    return support_session_to_schema(contact, has_clinical_note=await session.scalar(note) is not None)


def support_session_to_schema(contact: SupportSession, *, has_clinical_note: bool) -> SupportSessionSchema:
    """Return a session as it is told."""
    plain: dict[str, Any] = contact.model_dump(include=set(SCHEMA_COLUMN_FIELDS))
    document = decrypt(contact)
    return SupportSessionSchema(
        **plain,
        **{name: document.get(name) for name in (*ENCRYPTED_FIELDS, "cancel_reason")},
        editable_until=contact.recorded_at + EDIT_WINDOW if contact.recorded_at else None,
        has_clinical_note=has_clinical_note,
    )
