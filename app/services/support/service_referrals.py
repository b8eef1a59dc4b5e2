"""Service referrals: drafting them, and what became of them (sending has a module of its own)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.kit.dates import ahead
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, find_steady, patched, require, steady_case
from app.kit.state_machine import Step, refuse, unmet_status
from app.models import Case, Consent, Goal, Provider, ServiceReferral
from app.models.record import new_id, now
from app.schemas.service_referrals import (
    ServiceAcceptance,
    ServiceCancellation,
    ServiceCompletion,
    ServiceEnding,
    ServiceReferralContent,
    ServiceReferralFilters,
    ServiceReferralIn,
    ServiceReferralOut,
    ServiceReferralPatch,
)
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.write_access import unmet_working, unmet_writing
from app.services.support.service_referral_states import ACCEPT, CANCEL, COMPLETE, DECLINE, unmet_draft

TOLD = frozenset(ServiceReferralContent.model_fields)
SEALED = frozenset({"need", "basis_without_consent", "shared", "answer", "reason", "outcome_note"})
PLAIN = set(ServiceReferralOut.model_fields) - SEALED - {"provider_name"}


async def draft(
    session: AsyncSession, actor: Actor, case_id: UUID, told: ServiceReferralIn
) -> ServiceReferralOut:
    """Draft a service referral: nothing is shared yet.

    Raises:
        GateRefused: the case is closed, or the actor only looks at it.
        InvalidInput: no such provider; the consent or the goal is none of this case.
    """
    case = await find_steady(session, Case, case_id)
    refuse(await unmet_writing(session, case))
    referral = ServiceReferral(
        id=told.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        provider_id=told.provider_id,
        service=told.service,
        author_id=actor.id,
    )
    name = await _write(session, referral, told)
    session.add(referral)
    await session.flush()  # a conflict must surface before the answer leaves
    return shown(referral, name)


async def listed(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: ServiceReferralFilters
) -> Page[ServiceReferralOut]:
    """List a case's service referrals, newest first."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging(
        "service_referrals", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id}
    )
    query = (
        select(ServiceReferral, col(Provider.name))
        .join(Provider, col(Provider.id) == col(ServiceReferral.provider_id))
        .where(col(ServiceReferral.case_id) == case_id)
        .filter_by(**wanted)
    )
    rows, cursor = await paging.rows(session, query, col(ServiceReferral.created_at), col(ServiceReferral.id))
    return Page(items=[shown(row[0], row[1]) for row in rows], next_cursor=cursor)


async def read(session: AsyncSession, referral_id: UUID) -> ServiceReferralOut:
    """Read one service referral."""
    return await _read(session, await find(session, ServiceReferral, referral_id))


async def change(
    session: AsyncSession, referral_id: UUID, seen: int, patch: ServiceReferralPatch
) -> ServiceReferralOut:
    """Change a draft.

    Raises:
        GateRefused: it was sent or cancelled: frozen. The case is closed, or the actor only looks at it.
        InvalidInput: the whole would not be a service referral any more.
    """
    case = await steady_case(session, ServiceReferral, referral_id)
    referral = await find_for_change(session, ServiceReferral, referral_id, seen)
    refuse([*unmet_draft(referral.status), *await unmet_writing(session, case)])
    present = shown(referral, "").model_dump(mode="json", include=set(TOLD))
    name = await _write(session, referral, patched(ServiceReferralContent, present, patch))
    await session.flush()  # the answer shows what was stored
    return shown(referral, name)


async def accept(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, answer: ServiceAcceptance
) -> ServiceReferralOut:
    """Record that the provider accepted."""
    referral = await _step(session, actor, ACCEPT, referral_id, seen)
    referral.answered_at = referral.updated_at
    return await _said(session, referral, answer=answer.note)


async def decline(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, answer: ServiceEnding
) -> ServiceReferralOut:
    """Record that the provider declined, and why."""
    referral = await _step(session, actor, DECLINE, referral_id, seen)
    referral.answered_at = referral.ended_at = referral.updated_at
    return await _said(session, referral, reason=answer.reason)


async def complete(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, completion: ServiceCompletion
) -> ServiceReferralOut:
    """Record how the service went."""
    referral = await _step(session, actor, COMPLETE, referral_id, seen, {"outcome": completion.outcome})
    referral.ended_at = referral.updated_at
    referral.outcome = completion.outcome
    return await _said(session, referral, outcome_note=completion.note)


async def cancel(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, ending: ServiceCancellation
) -> ServiceReferralOut:
    """Cancel a service referral that is not needed any more."""
    referral = await _step(session, actor, CANCEL, referral_id, seen)
    referral.ended_at = referral.updated_at
    return await _said(session, referral, reason=ending.reason)


async def _step(
    session: AsyncSession,
    actor: Actor,
    step: Step,
    referral_id: UUID,
    seen: int,
    detail: dict[str, Any] | None = None,
) -> ServiceReferral:
    """Take one of the steps in which nothing is shared: what a provider was asked ends also after the case."""
    case = await steady_case(session, ServiceReferral, referral_id)
    referral = await find_for_change(session, ServiceReferral, referral_id, seen)
    refuse([*unmet_status(step, referral.status), *await unmet_working(session, case)])
    referral.status = step.target
    referral.updated_at = now()
    told = {"provider_id": str(referral.provider_id), "service": referral.service, **(detail or {})}
    case_history.record(session, case, f"service_referral_{step.target}", actor, referral, told)
    return referral


async def _said(session: AsyncSession, referral: ServiceReferral, **words: str | None) -> ServiceReferralOut:
    seal(referral, "sealed", {**unseal(referral), **words})
    await session.flush()  # the answer shows what was stored
    return await _read(session, referral)


async def _write(session: AsyncSession, referral: ServiceReferral, told: ServiceReferralContent) -> str:
    """Write a draft's content; return the provider's name.

    Raises:
        InvalidInput: what it names is not there, or belongs to another case; nobody has decided yet.
    """
    name = await session.scalar(select(col(Provider.name)).where(col(Provider.id) == told.provider_id))
    named = {"/consent_id": (Consent, told.consent_id), "/goal_id": (Goal, told.goal_id)}
    faults = [
        Fault(pointer, "reference_unknown", "The case has none with this id.")
        for pointer, (kind, record_id) in named.items()
        if record_id and not await _is_of_case(session, kind, record_id, referral.case_id)
    ]
    if name is None:
        faults.append(Fault("/provider_id", "reference_unknown", "There is no such provider."))
    basis = told.basis_without_consent
    faults += ahead({"/basis_without_consent/on": basis.on if basis else None})
    if name is None or faults:
        raise InvalidInput(faults)
    for field in TOLD - SEALED:
        setattr(referral, field, getattr(told, field))
    referral.basis_without_consent = basis.basis if basis else None
    referral.updated_at = now()
    seal(referral, "sealed", told.model_dump(mode="json", include=set(SEALED)))
    return name


async def _is_of_case(session: AsyncSession, kind: Any, record_id: UUID, case_id: UUID) -> bool:
    query = select(col(kind.id)).where(col(kind.id) == record_id, col(kind.case_id) == case_id)
    return await session.scalar(query) is not None


async def _read(session: AsyncSession, referral: ServiceReferral) -> ServiceReferralOut:
    name = await session.scalar(select(col(Provider.name)).where(col(Provider.id) == referral.provider_id))
    return shown(referral, str(name))


def shown(referral: ServiceReferral, provider_name: str) -> ServiceReferralOut:
    """Return a service referral as its case's workers read it."""
    document = unseal(referral)
    plain: dict[str, Any] = referral.model_dump(include=PLAIN)
    return ServiceReferralOut(
        **plain, **{name: document.get(name) for name in SEALED}, provider_name=provider_name
    )
