"""Records of a generated case: assessments, plans, sessions, reviews, referrals to services, follow-ups, payments."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlmodel import SQLModel

from app.models import (
    Action,
    Assessment,
    AssignmentPeriod,
    BreakGlassGrant,
    CarePlan,
    Case,
    Disbursement,
    ExitPlan,
    FollowUp,
    Fund,
    Goal,
    Review,
    ServiceReferral,
    StatusPeriod,
    SupportSession,
)
from app.models.record import new_id
from tests.services.reports.generated_days import DAYS, MOMENTS, codes
from tests.support.scenario import id_of

WORKER = id_of("worker_north")
FUNDS = [new_id(), new_id()]
GRANTS = ["G1", "G2"]
RATINGS = st.dictionaries(codes("area"), st.integers(1, 4), max_size=3)


def keys(case: Case) -> dict[str, Any]:
    return {"case_id": case.id, "child_id": case.child_id}


def funds() -> list[Fund]:
    """Return the funds, each with the money of a grant."""
    return [
        Fund(id=id_, name=grant, donor=grant, grant_code=grant, currency="USD", starts_on=date(2025, 1, 1))
        for id_, grant in zip(FUNDS, GRANTS, strict=True)
    ]


@st.composite
def pathway_records(draw: st.DrawFn, case: Case) -> list[SQLModel]:
    """Draw up to three records of each kind."""
    rows: list[SQLModel] = []
    rows += [draw(follow_ups(case, months)) for months in draw(st.sampled_from([(), (6,), (1, 6), (None,)]))]
    for kind in (assessments, sessions, reviews, service_referrals, disbursements, grants):
        rows += draw(st.lists(kind(case), max_size=2))
    rows += draw(st.lists(exit_plans(case), max_size=1)) + draw(periods(case))
    for edition in range(draw(st.integers(0, 2))):
        rows += draw(plans(case, edition, rows))
    return rows


@st.composite
def assessments(draw: st.DrawFn, case: Case) -> Assessment:
    return Assessment(
        **keys(case), subject=draw(codes("subject")), kind=draw(codes("assessment_kind")), author_id=WORKER,
        status=draw(st.sampled_from(["draft", "submitted", "approved", "returned"])), decided_at=draw(MOMENTS),
        ratings=draw(RATINGS), risk_level=draw(st.none() | codes("risk_level")),
    )  # fmt: skip


@st.composite
def periods(draw: st.DrawFn, case: Case) -> list[SQLModel]:
    """Draw periods without gaps. The first one can begin after the opening of the case."""
    moments = sorted(set(draw(st.lists(MOMENTS, min_size=1, max_size=3))))
    ends = [*moments[1:], None]
    rows: list[SQLModel] = []
    for began_at, ended_at in zip(moments, ends, strict=True):
        span: dict[str, Any] = {**keys(case), "began_at": began_at, "ended_at": ended_at}
        worker_id = id_of(draw(st.sampled_from(["worker_north", "worker_south"])))
        team_id = id_of(draw(st.sampled_from(["north", "south"])))
        rows.append(StatusPeriod(**span, status=draw(codes("case_status"))))
        rows.append(AssignmentPeriod(**span, team_id=team_id, lead_worker_id=worker_id))
    return rows


@st.composite
def exit_plans(draw: st.DrawFn, case: Case) -> ExitPlan:
    met = draw(st.lists(codes("exit_condition"), unique=True, max_size=3))
    return ExitPlan(**keys(case), author_id=WORKER, conditions_met=met)


@st.composite
def plans(draw: st.DrawFn, case: Case, edition: int, earlier: list[SQLModel]) -> list[SQLModel]:
    """Draw an edition of a plan with a goal, which can be the copy of a goal of an earlier edition."""
    assessed = [row.id for row in earlier if isinstance(row, Assessment)]
    plan = CarePlan(
        **keys(case), subject=draw(codes("subject")), author_id=WORKER, assessment_id=draw(st.sampled_from([new_id(), *assessed])), edition=edition + 1,
        status=draw(st.sampled_from(["draft", "approved", "superseded"])), decided_at=draw(MOMENTS), person_id=new_id(),
    )  # fmt: skip
    origins = [row.origin_id for row in earlier if isinstance(row, Goal)]
    goal = Goal(
        **keys(case), plan_id=plan.id, area=draw(codes("area")), status=draw(codes("goal_status")),
        origin_id=draw(st.sampled_from([*origins, new_id()])),
    )  # fmt: skip
    days = draw(st.lists(DAYS, max_size=2))
    actions = [
        Action(**keys(case), plan_id=plan.id, goal_id=goal.id, by="worker", due_on=day, origin_id=new_id())
        for day in days
    ]
    return [plan, goal, *actions]


@st.composite
def sessions(draw: st.DrawFn, case: Case) -> SupportSession:
    status = draw(codes("session_status"))
    held_at = draw(MOMENTS) if status == "held" else None
    delay = timedelta(days=draw(st.sampled_from([0, 2, 3, 4, 5])))
    return SupportSession(
        **keys(case), kind=draw(codes("session_kind")), status=status, held_at=held_at,
        planned_at=None if held_at and draw(st.booleans()) else draw(MOMENTS),
        recorded_at=held_at and held_at + delay, attendance=draw(codes("attendance")) if held_at else None,
        topics=draw(st.lists(codes("session_topic"), unique=True, max_size=2)),
        contact_with=draw(st.lists(codes("session_contact"), unique=True, max_size=2)),
        worker_id=WORKER, author_id=WORKER,
        entered_in_error_at=draw(st.sampled_from([None, None, None, datetime(2026, 6, 1, tzinfo=UTC)])),
    )  # fmt: skip


@st.composite
def reviews(draw: st.DrawFn, case: Case) -> Review:
    status = draw(codes("review_status"))
    is_completed = status == "completed"
    return Review(
        **keys(case), plan_id=new_id(), number=draw(st.integers(1, 10**6)), status=status, due_on=draw(DAYS),
        held_on=draw(DAYS) if is_completed else None, completed_at=draw(MOMENTS) if is_completed else None,
        ratings=draw(RATINGS) if is_completed else {},
    )  # fmt: skip


@st.composite
def service_referrals(draw: st.DrawFn, case: Case) -> ServiceReferral:
    status = draw(codes("service_referral_status"))
    sent_at = None if status == "draft" else draw(MOMENTS)
    waits = [timedelta(days=days) for days in (0, 1, 89, 90, 91, 120)]
    answered_at, ended_at = [
        sent_at and draw(st.none() | st.sampled_from([sent_at + wait for wait in waits])) for _ in range(2)
    ]
    return ServiceReferral(
        **keys(case), provider_id=new_id(), service=draw(codes("service")), status=status, sent_at=sent_at,
        answered_at=answered_at, ended_at=ended_at, author_id=WORKER,
        outcome=draw(codes("service_outcome")) if status == "completed" else None,
        consent_id=draw(st.sampled_from([None, new_id()])),
    )  # fmt: skip


@st.composite
def follow_ups(draw: st.DrawFn, case: Case, months: int | None) -> FollowUp:
    status = draw(codes("follow_up_status"))
    return FollowUp(
        **keys(case), due_on=draw(st.none() | DAYS), status=status, held_on=draw(DAYS) if status == "held" else None,
        wellbeing=draw(st.none() | codes("wellbeing")) if status == "held" else None, months=months,
        hsb_outcome=draw(st.none() | codes("hsb_outcome")) if status == "held" else None,
    )  # fmt: skip


@st.composite
def disbursements(draw: st.DrawFn, case: Case) -> Disbursement:
    status = draw(codes("disbursement_status"))
    is_paid = status in {"paid", "reconciled", "reversed"}
    is_reconciled = status == "reconciled" or (status == "reversed" and draw(st.booleans()))
    return Disbursement(
        **keys(case), number=str(new_id()), case_number=case.number, beneficiary="child",
        category=draw(codes("assistance_category")), amount=draw(st.integers(1, 10**9)),
        currency=draw(st.sampled_from(["USD", "KHR"])), urgency="routine", status=status, release_on=draw(DAYS),
        fund_id=draw(st.sampled_from([None, *FUNDS])), requested_by_id=WORKER, created_at=draw(MOMENTS),
        approved_at=draw(st.none() | MOMENTS), approval_due_on=draw(st.none() | DAYS),
        paid_on=draw(DAYS) if is_paid else None, spent=draw(st.integers(0, 10**9)) if is_reconciled else None,
        reconciled_at=draw(MOMENTS) if is_reconciled else None,
        ended_at=draw(MOMENTS) if status in {"reversed", "rejected", "cancelled"} else None,
    )  # fmt: skip


@st.composite
def grants(draw: st.DrawFn, case: Case) -> BreakGlassGrant:
    return BreakGlassGrant(**keys(case), user_id=WORKER, opened_at=draw(MOMENTS))
