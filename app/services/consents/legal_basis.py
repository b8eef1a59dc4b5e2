"""Legal bases for acting without consent: their entries in the register, and the second person who confirms them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Role
from app.errors import Fault
from app.kit.entered_in_error import check_not_entered_in_error
from app.kit.pending_changes import ChangeKind, request_change
from app.kit.records import get_record
from app.models import Case, Consent, PendingChange
from app.models.record import new_id
from app.schemas.consents import BasisWithoutConsent
from app.services.cases import history as case_history
from app.services.consents.gate import lock_register


async def create_basis_entry(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    basis: BasisWithoutConsent,
    scope: str,
    recipient_agency_id: UUID | None,
) -> Consent:
    """Add a legal basis for one purpose to the consent register, and request its confirmation by a second person."""
    consent = Consent(
        id=new_id(),
        child_id=case.child_id,
        case_id=case.id,
        given_on=basis.on,
        scope=[scope],
        recipient_agency_id=recipient_agency_id,
        basis_without_consent=basis.basis,
        recorded_by_id=caller.id,
    )
    consent.details = {"witness": None, "basis_without_consent": basis.model_dump(mode="json")}  # type: ignore[typeddict-item]
    session.add(consent)
    await session.flush()  # the confirmation is requested without autoflush
    case_history.record_case_history(
        session, case, "consent_recorded", caller, consent, {"status": consent.status}
    )
    await request_basis_confirmation(session, consent)
    return consent


async def request_basis_confirmation(session: AsyncSession, consent: Consent) -> None:
    """Request the confirmation of a legal basis by a second person. Nothing is requested for another entry."""
    if consent.basis_without_consent is not None:
        payload = {"basis": consent.basis_without_consent, "scope": sorted(consent.scope)}
        await request_change(session, CONSENT_BASIS.name, payload, record_id=consent.id)


async def end_basis_confirmation(session: AsyncSession, entry_id: UUID) -> None:
    """End the request to confirm a legal basis, because its entry is withdrawn or entered in error.

    Acts call this before they lock the register, because a confirmation locks the pending change before the register.
    """
    await session.execute(select(func.access.supersede_basis_confirmation(entry_id)))


async def _check_basis(session: AsyncSession, change: PendingChange) -> list[Fault]:
    if change.record_id is None:
        raise ValueError("A constraint of the table requires the id of the entry.")
    consent = await get_record(session, Consent, change.record_id)
    await lock_register(session, consent.child_id)
    await session.refresh(consent)  # it may have been withdrawn before the lock
    faults = check_not_entered_in_error(consent)
    if consent.withdrawn_at is not None:
        faults.append(Fault(None, "consent_withdrawn", "The legal basis was withdrawn."))
    return faults


def _describe_basis(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"legal_basis": {"basis": payload["basis"], "scope": payload["scope"]}}


CONSENT_BASIS = ChangeKind(
    "consent_basis",
    _check_basis,
    _describe_basis,
    requester_roles=frozenset({Role.social_worker, Role.supervisor, Role.programme_manager}),
)
