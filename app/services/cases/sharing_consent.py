"""The gate for sharing: data about a child is shared only if the consent is valid at the time of sharing."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.kit.dates import today
from app.models import Consent
from app.services.cases.consents import get_consent_status

CONSENT_POINTER = "/consent_id"
INVALID_CONSENT_FAULTS = {
    "withdrawn": Fault(CONSENT_POINTER, "consent_withdrawn", "The consent was withdrawn."),
    "refused": Fault(CONSENT_POINTER, "consent_refused", "The entry of the consent register is a refusal."),
    "expired": Fault(CONSENT_POINTER, "consent_expired", "The consent has expired."),
}


async def get_consent_for_share(session: AsyncSession, case_id: UUID, consent_id: UUID) -> Consent | None:
    """Return a consent of a case with a shared lock on its row.

    A withdrawal locks the row exclusively. The withdrawal therefore waits for a transaction that shares on this
    consent, and a later sharing transaction sees the withdrawal.
    """
    query = select(Consent).where(col(Consent.id) == consent_id, col(Consent.case_id) == case_id)
    query = query.with_for_update(read=True).execution_options(populate_existing=True)
    consent: Consent | None = await session.scalar(query)
    return consent


def is_basis_without_consent(consent: Consent) -> bool:
    """Return whether an entry of the consent register is only a legal basis, without the consent of a person."""
    return consent.basis_without_consent is not None and not consent.given_by


def check_sharing_consent(consent: Consent | None, scope: str, recipient_id: UUID | None) -> Iterator[Fault]:
    """Yield the unmet conditions for sharing data today on a consent. `scope` is the purpose of sharing."""
    if consent is None:
        yield Fault(CONSENT_POINTER, "consent_unknown", "The consent does not exist on this case.")
        return
    if fault := INVALID_CONSENT_FAULTS.get(get_consent_status(consent)):
        yield fault
    if consent.given_on > today():  # the API rejects a future date, but the table can contain one
        yield Fault(CONSENT_POINTER, "consent_ahead", "The date of the consent is in the future.")
    if scope not in consent.scope:
        yield Fault(CONSENT_POINTER, "consent_scope", f"The consent does not cover {scope}.")
    if consent.recipient_agency_id not in {None, recipient_id}:
        yield Fault(
            CONSENT_POINTER,
            "consent_recipient",
            "The consent permits sharing with another organisation only.",
        )
