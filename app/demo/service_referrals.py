"""Simulate service referrals to providers."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.models import PendingChange
from app.schemas.service_referrals import (
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralCreate,
    ServiceReferralDecline,
)
from app.services.confirmation.decide import confirm_pending_change
from app.services.support import service_referral_outcomes, service_referral_send, service_referrals

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
"""One service referral of this many has a legal basis instead of a consent."""

CHECKED_PROVIDERS = demo_people.PROVIDERS[:-1]


async def simulate_service_referral(simulation: CaseSimulation, day: date, index: int) -> None:
    """Simulate a service referral up to a status that depends on the case, as far as the simulated time allows."""
    number = simulation.scenario.number + index * 3
    final_status = SERVICE_REFERRAL_STATUSES[number % len(SERVICE_REFERRAL_STATUSES)]
    async with simulation.run_as(simulation.worker, Permission.service_referral_make, day) as (
        session,
        caller,
    ):
        payload = ServiceReferralCreate.model_validate(_build_service_referral(simulation, number, day))
        referral = await service_referrals.create_case_service_referral(
            session, caller, simulation.case_id, payload
        )
    if final_status == "draft":
        return
    if referral.basis_entry_id is not None:
        await _confirm_legal_basis(simulation, referral.basis_entry_id, day)
    async with simulation.run_as(simulation.worker, Permission.service_referral_send, day) as (
        session,
        caller,
    ):
        referral = await service_referral_send.send_service_referral(
            session, caller, referral.id, referral.version
        )
    answered_on = day + timedelta(days=3 + number % 9)
    if final_status == "sent" or answered_on > simulation.scenario.last_day:
        return
    await _record_provider_answer(simulation, referral.id, referral.version, final_status, answered_on)


async def _confirm_legal_basis(simulation: CaseSimulation, entry_id: UUID, day: date) -> None:
    async with simulation.run_as(demo_people.PROGRAMME_MANAGER, Permission.pending_change_decide, day) as (
        session,
        caller,
    ):
        query = select(PendingChange).where(col(PendingChange.record_id) == entry_id)
        change = (await session.scalars(query)).one()
        await confirm_pending_change(session, caller, change.id, change.version)


async def _record_provider_answer(
    simulation: CaseSimulation, referral_id: UUID, version: int, final_status: str, day: date
) -> None:
    async with simulation.run_as(simulation.worker, Permission.service_referral_follow, day) as (
        session,
        caller,
    ):
        if final_status == "declined":
            decline = ServiceReferralDecline(reason=simulation.choose_text("service_declined"))
            await service_referral_outcomes.decline_service_referral(
                session, caller, referral_id, version, decline
            )
            return
        if final_status == "cancelled":
            cancellation = ServiceReferralCancellation(reason=simulation.choose_text("service_cancelled"))
            await service_referral_outcomes.cancel_service_referral(
                session, caller, referral_id, version, cancellation
            )
            return
        acceptance = ServiceReferralAcceptance(note=simulation.choose_text("service_answer"))
        referral = await service_referral_outcomes.accept_service_referral(
            session, caller, referral_id, version, acceptance
        )
        completed_on = day + timedelta(days=25)
        if final_status == "completed" and completed_on <= simulation.scenario.last_day:
            with simulation.freeze_day(completed_on):
                outcome = OUTCOMES[simulation.rng.randrange(len(OUTCOMES))]
                completion = ServiceReferralCompletion(
                    outcome=outcome, note=simulation.choose_text("service_done")
                )
                await service_referral_outcomes.complete_service_referral(
                    session, caller, referral_id, referral.version, completion
                )


def _build_service_referral(simulation: CaseSimulation, number: int, day: date) -> dict[str, Any]:
    provider = CHECKED_PROVIDERS[number % len(CHECKED_PROVIDERS)]
    services_with_text = simulation.texts.list_codes("services")
    services = [service for service in provider.services if service in services_with_text]
    service = services[number // len(CHECKED_PROVIDERS) % len(services)]
    (entry,) = simulation.texts.list_entries("services", service)
    payload = {
        "provider_id": str(simulation.context.ids.provider_ids[provider.name]),
        "service": service,
        "area": entry[0],
        "need": simulation.texts.get_text(entry),
        "shared_fields": SHARED_FIELDS[number % len(SHARED_FIELDS)],
    }
    if number % WITHOUT_CONSENT_INTERVAL:
        return {**payload, "consent_id": str(simulation.consent_id)}
    basis = {
        "basis": "vital_interest",
        "decided_by": "Chea Rith",
        "on": to_workday(day).isoformat(),
        "child_told": True,
    }
    return {
        **payload,
        "basis_without_consent": {**basis, "reason": "The doctor could not wait for the mother."},
    }
