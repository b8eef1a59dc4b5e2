"""A team with a case of every status, and one row of every kind of work that waits or has a date."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

from app.kit.dates import add_months, today
from app.models import (
    Action,
    Assessment,
    AuthSession,
    CarePlan,
    Case,
    CaseWorker,
    Child,
    Consent,
    Disbursement,
    ExitPlan,
    FollowUp,
    Fund,
    LegalStep,
    Person,
    PlanArea,
    Provider,
    Referral,
    ReferralMatchReading,
    ReferralQuestion,
    Review,
    ServiceReferral,
    SupportSession,
    Team,
    TeamMember,
    User,
)
from app.models.accounts import set_user_keys
from app.models.record import new_id, utc_now
from app.schemas.codes import get_codes
from tests.support.case_lifecycle import AREAS, ASSESSMENT_SECTIONS
from tests.support.row_factories import date_in_days, insert_goal, insert_row, local_datetime
from tests.support.scenario import id_of, referral_payload

NUMBERS = count(1)
NO_CHECKLIST: Any = {"reason_code": None, "checklist": {}, "taper": [], "follow_up_months": [], "note": None, "earlier": []}  # fmt: skip


NO_PERSON_DETAILS: Any = {"names": [], "phones": [], "place_code": None, "address_detail": None}


@dataclass
class TeamWork:
    """A team with a supervisor, a lead worker and a co-worker, another team with a worker, and the cases of the team."""

    suffix: str
    cases: dict[str, Case]
    referral_ids: list[uuid.UUID]

    def name(self, person: str) -> str:
        return f"{person}_{self.suffix}"

    def id(self, person: str) -> uuid.UUID:
        return id_of(self.name(person))

    @property
    def people(self) -> list[str]:
        own = ("lead", "co_worker", "supervisor", "successor", "other_supervisor")
        return [self.name(person) for person in own]

    @property
    def case_ids(self) -> list[uuid.UUID]:
        return [case.id for case in self.cases.values()]


async def insert_team_work(superuser: Any) -> TeamWork:
    """Insert the people, the cases and their work."""
    work = TeamWork(str(next(NUMBERS)), {}, [])
    for team in ("team", "other_team"):
        await insert_row(superuser, Team(id=work.id(team), name=work.name(team)))
    members = {
        "lead": ("social_worker", "team"), "co_worker": ("social_worker", "team"), "supervisor": ("supervisor", "team"),
        "successor": ("social_worker", "other_team"), "other_supervisor": ("supervisor", "other_team"),
    }  # fmt: skip
    for person, (role, team) in members.items():
        await _insert_person(superuser, work, person, role, team)
    await insert_row(
        superuser, TeamMember(team_id=work.id("team"), user_id=work.id("successor"), is_supervisor=False)
    )
    for status in ("assessment", "planning", "active", "exiting", "closed"):
        work.cases[status] = await _insert_case(superuser, work, status)
    for case in work.cases.values():
        await _insert_work_of_every_status(superuser, work, case)
    await _insert_approvals(superuser, work)
    await _insert_money(superuser, work, work.cases["active"])
    await _insert_referrals(superuser, work)
    return work


async def _insert_person(superuser: Any, work: TeamWork, person: str, role: str, team: str) -> None:
    name = work.name(person)
    user = User(id=id_of(name), email=f"{name}@fsc.example", name=name, roles=[role])
    set_user_keys(None, None, user)
    await insert_row(superuser, user)
    member = TeamMember(team_id=work.id(team), user_id=user.id, is_supervisor=role == "supervisor")
    await insert_row(superuser, member)
    ends_at = utc_now() + timedelta(days=1)
    session = AuthSession(
        id=id_of(f"session of {name}"), user_id=user.id, idle_ends_at=ends_at, ends_at=ends_at
    )
    await insert_row(superuser, session)


async def _insert_case(superuser: Any, work: TeamWork, status: str) -> Case:
    child = Child(sex="male")
    birth = {"date": str(add_months(date_in_days(40), -18 * 12)), "precision": "day"}
    identity: Any = {"names": [{"script": "latin", "family": "Keo", "given": "Dara"}], "birth": birth}
    child.identity = identity
    await insert_row(superuser, child)
    case = Case(
        number=f"W-{work.suffix}-{status}", child_id=child.id, kind="survivor", team_id=work.id("team"),
        lead_worker_id=work.id("lead"), opened_on=add_months(today(), -25), age_at_referral_min=15, age_at_referral_max=16,
        status=status, next_review_on=date_in_days(-2) if status == "active" else None,
        closed_on=today() if status == "closed" else None,
    )  # fmt: skip
    case.content = {"summary": None}
    await insert_row(superuser, case)
    worker = CaseWorker(case_id=case.id, child_id=child.id, user_id=work.id("co_worker"))
    await insert_row(superuser, worker)
    return case


def _keys(case: Case) -> dict[str, Any]:
    return {"case_id": case.id, "child_id": case.child_id}


async def _insert_work_of_every_status(superuser: Any, work: TeamWork, case: Case) -> None:
    """Insert the work that a case of every status can have."""
    keys, lead = _keys(case), work.id("lead")
    provider = await insert_row(superuser, Provider(name="Clinic", kind="health"))
    referral: dict[str, Any] = {"provider_id": provider.id, "service": "medical", "author_id": lead}
    rows: list[Any] = [
        LegalStep(**keys, kind="court_hearing", status="planned", on=date_in_days(6), author_id=lead),
        ServiceReferral(**keys, **referral, status="sent", sent_at=utc_now()),
        ServiceReferral(**keys, **referral, status="accepted", answered_at=utc_now(), sent_at=utc_now()),
        ServiceReferral(
            **keys,
            **referral,
            status="completed",
            outcome="need_met",
            sent_at=utc_now(),
            recall_requested_at=utc_now(),
        ),
        FollowUp(**keys, due_on=date_in_days(-3), status="missed"),
        FollowUp(**keys, due_on=date_in_days(5)),
        Consent(
            **keys, given_on=today(), scope=["services"], valid_until=date_in_days(10), recorded_by_id=lead
        ),
    ]
    if case.status != "closed":
        rows += [
            SupportSession(
                **keys, kind="therapy", planned_at=local_datetime(date_in_days(2)), worker_id=work.id(person), author_id=lead
            )
            for person in ("lead", "co_worker", "supervisor")
        ]  # fmt: skip
        rows.append(ServiceReferral(**keys, **referral, status="draft"))
        rows.append(Person(**keys, role="family", relationship="mother", referral_to_confirm_id=new_id()))
    for row in rows:
        for name in ("content", "details"):
            if hasattr(row, f"{name}_encrypted") and not getattr(row, f"{name}_encrypted"):
                setattr(row, name, NO_PERSON_DETAILS if isinstance(row, Person) else {"place": None})
        await insert_row(superuser, row)


async def _insert_approvals(superuser: Any, work: TeamWork) -> None:
    """Insert drafts, submissions and returned records by the lead worker and by the supervisor, and a plan with a review."""
    lead, supervisor = work.id("lead"), work.id("supervisor")
    submitted: dict[str, Any] = {"status": "submitted", "submitted_at": utc_now()}
    returned = {**submitted, "status": "returned", "decided_at": utc_now(), "decided_by_id": supervisor}
    records = [
        ("active", "child", "draft", lead, {}),
        ("active", "supporter", "submitted", lead, {**submitted, "submitted_by_id": lead}),
        ("active", "family", "submitted", supervisor, {**submitted, "submitted_by_id": supervisor}),
        ("exiting", "child", "returned", work.id("co_worker"), {**returned, "submitted_by_id": lead}),
        ("planning", "family", "returned", lead, {**returned, "submitted_by_id": lead}),
    ]
    for status, subject, _, author_id, values in records:
        case = work.cases[status]
        common: dict[str, Any] = {**_keys(case), "subject": subject, "author_id": author_id, **values}
        await _insert_assessment(superuser, common)
        source = await _insert_assessment(superuser, {**common, "status": "approved", "subject": "child"})
        plan = CarePlan(**common, assessment_id=source.id)
        plan.content = {"safety_plan": None, "child_view": None, "supporter_view": None, "knowledge_gaps": None, "capacity_gaps": None}  # fmt: skip
        await insert_row(superuser, plan)
        for area in AREAS:
            plan_area = PlanArea(**_keys(case), plan_id=plan.id, area=area)
            plan_area.content = {"reason": None, "need": None, "strengths": None, "risk": None}
            await insert_row(superuser, plan_area)
    await _insert_review(superuser, work, work.cases["active"])
    for status, author_id, values in (
        ("exiting", lead, {}),
        ("planning", supervisor, {"ends_on": date_in_days(30)}),
        ("active", lead, {"status": "approved", "decided_at": utc_now(), "decided_by_id": supervisor}),
    ):
        exit_values: dict[str, Any] = values
        exit_plan = ExitPlan(**_keys(work.cases[status]), author_id=author_id, **exit_values)
        exit_plan.content = NO_CHECKLIST
        await insert_row(superuser, exit_plan)


async def _insert_assessment(superuser: Any, values: dict[str, Any]) -> Assessment:
    assessment = Assessment(**values, kind="initial")
    sections: Any = dict.fromkeys(ASSESSMENT_SECTIONS)
    assessment.content = {
        "sections": sections, "areas": {}, "child_wishes": None, "no_wishes_reason": None, "instruments": {},
    }  # fmt: skip
    return await insert_row(superuser, assessment)


async def _insert_review(superuser: Any, work: TeamWork, case: Case) -> None:
    common = {**_keys(case), "subject": "child", "status": "approved", "author_id": work.id("lead")}
    source = await _insert_assessment(superuser, common)
    plan = CarePlan(
        **_keys(case), subject="child", status="approved", author_id=work.id("lead"), assessment_id=source.id, edition=7,
    )  # fmt: skip
    await insert_row(superuser, plan)
    goal = await insert_goal(superuser, plan)
    due_on: date = date_in_days(-2)
    await insert_row(superuser, Review(**_keys(case), plan_id=plan.id, number=1, due_on=due_on))
    for by in get_codes("action_by"):
        action = Action(
            **_keys(case), plan_id=plan.id, goal_id=goal.id, due_on=due_on, origin_id=new_id(), by=by
        )
        action.content = {"what": "See a lawyer.", "by_whom": None}
        await insert_row(superuser, action)


async def _insert_money(superuser: Any, work: TeamWork, case: Case) -> None:
    fund = Fund(
        id=work.id("fund"), name=work.name("fund"), donor="Friends", currency="USD", starts_on=today()
    )
    await insert_row(superuser, fund)
    lead = work.id("lead")
    paid = {"status": "paid", "paid_by_id": id_of("finance"), "paid_on": today(), "fund_id": fund.id}
    for requester, amount, values in (
        (lead, 1_250, {}),
        (lead, 999_999, {}),  # above the limit of a supervisor
        (work.id("supervisor"), 1_250, {}),
        (lead, 1_250, {"urgency": "emergency"}),
        (lead, 1_250, {"status": "approved", "approved_by_id": id_of("manager")}),
        (lead, 1_250, {**paid, "urgency": "emergency"}),
        (lead, 1_250, {**paid, "approved_by_id": id_of("manager")}),
    ):
        columns: dict[str, Any] = {
            **_keys(case), "number": f"D-{next(NUMBERS)}", "case_number": case.number, "beneficiary": "child",
            "category": "transport", "amount": amount, "currency": "USD", "urgency": "routine", "release_on": today(),
            "requested_by_id": requester, **values,
        }  # fmt: skip
        await insert_row(superuser, Disbursement(**columns))


async def _insert_referrals(superuser: Any, work: TeamWork) -> None:
    """Insert open referrals with every status, with and without a team and a worker, and an accepted one.

    A limit left out the matches of each of them.
    """
    payload = referral_payload()
    content: Any = {
        "urgency": "urgent",
        "concern": payload["concern"],
        "child": {"names": [], "nickname": "Dara"},
    }
    for status in ("received", "acknowledged", "information_requested"):
        for team_id, worker_id in ((None, None), (work.id("team"), None), (work.id("team"), work.id("lead"))):
            referral = Referral(
                tracking_number=f"T-{next(NUMBERS)}", source="partner", urgency="emergency", concern_kind="survivor",
                status=status, team_id=team_id, handed_to_id=worker_id,
                acknowledged_at=None if status == "received" else utc_now(),
            )  # fmt: skip
            referral.content = content
            await insert_row(superuser, referral)
            work.referral_ids.append(referral.id)
            await _insert_limited_reading(superuser, referral, work.id("lead"))
            if status == "information_requested":
                question = ReferralQuestion(referral_id=referral.id, asked_by_id=work.id("lead"))
                question.question = "Which school?"
                await insert_row(superuser, question)
    accepted = Referral(
        tracking_number=f"T-{next(NUMBERS)}", source="partner", urgency="routine", status="accepted",
        team_id=work.id("team"), **_keys(work.cases["planning"]),
    )  # fmt: skip
    accepted.content = content
    await insert_row(superuser, accepted)
    await _insert_limited_reading(superuser, accepted, work.id("supervisor"))


async def _insert_limited_reading(superuser: Any, referral: Referral, reader_id: uuid.UUID) -> None:
    reading = ReferralMatchReading(
        referral_id=referral.id, identity_digest=bytes(32), read_by_id=reader_id, is_limited=True
    )
    await insert_row(superuser, reading)
