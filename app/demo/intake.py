"""Simulate referrals up to their acceptance, decline or withdrawal, and the first records of a case."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import people as demo_people
from app.demo.case_scenarios import CaseScenario, to_workday
from app.demo.case_simulation import CaseSimulation
from app.demo.organisation import DemoContext
from app.kit.dates import add_months
from app.models import Person
from app.models.record import new_id
from app.schemas.cases import CaseUpdate
from app.schemas.consents import ConsentCreate, ConsentWithdrawal
from app.schemas.people import PersonCreate
from app.schemas.referral_responses import Referral as ReferralSchema
from app.schemas.referrals import (
    ReferralAcceptance,
    ReferralAcknowledgement,
    ReferralCreate,
    ReferralDecline,
    ReferralInformationAnswer,
    ReferralInformationRequest,
    ReferralReinstatement,
    ReferralWithdrawal,
)
from app.schemas.wire import PageQuery
from app.services.cases import cases, people
from app.services.consents import register
from app.services.referrals import accept, acts, duplicates, referrals, reinstate

SHARING_SCOPES = ["share_with_providers", "share_with_school", "share_with_authorities", "follow_up_contact"]


async def simulate_accepted_referral(context: DemoContext, scenario: CaseScenario) -> CaseSimulation:
    """Simulate a referral up to its acceptance, and return the simulation of its case."""
    simulation = CaseSimulation.create(context, scenario, new_id())
    received_on = scenario.opened_on - timedelta(days=1 + scenario.number % 5)
    referral_id = await _create_referral(simulation, received_on)
    version = await _acknowledge(simulation, referral_id, received_on)
    if scenario.number % 9 == 5:
        version = await _request_information(simulation, referral_id, version, received_on)
        version = await _provide_information(simulation, referral_id, version, scenario.opened_on)
    simulation.case_id = await _accept(simulation, referral_id, version)
    return simulation


async def _create_referral(simulation: CaseSimulation, on: date) -> UUID:
    """Create the referral, either as a partner's API client or as a worker who received a phone call."""
    number = simulation.scenario.number
    payload = demo_people.build_referral(simulation.scenario) | {
        "id": str(simulation.context.ids.referral_ids[number])
    }
    principal: str | int = number % 2
    if is_phone_referral(simulation.scenario):
        principal, payload["source"] = (
            simulation.worker,
            ("phone_call", "walk_in", "own_detection")[number // 11 % 3],
        )
    else:
        payload["external_id"] = f"DEMO-{number:04}"
    async with simulation.context.run_as(principal, Permission.referral_receive) as (session, caller):
        with simulation.freeze_day(on):
            return (
                await referrals.create_referral(session, caller, ReferralCreate.model_validate(payload))
            ).id


def is_phone_referral(scenario: CaseScenario) -> bool:
    """Return whether staff entered the referral: one referral of eleven. Partners send the other ten."""
    return scenario.number % 11 == 4


async def _acknowledge(simulation: CaseSimulation, referral_id: UUID, on: date) -> int:
    async with simulation.run_as(simulation.supervisor, Permission.referral_acknowledge, on) as (
        session,
        caller,
    ):
        acknowledgement = ReferralAcknowledgement(team_id=simulation.context.ids.team_ids[simulation.team])
        return (await acts.acknowledge_referral(session, caller, referral_id, 1, acknowledgement)).version


async def _request_information(simulation: CaseSimulation, referral_id: UUID, version: int, on: date) -> int:
    async with simulation.run_as(simulation.supervisor, Permission.referral_request_information, on) as (
        session,
        caller,
    ):
        question = ReferralInformationRequest(question="Is the child safe where it lives now?")
        return (
            await acts.request_referral_information(session, caller, referral_id, version, question)
        ).version


async def _provide_information(simulation: CaseSimulation, referral_id: UUID, version: int, on: date) -> int:
    principal: str | int = (
        simulation.supervisor if is_phone_referral(simulation.scenario) else simulation.scenario.number % 2
    )
    async with simulation.context.run_as(principal, Permission.referral_provide_information) as (
        session,
        caller,
    ):
        with simulation.freeze_day(on):
            answer = ReferralInformationAnswer(answer="Yes: since Monday with the grandmother.")
            return (
                await acts.provide_referral_information(session, caller, referral_id, version, answer)
            ).version


async def _accept(simulation: CaseSimulation, referral_id: UUID, version: int) -> UUID:
    acceptance = ReferralAcceptance.model_validate(
        {
            "case_kind": simulation.scenario.kind,
            "lead_worker_id": str(simulation.context.ids.user_ids[simulation.worker]),
            "team_id": str(simulation.context.ids.team_ids[simulation.team]),
            "screening": {"meets_criteria": True, "reason": "Known to the school as a pupil of grade age."},
            "duplicates_reviewed": True,
        }
    )
    async with simulation.run_as(
        simulation.supervisor, Permission.referral_match, simulation.scenario.opened_on
    ) as (session, caller):
        await duplicates.list_referral_matches(session, caller, referral_id, PageQuery())
    async with simulation.run_as(
        simulation.supervisor, Permission.referral_accept, simulation.scenario.opened_on
    ) as (session, caller):
        referral = await accept.accept_referral(session, caller, referral_id, version, acceptance)
    if not isinstance(referral, ReferralSchema) or referral.case_id is None:
        raise TypeError("The response to staff must contain the id of the case.")
    return referral.case_id


async def simulate_circle_and_consents(simulation: CaseSimulation) -> None:
    """Add the responsible family member, the consents and the case summary."""
    day = to_workday(simulation.day_after_opening(2))
    async with simulation.run_as(simulation.worker, Permission.person_add, day) as (session, caller):
        query = select(Person).where(col(Person.case_id) == simulation.case_id)
        caregiver = (await session.scalars(query)).one()
        simulation.supporter_id = caregiver.id
        if not caregiver.is_responsible:
            payload = PersonCreate.model_validate(demo_people.build_family_member(simulation.scenario.number))
            simulation.family_member_id = (
                await people.create_case_person(session, caller, simulation.case_id, payload)
            ).id
    await _record_consents(simulation, day)
    if simulation.scenario.number % 3 == 0:
        async with simulation.run_as(simulation.worker, Permission.case_change, day) as (session, caller):
            case = await cases.get_case(session_reader(session), simulation.case_id)
            patch = CaseUpdate.model_validate({"summary": simulation.choose_text("summary")})
            await cases.update_case(session, caller, simulation.case_id, case.version, patch)


async def _record_consents(simulation: CaseSimulation, day: date) -> None:
    number = simulation.scenario.number
    payload = {"given_by": ["child", "caregiver"], "method": ("thumbprint", "oral", "written")[number % 3]}
    payload |= {"on": day.isoformat(), "witness": "Chan Sopheap"}
    async with simulation.run_as(simulation.worker, Permission.consent_record, day) as (session, caller):
        sharing = ConsentCreate.model_validate({**payload, "scope": SHARING_SCOPES})
        simulation.consent_id = (
            await register.create_case_consent(session, caller, simulation.case_id, sharing)
        ).id
        if number % 17 == 8:
            temporary = {**payload, "scope": ["recording"], "valid_until": add_months(day, 3).isoformat()}
            await register.create_case_consent(
                session, caller, simulation.case_id, ConsentCreate.model_validate(temporary)
            )
        if number % 19 == 5:
            refusal = {**payload, "scope": ["recording"], "status": "refused"}
            await register.create_case_consent(
                session, caller, simulation.case_id, ConsentCreate.model_validate(refusal)
            )
        if number % 13 != 6:
            return
        recording = ConsentCreate.model_validate({**payload, "scope": ["recording"]})
        consent_id = (await register.create_case_consent(session, caller, simulation.case_id, recording)).id
    withdrawn_on = min(day + timedelta(days=40), simulation.scenario.last_day)
    async with simulation.run_as(simulation.worker, Permission.consent_withdraw, withdrawn_on) as (
        session,
        caller,
    ):
        await register.withdraw_consent(
            session, caller, consent_id, 1, ConsentWithdrawal(reason=simulation.choose_text("withdrawal"))
        )


async def simulate_unaccepted_referral(context: DemoContext, scenario: CaseScenario, status: str) -> None:
    """Simulate a referral without a case, up to a status."""
    simulation = CaseSimulation.create(context, scenario, new_id())
    referral_id = await _create_referral(simulation, scenario.opened_on)
    if status == "received":
        return
    version = await _acknowledge(simulation, referral_id, scenario.opened_on)
    if status == "information_requested":
        await _request_information(simulation, referral_id, version, scenario.opened_on)
    if status in {"declined", "reinstated"}:
        decline = ReferralDecline(
            reason_code="concern_does_not_fit",
            reason="The concern is about schooling only.",
            signposted_to=["District office of education"],
        )
        async with simulation.run_as(
            simulation.supervisor, Permission.referral_decline, scenario.last_day
        ) as (session, caller):
            declined = await acts.decline_referral(session, caller, referral_id, version, decline)
            if status == "reinstated":
                mistake = ReferralReinstatement(reason="The decline was meant for the next referral.")
                await reinstate.reinstate_referral(session, caller, referral_id, declined.version, mistake)
    if status == "withdrawn":
        principal: str | int = simulation.supervisor if is_phone_referral(scenario) else scenario.number % 2
        async with context.run_as(principal, Permission.referral_withdraw) as (session, caller):
            with simulation.freeze_day(scenario.last_day):
                withdrawal = ReferralWithdrawal(reason="The family moved abroad.")
                await acts.withdraw_referral(session, caller, referral_id, version, withdrawal)
