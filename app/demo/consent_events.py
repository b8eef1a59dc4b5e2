"""Simulate a refusal of the child, a withdrawal with data to recall, and a handover of clinical notes."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo.organisation import DemoContext
from app.demo.service_referrals import CHECKED_PROVIDERS
from app.kit.dates import today
from app.models import Consent
from app.schemas.clinical_handovers import ClinicalHandoverCreate
from app.schemas.consents import ConsentCreate, ConsentWithdrawal
from app.schemas.service_referrals import ServiceReferralCreate
from app.services.cases import cases
from app.services.consents import register
from app.services.support import clinical_handovers, service_referral_send, service_referrals


async def simulate_consent_events(context: DemoContext, case_id: UUID, worker: str, supervisor: str) -> None:
    """Share data of a case, and then withdraw the consent. The recall stays on the agenda of the worker."""
    async with context.run_as(worker, Permission.consent_record) as (session, caller):
        await _refuse_school(session, caller, case_id)
        consent_id = await _record_sharing_consent(session, caller, case_id)
    async with context.run_as(worker, Permission.service_referral_make) as (session, caller):
        provider = CHECKED_PROVIDERS[0]
        payload = ServiceReferralCreate.model_validate(
            {
                "provider_id": str(context.ids.provider_ids[provider.name]),
                "service": provider.services[0],
                "need": "An examination by a woman doctor.",
                "shared_fields": ["names", "age", "need"],
                "consent_id": str(consent_id),
            }
        )
        draft = await service_referrals.create_case_service_referral(session, caller, case_id, payload)
    async with context.run_as(worker, Permission.service_referral_send) as (session, caller):
        await service_referral_send.send_service_referral(session, caller, draft.id, draft.version)
    async with context.run_as(worker, Permission.consent_withdraw) as (session, caller):
        consent = await session.get_one(Consent, consent_id)
        reason = "The grandmother fears that the village will hear of it."
        withdrawal = ConsentWithdrawal(reason=reason, withdrawn_givers=["caregiver"])
        await register.withdraw_consent(session, caller, consent_id, consent.version, withdrawal)
    async with context.run_as(supervisor, Permission.clinical_note_hand_over) as (session, caller):
        case = await cases.get_case(session_reader(session), case_id)
        handover = ClinicalHandoverCreate(reason="The new lead worker continues the play therapy.")
        await clinical_handovers.hand_over_clinical_notes(session, caller, case_id, case.version, handover)


async def _refuse_school(session: AsyncSession, caller: Caller, case_id: UUID) -> None:
    refusal = {"given_by": ["child"], "method": "oral", "on": today().isoformat(), "status": "refused"}
    payload = ConsentCreate.model_validate({**refusal, "scope": ["share_with_school"]})
    await register.create_case_consent(session, caller, case_id, payload)


async def _record_sharing_consent(session: AsyncSession, caller: Caller, case_id: UUID) -> UUID:
    consent = {"given_by": ["child", "caregiver"], "method": "thumbprint", "on": today().isoformat()}
    payload = ConsentCreate.model_validate({**consent, "scope": ["share_with_providers"]})
    return (await register.create_case_consent(session, caller, case_id, payload)).id
