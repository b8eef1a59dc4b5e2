"""Service referrals of the demonstration."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.schemas.service_referrals import (
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralCreate,
    ServiceReferralDecline,
)
from app.services.support import service_referral_outcomes, service_referrals
from app.services.support import service_referral_send as service_referrals_send

SERVICE_REFERRAL_STATUSES = (
    "completed",
    "accepted",
    "completed",
    "sent",
    "declined",
    "completed",
    "cancelled",
    "draft",
)
OUTCOMES = ("need_met", "need_met", "partly_met", "not_used", "not_met")
SHARED_FIELDS = (
    ["names", "age", "sex", "need"],
    ["names", "age", "need", "supporter", "phone"],
    ["age", "school", "need"],
)
WITHOUT_CONSENT_INTERVAL = 23
"""Of so many children one is referred on a legal basis, without consent."""

CHECKED_PROVIDERS = demo_people.PROVIDERS[:-1]


async def simulate_service_referral(life: CaseSimulation, day: date, turn: int) -> None:
    """Play a service referral: drafted, sent, answered, ended, or as far as it came."""
    number = life.scenario.number + turn * 3
    ending = SERVICE_REFERRAL_STATUSES[number % len(SERVICE_REFERRAL_STATUSES)]
    async with life.run_as(life.worker, Permission.service_referral_make, day) as (session, actor):
        told = ServiceReferralCreate.model_validate(_build_service_referral(life, number, day))
        made = await service_referrals.create_case_service_referral(session, actor, life.case_id, told)
    if ending == "draft":
        return
    async with life.run_as(life.worker, Permission.service_referral_send, day) as (session, actor):
        sent = await service_referrals_send.send_service_referral(session, actor, made.id, made.version)
    answered_on = day + timedelta(days=3 + number % 9)
    if ending == "sent" or answered_on > life.scenario.last_day:
        return
    await _record_provider_answer(life, sent.id, sent.version, ending, answered_on)


async def _record_provider_answer(
    life: CaseSimulation, referral_id: UUID, version: int, ending: str, day: date
) -> None:
    async with life.run_as(life.worker, Permission.service_referral_follow, day) as (session, actor):
        if ending == "declined":
            why = ServiceReferralDecline(reason=life.choose_text("service_declined"))
            await service_referral_outcomes.decline_service_referral(
                session, actor, referral_id, version, why
            )
            return
        if ending == "cancelled":
            gone = ServiceReferralCancellation(reason=life.choose_text("service_cancelled"))
            await service_referral_outcomes.cancel_service_referral(
                session, actor, referral_id, version, gone
            )
            return
        answer = ServiceReferralAcceptance(note=life.choose_text("service_answer"))
        version = (
            await service_referral_outcomes.accept_service_referral(
                session, actor, referral_id, version, answer
            )
        ).version
        ended_on = day + timedelta(days=25)
        if ending == "completed" and ended_on <= life.scenario.last_day:
            with life.freeze_day(ended_on):
                outcome = OUTCOMES[life.rng.randrange(len(OUTCOMES))]
                done = ServiceReferralCompletion(outcome=outcome, note=life.choose_text("service_done"))
                await service_referral_outcomes.complete_service_referral(
                    session, actor, referral_id, version, done
                )


def _build_service_referral(life: CaseSimulation, number: int, day: date) -> dict[str, Any]:
    name, _, offered, _ = CHECKED_PROVIDERS[number % len(CHECKED_PROVIDERS)]
    known = [service for service in offered if service in life.texts.list_codes("services")]
    service = known[number // len(CHECKED_PROVIDERS) % len(known)]
    (entry,) = life.texts.list_entries("services", service)
    told = {
        "provider_id": str(life.context.ids.provider_ids[name]),
        "service": service,
        "area": entry[0],
        "need": life.texts.get_text(entry),
        "shared_fields": SHARED_FIELDS[number % len(SHARED_FIELDS)],
    }
    if number % WITHOUT_CONSENT_INTERVAL:
        return {**told, "consent_id": str(life.consent_id)}
    basis = {
        "basis": "vital_interest",
        "decided_by": "Chea Rith",
        "on": to_workday(day).isoformat(),
        "child_told": True,
    }
    return {**told, "basis_without_consent": {**basis, "reason": "The doctor could not wait for the mother."}}
