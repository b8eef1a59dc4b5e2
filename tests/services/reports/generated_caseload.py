"""Caseloads that Hypothesis generates, with rows at the edges of periods.

The generated rows can violate the rules of the services, because a report must also count such rows correctly.
"""

from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from hypothesis import strategies as st
from sqlmodel import SQLModel

from app.models import Case, Child, Referral
from tests.services.reports.generated_answers import answers
from tests.services.reports.generated_days import DAYS, MOMENTS, codes
from tests.services.reports.generated_outreach import feedback, outreach_activities
from tests.services.reports.generated_pathway import GRANTS, funds, pathway_records
from tests.support.scenario import id_of

TEAMS = st.sampled_from([id_of("north"), id_of("south")])
AGES = st.none() | st.tuples(st.integers(3, 18), st.integers(0, 4)).map(lambda ages: (ages[0], sum(ages)))
WORKERS = st.sampled_from([id_of(name) for name in ("worker_north", "worker_north_2", "worker_south")])


@st.composite
def children_with_cases(draw: st.DrawFn, number: int) -> list[SQLModel]:
    """Draw a child with up to three cases. A later case can continue an earlier one."""
    child = Child(sex=draw(codes("sex")))
    child.identity = cast("Any", draw(answers()))
    rows: list[SQLModel] = [child]
    if draw(st.booleans()):  # a merge moves the cases of this record to the child
        rows.append(Child(sex=draw(codes("sex")), merged_into_id=child.id))
    previous: UUID | None = None
    days = sorted(draw(st.lists(DAYS, min_size=1, max_size=6)))
    for n, opened_on in enumerate(days[::2]):
        is_last = 2 * n + 1 >= len(days)
        case = draw(
            cases(child, f"FSC-2026-{number:02}{n:02}", opened_on, None if is_last else days[2 * n + 1])
        )
        case.previous_case_id = draw(st.sampled_from([None, previous]))
        if draw(st.booleans()):
            referral = draw(referrals(1000 * number + n, [case.id]))
            case.referral_id, referral.case_id = referral.id, case.id
            rows.append(referral)
        previous = case.id
        rows += [case, *draw(pathway_records(case)), *draw(st.lists(feedback(case), max_size=3))]
    return rows


@st.composite
def cases(draw: st.DrawFn, child: Child, number: str, opened_on: date, closed_on: date | None) -> Case:
    """Draw a case."""
    ages = draw(AGES)
    status = "closed" if closed_on else draw(st.sampled_from(["assessment", "planning", "active", "exiting"]))
    return Case(
        number=number, child_id=child.id, kind=draw(codes("case_kind")), status=status, team_id=draw(TEAMS),
        lead_worker_id=draw(WORKERS), opened_on=opened_on, closed_on=closed_on,
        close_reason=draw(codes("closure_reason")) if closed_on else None,
        next_review_on=date(2026, 7, 1) if status == "active" else None,
        risk_level=draw(st.none() | codes("risk_level")), last_contact_on=draw(st.none() | DAYS),
        hsb_outcome=draw(st.none() | codes("hsb_outcome")) if closed_on else None,
        age_at_referral_min=ages and ages[0], age_at_referral_max=ages and ages[1],
        province_code=draw(st.sampled_from([None, "12", "17"])), grant_code=draw(st.sampled_from([None, *GRANTS])),
    )  # fmt: skip


@st.composite
def referrals(draw: st.DrawFn, number: int, case_ids: list[UUID]) -> Referral:
    """Draw a referral in any status."""
    status = draw(codes("referral_status"))
    received_at = draw(MOMENTS)
    is_decided = status in {"accepted", "declined", "withdrawn"}
    referral = Referral(
        team_id=draw(st.none() | TEAMS), tracking_number=f"T-{number}", source=draw(codes("referral_source")),
        urgency=draw(codes("urgency")), concern_kind=draw(st.none() | codes("concern_kind")), status=status,
        received_at=received_at,
        acknowledged_at=draw(st.none() | st.sampled_from([0, 1, 119, 120, 121, 1440, 1441, 4000]).map(
            lambda minutes: received_at + timedelta(minutes=minutes))),
        decided_at=draw(MOMENTS) if is_decided else None,
        decline_reason_code=draw(codes("decline_reason")) if status == "declined" else None,
        province_code=draw(st.sampled_from([None, "12", "1702"])),
        case_id=draw(st.sampled_from([None, *case_ids])),
    )  # fmt: skip
    referral.content = cast("Any", {"child": draw(answers())})
    return referral


class Caseload(list[SQLModel]):
    """The rows of a caseload. Their values are too long for the message of a failed test."""

    def __repr__(self) -> str:
        return f"{len(self)} rows"


@st.composite
def caseloads(draw: st.DrawFn) -> Caseload:
    """Draw the rows of a caseload."""
    rows = Caseload(funds())
    for number in range(draw(st.integers(0, 5))):
        rows.extend(draw(children_with_cases(number)))
    case_ids = [row.id for row in rows if isinstance(row, Case)]
    rows.extend(draw(referrals(number, case_ids)) for number in range(draw(st.integers(0, 6))))
    for _ in range(draw(st.integers(0, 8))):
        rows.extend(draw(outreach_activities()))
    return rows
