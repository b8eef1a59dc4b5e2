"""The consent register: versioned, never overwritten; a withdrawal stops sharing at once."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import refuse_ahead, today
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, find_steady, require, steady_case
from app.kit.state_machine import refuse
from app.models import Case, Consent
from app.models.record import new_id, now
from app.schemas.circle import ConsentFilters, ConsentIn, ConsentOut
from app.schemas.referrals import Withdrawal
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import unmet_working

SEALED = ("witness", "basis_without_consent", "note")


async def record(session: AsyncSession, actor: Actor, case_id: UUID, told: ConsentIn) -> ConsentOut:
    """Enter a consent, a refusal, or the basis for acting without consent.

    Raises:
        GateRefused: the actor only looks at the case.
        InvalidInput: nobody has agreed yet, or decided: the day lies in the future.
    """
    basis = told.basis_without_consent
    refuse_ahead({"/on": told.on, "/basis_without_consent/on": basis.on if basis else None})
    case = await find_steady(session, Case, case_id)
    refuse(await unmet_working(session, case))
    document = told.model_dump(mode="json")
    consent = Consent(
        id=told.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        given_on=told.on,
        basis_without_consent=basis.basis if basis else None,
        recorded_by_id=actor.id,
        **told.model_dump(
            include={"status", "given_by", "method", "scope", "recipient_agency_id", "valid_until"}
        ),
    )
    seal(consent, "sealed", {name: document[name] for name in SEALED})
    session.add(consent)
    await session.flush()  # the history names it
    case_history.record(session, case, "consent_recorded", actor, consent, {"status": consent.status})
    return _shown(consent)


async def listed(session: AsyncSession, actor: Actor, case_id: UUID, page: PageQuery) -> Page[ConsentOut]:
    """List a case's consent register, newest first; the data protection officer reads it without the case."""
    paging = Paging("consents", page.limit, page.cursor, {"case": case_id, "for": actor.id})
    rows, cursor = await paging.records(
        session,
        select(Consent).where(col(Consent.case_id) == case_id),
        col(Consent.created_at),
        col(Consent.id),
    )
    if not rows:
        await require(session, Case, case_id)
    return Page(items=[_shown(consent) for consent in rows], next_cursor=cursor)


async def register(session: AsyncSession, actor: Actor, filters: ConsentFilters) -> Page[ConsentOut]:
    """List the whole register as far as the actor sees it, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("register", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    rows, cursor = await paging.records(
        session, select(Consent).filter_by(**wanted), col(Consent.created_at), col(Consent.id)
    )
    return Page(items=[_shown(consent) for consent in rows], next_cursor=cursor)


async def read(session: AsyncSession, consent_id: UUID) -> ConsentOut:
    """Read one entry."""
    return _shown(await find(session, Consent, consent_id))


async def withdraw(
    session: AsyncSession, actor: Actor, consent_id: UUID, seen: int, withdrawal: Withdrawal
) -> ConsentOut:
    """Withdraw a consent: from this moment nothing is shared on it.

    Raises:
        GateRefused: it was withdrawn before, or is a refusal; the actor only looks at the case.
    """
    case = await steady_case(session, Consent, consent_id)
    consent = await find_for_change(session, Consent, consent_id, seen)
    refuse([*_unmet_given(consent), *await unmet_working(session, case)])
    consent.withdrawn_at = now()
    consent.withdrawn_by_id = actor.id
    seal(consent, "withdrawal_sealed", withdrawal.reason)
    await session.flush()  # the answer shows what was stored
    case_history.record(session, case, "consent_withdrawn", actor, consent)
    return _shown(consent)


def _unmet_given(consent: Consent) -> list[Fault]:
    status = status_of(consent)
    if status not in {"withdrawn", "refused"}:
        return []
    return [Fault("/status", "status", f"The consent is {status}; there is nothing to withdraw.")]


def status_of(consent: Consent) -> str:
    """Return how a consent stands today: given, refused, withdrawn or expired."""
    if consent.withdrawn_at is not None:
        return "withdrawn"
    if consent.status == "given" and consent.valid_until is not None and consent.valid_until < today():
        return "expired"
    return consent.status


def _shown(consent: Consent) -> ConsentOut:
    plain: dict[str, Any] = consent.model_dump(include=set(ConsentOut.model_fields) - {"status"})
    return ConsentOut(
        **{**plain, **{name: unseal(consent).get(name) for name in SEALED}},
        status=status_of(consent),
        on=consent.given_on,
        withdrawal_reason=unseal(consent, "withdrawal_sealed") or None,
    )
