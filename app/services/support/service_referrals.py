"""Service referrals: drafting them, and what became of them (sending has a module of its own)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit.dates import check_not_in_future
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_for_share,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Case, Consent, Goal, Provider, ServiceReferral
from app.models.record import new_id, utc_now
from app.schemas.service_referrals import (
    ServiceReferral as ServiceReferralSchema,
)
from app.schemas.service_referrals import (
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralContent,
    ServiceReferralCreate,
    ServiceReferralDecline,
    ServiceReferralFilters,
    ServiceReferralUpdate,
)
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.write_access import check_case_writable, check_works_on_case
from app.services.support.service_referral_states import (
    ACCEPT,
    CANCEL,
    COMPLETE,
    DECLINE,
    check_service_referral_is_draft,
)

CONTENT_FIELDS = frozenset(ServiceReferralContent.model_fields)
ENCRYPTED_FIELDS = frozenset({"need", "basis_without_consent", "shared", "answer", "reason", "outcome_note"})
COLUMN_FIELDS = set(ServiceReferralSchema.model_fields) - ENCRYPTED_FIELDS - {"provider_name"}


async def create_case_service_referral(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: ServiceReferralCreate
) -> ServiceReferralSchema:
    """Draft a service referral: nothing is shared yet.

    Raises:
        GateRefused: the case is closed, or the actor only looks at it.
        InvalidInput: no such provider; the consent or the goal is none of this case.
    """
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(await check_case_writable(session, case))
    referral = ServiceReferral(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        provider_id=payload.provider_id,
        service=payload.service,
        author_id=caller.id,
    )
    name = await _store_content(session, referral, payload)
    session.add(referral)
    await session.flush()  # a conflict must surface before the answer leaves
    return service_referral_to_schema(referral, name)


async def list_case_service_referrals(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: ServiceReferralFilters
) -> Page[ServiceReferralSchema]:
    """List a case's service referrals, newest first."""
    await ensure_exists(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator(
        "service_referrals", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": caller.id}
    )
    query = (
        select(ServiceReferral, col(Provider.name))
        .join(Provider, col(Provider.id) == col(ServiceReferral.provider_id))
        .where(col(ServiceReferral.case_id) == case_id)
        .filter_by(**wanted)
    )
    rows, cursor = await paging.fetch_rows(
        session, query, col(ServiceReferral.created_at), col(ServiceReferral.id)
    )
    return Page(items=[service_referral_to_schema(row[0], row[1]) for row in rows], next_cursor=cursor)


async def get_service_referral(session: AsyncSession, referral_id: UUID) -> ServiceReferralSchema:
    """Read one service referral."""
    return await _load_schema(session, await get_record(session, ServiceReferral, referral_id))


async def update_service_referral(
    session: AsyncSession, referral_id: UUID, expected_version: int, patch: ServiceReferralUpdate
) -> ServiceReferralSchema:
    """Change a draft.

    Raises:
        GateRefused: it was sent or cancelled: frozen. The case is closed, or the actor only looks at it.
        InvalidInput: the whole would not be a service referral any more.
    """
    case = await get_case_for_share(session, ServiceReferral, referral_id)
    referral = await get_version_for_update(session, ServiceReferral, referral_id, expected_version)
    raise_if_unmet(
        [*check_service_referral_is_draft(referral.status), *await check_case_writable(session, case)]
    )
    present = service_referral_to_schema(referral, "").model_dump(mode="json", include=set(CONTENT_FIELDS))
    name = await _store_content(session, referral, apply_patch(ServiceReferralContent, present, patch))
    await session.flush()  # the answer shows what was stored
    return service_referral_to_schema(referral, name)


async def accept_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    answer: ServiceReferralAcceptance,
) -> ServiceReferralSchema:
    """Record that the provider accepted."""
    referral = await _apply_transition(session, caller, ACCEPT, referral_id, expected_version)
    referral.answered_at = referral.updated_at
    return await _store_texts(session, referral, answer=answer.note)


async def decline_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    answer: ServiceReferralDecline,
) -> ServiceReferralSchema:
    """Record that the provider declined, and why."""
    referral = await _apply_transition(session, caller, DECLINE, referral_id, expected_version)
    referral.answered_at = referral.ended_at = referral.updated_at
    return await _store_texts(session, referral, reason=answer.reason)


async def complete_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    completion: ServiceReferralCompletion,
) -> ServiceReferralSchema:
    """Record how the service went."""
    referral = await _apply_transition(
        session, caller, COMPLETE, referral_id, expected_version, {"outcome": completion.outcome}
    )
    referral.ended_at = referral.updated_at
    referral.outcome = completion.outcome
    return await _store_texts(session, referral, outcome_note=completion.note)


async def cancel_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    ending: ServiceReferralCancellation,
) -> ServiceReferralSchema:
    """Cancel a service referral that is not needed any more."""
    referral = await _apply_transition(session, caller, CANCEL, referral_id, expected_version)
    referral.ended_at = referral.updated_at
    return await _store_texts(session, referral, reason=ending.reason)


async def _apply_transition(
    session: AsyncSession,
    caller: Caller,
    step: Transition,
    referral_id: UUID,
    expected_version: int,
    detail: dict[str, Any] | None = None,
) -> ServiceReferral:
    """Take one of the steps in which nothing is shared: what a provider was asked ends also after the case."""
    case = await get_case_for_share(session, ServiceReferral, referral_id)
    referral = await get_version_for_update(session, ServiceReferral, referral_id, expected_version)
    raise_if_unmet([*check_status(step, referral.status), *await check_works_on_case(session, case)])
    referral.status = step.target
    referral.updated_at = utc_now()
    told = {"provider_id": str(referral.provider_id), "service": referral.service, **(detail or {})}
    case_history.record_case_history(session, case, f"service_referral_{step.target}", caller, referral, told)
    return referral


async def _store_texts(
    session: AsyncSession, referral: ServiceReferral, **words: str | None
) -> ServiceReferralSchema:
    encrypt(referral, "sealed", {**decrypt(referral), **words})
    await session.flush()  # the answer shows what was stored
    return await _load_schema(session, referral)


async def _store_content(
    session: AsyncSession, referral: ServiceReferral, payload: ServiceReferralContent
) -> str:
    """Write a draft's content; return the provider's name.

    Raises:
        InvalidInput: what it names is not there, or belongs to another case; nobody has decided yet.
    """
    name = await session.scalar(select(col(Provider.name)).where(col(Provider.id) == payload.provider_id))
    named = {"/consent_id": (Consent, payload.consent_id), "/goal_id": (Goal, payload.goal_id)}
    faults = [
        Fault(pointer, "reference_unknown", "The case has none with this id.")
        for pointer, (kind, record_id) in named.items()
        if record_id and not await _belongs_to_case(session, kind, record_id, referral.case_id)
    ]
    if name is None:
        faults.append(Fault("/provider_id", "reference_unknown", "There is no such provider."))
    basis = payload.basis_without_consent
    faults += check_not_in_future({"/basis_without_consent/on": basis.on if basis else None})
    if name is None or faults:
        raise InvalidInput(faults)
    for field in CONTENT_FIELDS - ENCRYPTED_FIELDS:
        setattr(referral, field, getattr(payload, field))
    referral.basis_without_consent = basis.basis if basis else None
    referral.updated_at = utc_now()
    encrypt(referral, "sealed", payload.model_dump(mode="json", include=set(ENCRYPTED_FIELDS)))
    return name


async def _belongs_to_case(session: AsyncSession, kind: Any, record_id: UUID, case_id: UUID) -> bool:
    query = select(col(kind.id)).where(col(kind.id) == record_id, col(kind.case_id) == case_id)
    return await session.scalar(query) is not None


async def _load_schema(session: AsyncSession, referral: ServiceReferral) -> ServiceReferralSchema:
    name = await session.scalar(select(col(Provider.name)).where(col(Provider.id) == referral.provider_id))
    return service_referral_to_schema(referral, str(name))


def service_referral_to_schema(referral: ServiceReferral, provider_name: str) -> ServiceReferralSchema:
    """Return a service referral as its case's workers read it."""
    document = decrypt(referral)
    plain: dict[str, Any] = referral.model_dump(include=COLUMN_FIELDS)
    return ServiceReferralSchema(
        **plain, **{name: document.get(name) for name in ENCRYPTED_FIELDS}, provider_name=provider_name
    )
