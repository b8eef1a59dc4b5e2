"""How the demonstration's children come: referred by partners or by phone, answered, accepted or not."""

from datetime import date, timedelta
from uuid import UUID

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.actors import Stage
from app.demo.child import Life
from app.demo.storylines import Story, workday
from app.kit.dates import add_months
from app.models.record import new_id
from app.schemas.cases import CasePatch
from app.schemas.circle import ConsentIn, PersonCreation
from app.schemas.referrals import (
    Acceptance,
    Acknowledgement,
    AnswerIn,
    Decline,
    Question,
    ReferralIn,
    ReferralOut,
    Withdrawal,
)
from app.schemas.wire import PageQuery
from app.services.cases import cases, consents, people
from app.services.referrals import accept as referrals_accept
from app.services.referrals import referrals

SHARING = ["share_with_providers", "share_with_school", "share_with_authorities", "follow_up_contact"]


async def come(stage: Stage, story: Story) -> Life:
    """Play a referral up to its acceptance."""
    life = Life.of(stage, story, new_id())
    received_on = story.opened_on - timedelta(days=1 + story.number % 5)
    referral_id = await _refer(life, received_on)
    version = await _acknowledge(life, referral_id, received_on)
    if story.number % 9 == 5:
        version = await _ask(life, referral_id, version, received_on)
        version = await _answer(life, referral_id, version, story.opened_on)
    life.case_id = await _accept(life, referral_id, version)
    return life


async def _refer(life: Life, on: date) -> UUID:
    """Refer a child: a partner's system for most, a worker who took a phone call for some."""
    number = life.story.number
    told = demo_people.referral(life.story) | {"id": str(life.stage.cast.referrals[number])}
    who: str | int = number % 2
    if _by_phone(life.story):
        who, told["source"] = life.worker, ("phone_call", "walk_in", "own_detection")[number % 3]
    else:
        told["external_id"] = f"DEMO-{number:04}"
    async with life.stage.playing(who, Permission.referral_receive) as (session, actor):
        with life.on(on):
            return (await referrals.receive(session, actor, ReferralIn.model_validate(told))).id


def _by_phone(story: Story) -> bool:
    return story.number % 6 == 4


async def _acknowledge(life: Life, referral_id: UUID, on: date) -> int:
    async with life.acting(life.supervisor, Permission.referral_acknowledge, on) as (session, actor):
        taken = Acknowledgement(team_id=life.stage.cast.teams[life.team])
        return (await referrals.acknowledge(session, actor, referral_id, 1, taken)).version


async def _ask(life: Life, referral_id: UUID, version: int, on: date) -> int:
    async with life.acting(life.supervisor, Permission.referral_ask, on) as (session, actor):
        question = Question(question="Is the child safe where it lives now?")
        return (await referrals.ask(session, actor, referral_id, version, question)).version


async def _answer(life: Life, referral_id: UUID, version: int, on: date) -> int:
    who: str | int = life.supervisor if _by_phone(life.story) else life.story.number % 2
    async with life.stage.playing(who, Permission.referral_answer) as (session, actor):
        with life.on(on):
            answer = AnswerIn(answer="Yes: since Monday with the grandmother.")
            return (await referrals.provide(session, actor, referral_id, version, answer)).version


async def _accept(life: Life, referral_id: UUID, version: int) -> UUID:
    acceptance = Acceptance.model_validate(
        {
            "case_kind": life.story.kind,
            "lead_worker_id": str(life.stage.cast.people[life.worker]),
            "team_id": str(life.stage.cast.teams[life.team]),
            "screening": {"meets_criteria": True, "reason": "Known to the school as a pupil of grade age."},
            "duplicates_reviewed": True,
        }
    )
    async with life.acting(life.supervisor, Permission.referral_accept, life.story.opened_on) as scene:
        accepted = await referrals_accept.accept(*scene, referral_id, version, acceptance)
    if not isinstance(accepted, ReferralOut) or accepted.case_id is None:
        raise TypeError("Staff read of an accepted referral which case it became.")
    return accepted.case_id


async def know(life: Life) -> None:
    """Get to know the child's circle, and what may be shared with whom."""
    day = workday(min(life.story.opened_on + timedelta(days=2), life.story.last))
    async with life.acting(life.worker, Permission.person_add, day) as (session, actor):
        circle = (await people.listed(session, actor, life.case_id, PageQuery())).items
        life.supporter_id = circle[0].id
        if not circle[0].is_responsible:
            told = PersonCreation.model_validate(demo_people.relative(life.story.number))
            life.family_id = (await people.add(session, actor, life.case_id, told)).id
    await _consent(life, day)
    if life.story.number % 3 == 0:
        async with life.acting(life.worker, Permission.case_change, day) as (session, actor):
            known = await cases.read(session, life.case_id)
            patch = CasePatch.model_validate({"summary": life.say("summary")})
            await cases.change(session, actor, life.case_id, known.version, patch)


async def _consent(life: Life, day: date) -> None:
    number = life.story.number
    told = {"given_by": ["child", "caregiver"], "method": ("thumbprint", "oral", "written")[number % 3]}
    told |= {"on": day.isoformat(), "witness": "Chan Sopheap"}
    async with life.acting(life.worker, Permission.consent_record, day) as (session, actor):
        sharing = ConsentIn.model_validate({**told, "scope": SHARING})
        life.consent_id = (await consents.record(session, actor, life.case_id, sharing)).id
        if number % 17 == 8:
            short = {**told, "scope": ["recording"], "valid_until": add_months(day, 3).isoformat()}
            await consents.record(session, actor, life.case_id, ConsentIn.model_validate(short))
        if number % 19 == 5:
            refusal = {**told, "scope": ["research"], "status": "refused"}
            await consents.record(session, actor, life.case_id, ConsentIn.model_validate(refusal))
        if number % 13 != 6:
            return
        family = ConsentIn.model_validate({**told, "scope": ["share_with_family"]})
        withdrawn = (await consents.record(session, actor, life.case_id, family)).id
    later = min(day + timedelta(days=40), life.story.last)
    async with life.acting(life.worker, Permission.consent_withdraw, later) as (session, actor):
        await consents.withdraw(session, actor, withdrawn, 1, Withdrawal(reason=life.say("withdrawal")))


async def stay_outside(stage: Stage, story: Story, ending: str) -> None:
    """Play a referral that does not become a case, or not yet."""
    life = Life.of(stage, story, new_id())
    referral_id = await _refer(life, story.opened_on)
    if ending == "received":
        return
    version = await _acknowledge(life, referral_id, story.opened_on)
    if ending == "asked":
        await _ask(life, referral_id, version, story.opened_on)
    if ending == "declined":
        decision = Decline(
            reason_code="concern_does_not_fit",
            reason="The concern is about schooling only.",
            signposted_to=["District office of education"],
        )
        async with life.acting(life.supervisor, Permission.referral_decline, story.last) as scene:
            await referrals.decline(*scene, referral_id, version, decision)
    if ending == "withdrawn":
        who: str | int = life.supervisor if _by_phone(story) else story.number % 2
        async with stage.playing(who, Permission.referral_withdraw) as (session, actor):
            with life.on(story.last):
                taking_back = Withdrawal(reason="The family moved abroad.")
                await referrals.withdraw(session, actor, referral_id, version, taking_back)
