"""The gate of sharing: whatever leaves First Step about a child rests on a consent that holds at that moment."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.kit.dates import today
from app.models import Consent
from app.services.cases.consents import get_consent_status

INVALID_CONSENT_MESSAGES = {
    "withdrawn": "The consent was withdrawn.",
    "refused": "This entry of the register is a refusal.",
    "expired": "The consent has expired.",
}
CONSENT_POINTER = "/consent_id"


async def get_consent_for_share(session: AsyncSession, case_id: UUID, consent_id: UUID) -> Consent | None:
    """Return a consent of a case as it is now, and hold it so until this transaction ends.

    A withdrawal takes the row for itself: it waits for a sharing that came first, or is seen by one that comes after.
    """
    query = select(Consent).where(col(Consent.id) == consent_id, col(Consent.case_id) == case_id)
    query = query.with_for_update(read=True).execution_options(populate_existing=True)
    found: Consent | None = await session.scalar(query)
    return found


def is_basis_without_consent(consent: Consent) -> bool:
    """Whether an entry of the register says why something is done without consent: nobody agreed."""
    return consent.basis_without_consent is not None and not consent.given_by


def check_sharing_consent(consent: Consent | None, scope: str, recipient_id: UUID | None) -> Iterator[Fault]:
    """Yield what speaks against sharing on a consent: for this purpose, with this organisation, now."""
    if consent is None:
        yield Fault(CONSENT_POINTER, "consent_unknown", "The case has no such consent.")
        return
    status = get_consent_status(consent)
    if status in INVALID_CONSENT_MESSAGES:
        yield Fault(CONSENT_POINTER, f"consent_{status}", INVALID_CONSENT_MESSAGES[status])
    if consent.given_on > today():  # none is recorded any more: this one is older than that rule
        yield Fault(CONSENT_POINTER, "consent_ahead", "The consent is dated in the future.")
    if scope not in consent.scope:
        yield Fault(CONSENT_POINTER, "consent_scope", f"The consent does not cover {scope}.")
    if consent.recipient_agency_id not in {None, recipient_id}:
        yield Fault(
            CONSENT_POINTER, "consent_recipient", "The consent is for sharing with another organisation."
        )
