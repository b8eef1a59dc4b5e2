"""The consent of a referral: requirements of the gate "referral accepted", and its entry in the consent register."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault
from app.kit.record_changes import ReferralAct, record_field_changes
from app.models import Case, Consent, Referral
from app.models.record import utc_now
from app.models.referrals import StoredReferralConsent, StoredReferralContent
from app.services.cases import history as case_history
from app.services.cases import open as cases_open
from app.services.consents.answers import RegisterEntry
from app.services.consents.gate import ConsentRegister, build_register, list_register_entries
from app.services.consents.legal_basis import request_basis_confirmation
from app.services.persons.life_dates import check_after_birth
from app.services.referrals.intake import has_complete_consent


async def check_consent(
    session: AsyncSession, referral: Referral, content: StoredReferralContent, child_id: UUID | None
) -> list[Fault]:
    """Return faults unless the referral contains a legal basis, or consent that the age and the register of the child permit.

    Its day must not be before the birth of the child. A consent is to First Step's services. For the referral of a partner, it is also to sharing with First Step. `child_id` is
    the known child, with a lock on the opening of cases, or None for a new child.
    """
    consent = content["consent"]
    has_services = bool(consent["basis_without_consent"]) or "services" in consent["scope"]
    if not (has_services and has_complete_consent(consent)):
        detail = "The referral must contain consent to First Step's services or a legal basis for acting without consent."
        return [Fault(None, "consent_missing", detail)]
    faults = check_after_birth(content["child"]["birth"], {"/consent/on": _get_consent_day(consent)})
    if consent["basis_without_consent"]:
        return faults
    register = await _load_register(session, content, child_id)
    scopes = ["services", *(["share_with_fsc"] if referral.agency_id is not None else [])]
    return [*faults, *(fault for scope in scopes for fault in register.check(scope, pointer="/consent"))]


async def _load_register(
    session: AsyncSession, content: StoredReferralContent, child_id: UUID | None
) -> ConsentRegister:
    """Return the register of the child with the consent of the referral."""
    entry, birth = _build_entry(content["consent"]), content["child"]["birth"]
    if child_id is None:
        return await build_register(session, [entry], None, birth)
    open_case = await cases_open.get_open_case_for_share(session, child_id)
    case_id = None if open_case is None else open_case.id
    entries = [*await list_register_entries(session, child_id), replace(entry, case_id=case_id)]
    return await build_register(session, entries, case_id, birth)


def _build_entry(consent: StoredReferralConsent) -> RegisterEntry:
    return RegisterEntry(
        given_by=consent["given_by"],
        given_on=_get_consent_day(consent),
        created_at=utc_now(),
        scope=consent["scope"],
        has_alternative_reason=consent["alternative_giver_reason"] is not None,
    )


async def record_referral_consent(
    session: AsyncSession, caller: Caller, case: Case, referral: Referral, act: ReferralAct | None
) -> None:
    """Add the consent or legal basis of a referral to the consent register. A legal basis without a scope is for services.

    With `act`, the history of the child records it.
    """
    referral_consent = referral.content["consent"]
    basis = referral_consent["basis_without_consent"]
    consent = Consent(
        child_id=case.child_id,
        case_id=case.id,
        given_by=referral_consent["given_by"],
        method=referral_consent["method"],
        given_on=_get_consent_day(referral_consent),
        scope=referral_consent["scope"] or ["services"],
        basis_without_consent=basis["basis"] if basis else None,
        recorded_by_id=caller.id,
        added_by_referral_id=referral.id,
    )
    consent.details = {"witness": referral_consent["witness"], "basis_without_consent": basis}
    consent.alternative_giver_reason = referral_consent["alternative_giver_reason"]
    session.add(consent)
    # the history entry references the consent, and the confirmation is requested without autoflush
    await session.flush()
    case_history.record_case_history(session, case, "consent_recorded", caller, consent)
    if act is not None:
        record_field_changes(session, caller, consent, {}, _list_recorded_fields(consent), act)
    await request_basis_confirmation(session, consent)


def _list_recorded_fields(consent: Consent) -> dict[str, Any]:
    """Return the fields of a new entry that the history of the child shows."""
    columns = consent.model_dump(
        include={"given_by", "method", "scope", "status", "basis_without_consent"}, exclude_none=True
    )
    return {**columns, "on": consent.given_on.isoformat()}


def _get_consent_day(referral_consent: StoredReferralConsent) -> date:
    basis = referral_consent["basis_without_consent"]
    day = referral_consent["on"] or (basis["on"] if basis else None)
    if day is None:
        raise ValueError("The schema requires a consent or a legal basis.")
    return date.fromisoformat(day)
