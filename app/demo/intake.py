"""How the demonstration's children come: referred by partners or by phone, answered, accepted or not."""

from datetime import date, timedelta
from uuid import UUID

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import CaseScenario, to_workday
from app.demo.case_simulation import CaseSimulation
from app.demo.organisation import DemoContext
from app.kit.dates import add_months
from app.models.record import new_id
from app.schemas.cases import CaseUpdate
from app.schemas.consents import ConsentCreate
from app.schemas.people import PersonCreate
from app.schemas.referrals import (
    Referral as ReferralSchema,
)
from app.schemas.referrals import (
    ReferralAcceptance,
    ReferralAcknowledgement,
    ReferralCreate,
    ReferralDecline,
    ReferralInformationAnswer,
    ReferralInformationRequest,
    Withdrawal,
)
from app.schemas.wire import PageQuery
from app.services.cases import cases, consents, people
from app.services.referrals import accept as referrals_accept
from app.services.referrals import acts, referrals

SHARING_SCOPES = ["share_with_providers", "share_with_school", "share_with_authorities", "follow_up_contact"]


async def simulate_accepted_referral(stage: DemoContext, story: CaseScenario) -> CaseSimulation:
    """Play a referral up to its acceptance."""
    life = CaseSimulation.create(stage, story, new_id())
    received_on = story.opened_on - timedelta(days=1 + story.number % 5)
    referral_id = await _create_referral(life, received_on)
    version = await _acknowledge(life, referral_id, received_on)
    if story.number % 9 == 5:
        version = await _request_information(life, referral_id, version, received_on)
        version = await _provide_information(life, referral_id, version, story.opened_on)
    life.case_id = await _accept(life, referral_id, version)
    return life


async def _create_referral(life: CaseSimulation, on: date) -> UUID:
    """Refer a child: a partner's system for most, a worker who took a phone call for some."""
    number = life.scenario.number
    told = demo_people.build_referral(life.scenario) | {"id": str(life.context.ids.referral_ids[number])}
    who: str | int = number % 2
    if _is_phone_referral(life.scenario):
        who, told["source"] = life.worker, ("phone_call", "walk_in", "own_detection")[number % 3]
    else:
        told["external_id"] = f"DEMO-{number:04}"
    async with life.context.run_as(who, Permission.referral_receive) as (session, actor):
        with life.freeze_day(on):
            return (await referrals.create_referral(session, actor, ReferralCreate.model_validate(told))).id


def _is_phone_referral(story: CaseScenario) -> bool:
    return story.number % 6 == 4


async def _acknowledge(life: CaseSimulation, referral_id: UUID, on: date) -> int:
    async with life.run_as(life.supervisor, Permission.referral_acknowledge, on) as (session, actor):
        taken = ReferralAcknowledgement(team_id=life.context.ids.team_ids[life.team])
        return (await acts.acknowledge_referral(session, actor, referral_id, 1, taken)).version


async def _request_information(life: CaseSimulation, referral_id: UUID, version: int, on: date) -> int:
    async with life.run_as(life.supervisor, Permission.referral_request_information, on) as (session, actor):
        question = ReferralInformationRequest(question="Is the child safe where it lives now?")
        return (
            await acts.request_referral_information(session, actor, referral_id, version, question)
        ).version


async def _provide_information(life: CaseSimulation, referral_id: UUID, version: int, on: date) -> int:
    who: str | int = life.supervisor if _is_phone_referral(life.scenario) else life.scenario.number % 2
    async with life.context.run_as(who, Permission.referral_provide_information) as (session, actor):
        with life.freeze_day(on):
            answer = ReferralInformationAnswer(answer="Yes: since Monday with the grandmother.")
            return (
                await acts.provide_referral_information(session, actor, referral_id, version, answer)
            ).version


async def _accept(life: CaseSimulation, referral_id: UUID, version: int) -> UUID:
    acceptance = ReferralAcceptance.model_validate(
        {
            "case_kind": life.scenario.kind,
            "lead_worker_id": str(life.context.ids.user_ids[life.worker]),
            "team_id": str(life.context.ids.team_ids[life.team]),
            "screening": {"meets_criteria": True, "reason": "Known to the school as a pupil of grade age."},
            "duplicates_reviewed": True,
        }
    )
    async with life.run_as(life.supervisor, Permission.referral_accept, life.scenario.opened_on) as scene:
        accepted = await referrals_accept.accept_referral(*scene, referral_id, version, acceptance)
    if not isinstance(accepted, ReferralSchema) or accepted.case_id is None:
        raise TypeError("Staff read of an accepted referral which case it became.")
    return accepted.case_id


async def simulate_circle_and_consents(life: CaseSimulation) -> None:
    """Get to know the child's circle, and what may be shared with whom."""
    day = to_workday(min(life.scenario.opened_on + timedelta(days=2), life.scenario.last_day))
    async with life.run_as(life.worker, Permission.person_add, day) as (session, actor):
        circle = (await people.list_case_people(session, actor, life.case_id, PageQuery())).items
        life.supporter_id = circle[0].id
        if not circle[0].is_responsible:
            told = PersonCreate.model_validate(demo_people.build_family_member(life.scenario.number))
            life.family_member_id = (await people.create_case_person(session, actor, life.case_id, told)).id
    await _record_consents(life, day)
    if life.scenario.number % 3 == 0:
        async with life.run_as(life.worker, Permission.case_change, day) as (session, actor):
            known = await cases.get_case(session, life.case_id)
            patch = CaseUpdate.model_validate({"summary": life.choose_text("summary")})
            await cases.update_case(session, actor, life.case_id, known.version, patch)


async def _record_consents(life: CaseSimulation, day: date) -> None:
    number = life.scenario.number
    told = {"given_by": ["child", "caregiver"], "method": ("thumbprint", "oral", "written")[number % 3]}
    told |= {"on": day.isoformat(), "witness": "Chan Sopheap"}
    async with life.run_as(life.worker, Permission.consent_record, day) as (session, actor):
        sharing = ConsentCreate.model_validate({**told, "scope": SHARING_SCOPES})
        life.consent_id = (await consents.create_case_consent(session, actor, life.case_id, sharing)).id
        if number % 17 == 8:
            short = {**told, "scope": ["recording"], "valid_until": add_months(day, 3).isoformat()}
            await consents.create_case_consent(
                session, actor, life.case_id, ConsentCreate.model_validate(short)
            )
        if number % 19 == 5:
            refusal = {**told, "scope": ["research"], "status": "refused"}
            await consents.create_case_consent(
                session, actor, life.case_id, ConsentCreate.model_validate(refusal)
            )
        if number % 13 != 6:
            return
        family = ConsentCreate.model_validate({**told, "scope": ["share_with_family"]})
        withdrawn = (await consents.create_case_consent(session, actor, life.case_id, family)).id
    later = min(day + timedelta(days=40), life.scenario.last_day)
    async with life.run_as(life.worker, Permission.consent_withdraw, later) as (session, actor):
        await consents.withdraw_consent(
            session, actor, withdrawn, 1, Withdrawal(reason=life.choose_text("withdrawal"))
        )


async def simulate_unaccepted_referral(stage: DemoContext, story: CaseScenario, ending: str) -> None:
    """Play a referral that does not become a case, or not yet."""
    life = CaseSimulation.create(stage, story, new_id())
    referral_id = await _create_referral(life, story.opened_on)
    if ending == "received":
        return
    version = await _acknowledge(life, referral_id, story.opened_on)
    if ending == "asked":
        await _request_information(life, referral_id, version, story.opened_on)
    if ending == "declined":
        decision = ReferralDecline(
            reason_code="concern_does_not_fit",
            reason="The concern is about schooling only.",
            signposted_to=["District office of education"],
        )
        async with life.run_as(life.supervisor, Permission.referral_decline, story.last_day) as scene:
            await acts.decline_referral(*scene, referral_id, version, decision)
    if ending == "withdrawn":
        who: str | int = life.supervisor if _is_phone_referral(story) else story.number % 2
        async with stage.run_as(who, Permission.referral_withdraw) as (session, actor):
            with life.freeze_day(story.last_day):
                taking_back = Withdrawal(reason="The family moved abroad.")
                await acts.withdraw_referral(session, actor, referral_id, version, taking_back)
