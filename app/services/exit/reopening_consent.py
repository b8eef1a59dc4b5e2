"""The new consent, or the legal basis, that reopening a case requires."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today
from app.models import Case
from app.models.record import utc_now
from app.schemas.consents import ConsentCreate
from app.services.consents.answers import RegisterEntry
from app.services.consents.gate import load_register
from app.services.consents.register import add_consent

POINTER = "/consent"


async def check_new_consent(
    session: AsyncSession, old_case: Case, consent: ConsentCreate | None
) -> list[Fault]:
    """Return the unmet conditions on the consent of a reopening: it is new, for services, and permitted by the register."""
    if consent is None or consent.status == "refused" or "services" not in consent.scope:
        detail = "A new consent to services, or a legal basis for acting without consent, is required."
        return [Fault(POINTER, "consent_missing", detail)]
    if old_case.closed_on is not None and consent.on < old_case.closed_on:
        detail = "The consent must be given on or after the day on which the case was closed."
        return [Fault(f"{POINTER}/on", "consent_before_closing", detail)]
    if consent.valid_until is not None and consent.valid_until < today():
        return [Fault(f"{POINTER}/valid_until", "consent_expired", "The consent or legal basis has expired.")]
    if consent.basis_without_consent is not None:
        return []
    register = await load_register(session, old_case.child_id, None, _build_entry(consent))
    return list(register.check("services", pointer=POINTER))


def _build_entry(consent: ConsentCreate, case_id: UUID | None = None) -> RegisterEntry:
    return RegisterEntry(
        case_id=case_id,
        given_by=consent.given_by,
        given_on=consent.on,
        created_at=utc_now(),
        scope=consent.scope,
        recipient_agency_id=consent.recipient_agency_id,
        valid_until=consent.valid_until,
        has_alternative_reason=consent.alternative_giver_reason is not None,
    )


async def record_new_consent(
    session: AsyncSession, caller: Caller, case: Case, consent: ConsentCreate | None
) -> None:
    """Add the consent of a reopening to the register of the new case."""
    if consent is None:
        raise ValueError("The gate requires a consent.")
    await add_consent(session, caller, case, consent, POINTER)
