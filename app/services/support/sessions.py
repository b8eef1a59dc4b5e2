"""Create, update and cancel support sessions."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.reader import session_reader
from app.errors import Fault
from app.kit.records import (
    apply_patch,
    get_case_for_share,
    get_case_for_update,
    get_for_update,
    get_version_for_update,
)
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, SupportSession
from app.models.encrypted_field import dump_content
from app.models.record import new_id, utc_now
from app.models.support_sessions import StoredSessionContent
from app.schemas.support_sessions import (
    SupportSession as SupportSessionSchema,
)
from app.schemas.support_sessions import (
    SupportSessionCancellation,
    SupportSessionContent,
    SupportSessionCreate,
    SupportSessionUpdate,
)
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_case_writable, check_works_on_case
from app.services.persons.life_dates import validate_after_birth
from app.services.support.contacts import list_contacts, update_last_contact
from app.services.support.session_checks import (
    check_support_session_staffing,
    check_support_session_worker_change,
    get_session_times,
    validate_case_goals,
    validate_missed_session_time,
)
from app.services.support.session_responses import get_support_session
from app.services.support.session_states import (
    CANCEL,
    check_support_session_editable,
    check_support_session_status_change,
)

COLUMN_FIELDS = frozenset(
    {"kind", "form", "planned_at", "held_at", "attendance", "areas", "topics", "contact_with", "goal_ids"}
)


async def create_case_support_session(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: SupportSessionCreate
) -> SupportSessionSchema:
    """Plan a support session, or record one that was held or missed.

    Raises:
        GateRefused: the case is closed, or the caller or the worker is not allowed (`check_support_session_staffing`).
        InvalidInput: a time is not valid or before the birth of the child, or a goal belongs to another case.
        AlreadyExists: the id is taken.
    """
    validate_missed_session_time(payload)
    case = await get_for_update(session, Case, case_id)  # a held session changes the case
    raise_if_unmet(
        [
            *check_case_open(case),
            *await check_support_session_staffing(session, caller, case, payload, payload.status),
        ]
    )
    await validate_case_goals(session, case, payload.goal_ids)
    await validate_after_birth(session, case.child_id, get_session_times(payload))
    support_session = build_support_session(case, caller, payload.id or new_id())
    apply_support_session_content(support_session, caller, payload)
    session.add(support_session)
    # the next statements update the last contact and read the response, without autoflush
    await session.flush()
    if support_session.status == "held":
        await update_last_contact(session, case)
    _record_history(session, case, caller, support_session)
    return await get_support_session(session_reader(session), support_session.id)


def build_support_session(case: Case, caller: Caller, support_session_id: UUID) -> SupportSession:
    """Return a new support session of a case. `apply_support_session_content` fills it."""
    return SupportSession(
        id=support_session_id,
        child_id=case.child_id,
        case_id=case.id,
        kind="",
        worker_id=caller.id,
        author_id=caller.id,
    )


async def update_support_session(
    session: AsyncSession,
    caller: Caller,
    support_session_id: UUID,
    expected_version: int,
    patch: SupportSessionUpdate,
) -> SupportSessionSchema:
    """Edit a planned support session, record it as held or missed, or correct the record within 24 hours.

    Raises:
        GateRefused: the session cannot be edited (`check_support_session_editable`), the case is closed, the caller is
            neither staff of the case nor the worker who held the session, no transition leads to the new status, or the
            new worker is not allowed.
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the session was changed since the caller read it.
    """
    case = await get_case_for_update(
        session, SupportSession, support_session_id
    )  # may change its last contact
    support_session = await get_version_for_update(
        session, SupportSession, support_session_id, expected_version
    )
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_support_session_editable(support_session, caller),
            *await _check_edit_access(session, caller, case, support_session),
        ]
    )
    content = apply_patch(SupportSessionContent, _to_document(support_session), patch)
    validate_missed_session_time(content)
    old_status, old_planned_at = support_session.status, support_session.planned_at
    raise_if_unmet(
        [
            *check_support_session_status_change(old_status, content.status),
            *await check_support_session_worker_change(session, caller, case, support_session, content),
        ]
    )
    await validate_case_goals(session, case, content.goal_ids)
    await validate_after_birth(session, case.child_id, get_session_times(content))
    apply_support_session_content(support_session, caller, content)
    # the next statements update the last contact and read the response, without autoflush
    await session.flush()
    if "held" in {old_status, support_session.status}:
        await update_last_contact(session, case)
    if (support_session.status, support_session.planned_at) != (old_status, old_planned_at):
        _record_history(session, case, caller, support_session)
    return await get_support_session(session_reader(session), support_session.id)


async def cancel_support_session(
    session: AsyncSession,
    caller: Caller,
    support_session_id: UUID,
    expected_version: int,
    payload: SupportSessionCancellation,
) -> SupportSessionSchema:
    """Cancel a planned support session.

    Raises:
        GateRefused: the session is not planned, the case is closed, or the caller is not staff of the case.
        StaleVersion: the session was changed since the caller read it.
    """
    case = await get_case_for_share(session, SupportSession, support_session_id)
    support_session = await get_version_for_update(
        session, SupportSession, support_session_id, expected_version
    )
    raise_if_unmet([*check_status(CANCEL, support_session.status), *await check_case_writable(session, case)])
    support_session.status = CANCEL.target
    support_session.updated_at = utc_now()
    support_session.content = {**support_session.content, "cancel_reason": payload.reason}
    await session.flush()  # the query of the response runs without autoflush
    _record_history(session, case, caller, support_session)
    return await get_support_session(session_reader(session), support_session.id)


async def _check_edit_access(
    session: AsyncSession, caller: Caller, case: Case, support_session: SupportSession
) -> list[Fault]:
    """Return the unmet condition that the caller is not staff of the case, or none.

    The worker of a recorded session can correct it without being staff of the case.
    """
    if support_session.recorded_at is not None and support_session.worker_id == caller.id:
        return []
    return await check_works_on_case(session, case)


def apply_support_session_content(
    support_session: SupportSession, caller: Caller, content: SupportSessionContent
) -> None:
    """Set the content of a support session.

    The caller who first records the session as held or missed becomes its author.
    """
    for name in COLUMN_FIELDS - {"areas", "topics", "contact_with", "goal_ids"}:
        setattr(support_session, name, getattr(content, name))
    support_session.areas = list(dict.fromkeys(content.areas))
    support_session.topics = list(dict.fromkeys(content.topics))
    support_session.contact_with = list_contacts(content)
    support_session.goal_ids = list(dict.fromkeys(content.goal_ids))
    support_session.worker_id = content.worker_id or caller.id
    support_session.status = content.status
    support_session.updated_at = utc_now()
    if content.status != "planned" and support_session.recorded_at is None:
        support_session.recorded_at, support_session.author_id = support_session.updated_at, caller.id
    support_session.content = dump_content(StoredSessionContent, content)


def _to_document(support_session: SupportSession) -> dict[str, object]:
    """Return the content of a support session as JSON, to apply a merge patch to it."""
    columns = support_session.model_dump(include={*COLUMN_FIELDS, "worker_id"})
    return {**columns, **support_session.content}


def _record_history(
    session: AsyncSession, case: Case, caller: Caller, support_session: SupportSession
) -> None:
    time = support_session.held_at or support_session.planned_at
    detail = {
        "kind": support_session.kind,
        "attendance": support_session.attendance,
        "at": time.isoformat() if time else None,
    }
    occurred_at = time if support_session.status in {"held", "missed"} else None
    case_history.record_case_history(
        session,
        case,
        f"session_{support_session.status}",
        caller,
        support_session,
        detail,
        occurred_at=occurred_at,
    )
