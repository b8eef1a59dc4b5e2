"""The next step of a case and its overdue work, for rows in every state and along the pathway."""

from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Date, bindparam, select
from sqlmodel import col

from app.access.reader import NoShownRecord, ReadQuery
from app.kit.dates import today
from app.models import Action, Assessment, CarePlan, Case, ExitPlan, FollowUp
from app.models.record import CaseRecord, new_id
from app.schemas.codes import get_codes
from app.services.cases.next_step import build_overdue_actions, build_review_overdue, build_waiting_for
from tests.support.case_lifecycle import (
    assessment_payload,
    complete_next_review,
    create_approved_assessment,
    create_approved_care_plan,
    create_approved_exit_plan,
    create_assessment_draft,
)
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.row_factories import (
    SUPERVISOR_ID,
    WORKER_ID,
    case_foreign_keys,
    insert_care_plan,
    insert_goal,
    insert_row,
)
from tests.support.scenario import Scenario

DAY = date(2026, 11, 2)
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)
PARAMETER = bindparam("day", type_=Date)
QUERY = ReadQuery(
    select(
        build_waiting_for(PARAMETER).label("waiting_for"),
        build_review_overdue(PARAMETER).label("review_overdue"),
        build_overdue_actions(PARAMETER).label("overdue_actions"),
    ).where(col(Case.id) == bindparam("case_id")),
    shows=NoShownRecord("the tests read no content"),
)
Row = tuple[type[CaseRecord], dict[str, Any]]


class CaseWork(NamedTuple):
    """The values of the three expressions for one case."""

    waiting_for: str
    review_overdue: bool
    overdue_actions: int


async def load_work(connection: Any, case: dict[str, Any], day: date = DAY) -> CaseWork:
    """Evaluate the expressions for a case."""
    parameters = {"day": day, "case_id": UUID(case["id"])}
    row = await connection.fetchrow(QUERY.sql, *(parameters[name] for name in QUERY.parameter_names))
    return CaseWork(*row)


async def update_case(superuser: Any, case: dict[str, Any], **values: Any) -> None:
    for name, value in values.items():
        await superuser.execute(f"UPDATE cases SET {name} = $1 WHERE id = $2", value, UUID(case["id"]))  # noqa: S608


def assessment(status: str, subject: str = "child") -> Row:
    return Assessment, {"kind": "initial", "status": status, "subject": subject, "author_id": WORKER_ID}


def care_plan(status: str, subject: str = "child", edition: int = 2) -> Row:
    return CarePlan, {"status": status, "subject": subject, "edition": edition, "author_id": WORKER_ID}


def exit_plan(status: str, ends_on: date | None = None, version: int = 1) -> Row:
    return ExitPlan, {"status": status, "ends_on": ends_on, "version": version, "author_id": WORKER_ID}


def follow_up(status: str, due_on: date) -> Row:
    return FollowUp, {"status": status, "due_on": due_on, "months": 3}


STATES: list[tuple[str, str, date | None, list[Row]]] = [
    # next step, status of the case, date of the next review, other records of the case
    ("assessment", "assessment", None, []),
    ("assessment", "assessment", None, [assessment("draft")]),
    ("assessment", "assessment", None, [assessment("returned")]),
    ("assessment", "assessment", None, [assessment("submitted", "supporter")]),
    ("assessment_approval", "assessment", None, [assessment("submitted")]),
    ("care_plan", "planning", None, [assessment("approved")]),
    ("care_plan", "planning", None, [assessment("draft"), care_plan("returned")]),
    ("care_plan", "planning", None, [care_plan("submitted", "family")]),
    ("care_plan_approval", "planning", None, [assessment("draft"), care_plan("submitted")]),
    ("assessment_approval", "planning", None, [assessment("submitted"), care_plan("submitted")]),
    ("nothing", "active", TOMORROW, [assessment("approved"), care_plan("approved")]),
    ("nothing", "active", TOMORROW, [assessment("draft", "family"), care_plan("draft", "supporter")]),
    ("assessment", "active", TOMORROW, [assessment("draft")]),
    ("care_plan", "active", TOMORROW, [care_plan("approved", edition=1), care_plan("draft")]),
    ("review", "active", DAY, []),
    ("review", "active", YESTERDAY, [assessment("draft"), care_plan("returned")]),
    ("assessment_approval", "active", YESTERDAY, [assessment("submitted")]),
    ("care_plan_approval", "active", YESTERDAY, [care_plan("submitted")]),
    ("exit_plan", "exiting", TOMORROW, []),
    ("exit_plan", "exiting", YESTERDAY, [exit_plan("draft")]),
    ("exit_plan_approval", "exiting", TOMORROW, [exit_plan("draft", version=2)]),
    ("exit_plan_approval", "exiting", TOMORROW, [exit_plan("draft", TOMORROW)]),
    ("exit_plan_approval", "assessment", None, [exit_plan("draft"), assessment("submitted")]),
    ("nothing", "exiting", TOMORROW, [exit_plan("approved", TOMORROW)]),
    ("review", "exiting", DAY, [exit_plan("approved", TOMORROW)]),
    ("closure", "exiting", YESTERDAY, [exit_plan("approved", DAY)]),
    ("closure", "active", YESTERDAY, [exit_plan("approved"), care_plan("submitted")]),
    ("nothing", "closed", None, [exit_plan("approved", DAY), follow_up("due", TOMORROW)]),
    ("nothing", "closed", None, [assessment("draft"), follow_up("held", DAY)]),
    ("follow_up", "closed", None, [follow_up("due", DAY)]),
    ("follow_up", "closed", None, [follow_up("missed", YESTERDAY)]),
]


@pytest.mark.parametrize(("expected", "status", "next_review_on", "rows"), STATES)
async def test_next_step_of_each_state(
    scenario: Scenario,
    superuser_connection: Any,
    expected: str,
    status: str,
    next_review_on: date | None,
    rows: list[Row],
) -> None:
    case = await scenario.open_case()
    await update_case(superuser_connection, case, next_review_on=next_review_on, status=status)
    _, source = assessment("approved", "supporter")
    source_id = (await insert_row(superuser_connection, Assessment(**case_foreign_keys(case), **source))).id
    for model, fields in rows:
        values = {"assessment_id": source_id, **fields} if model is CarePlan else fields
        await insert_row(superuser_connection, model(**case_foreign_keys(case), **values))
    assert (await load_work(superuser_connection, case)).waiting_for == expected


@pytest.mark.parametrize(
    ("status", "opened_on", "extended_until", "expected"),
    [
        ("active", date(2024, 11, 2), None, "review"),  # the last day of support
        ("active", date(2024, 11, 1), None, "extension"),
        ("active", date(2024, 11, 1), DAY, "review"),
        ("active", date(2024, 11, 1), YESTERDAY, "extension"),
        ("active", date(2024, 11, 2), date(2025, 1, 1), "review"),
        ("planning", date(2024, 11, 1), None, "care_plan"),
        ("exiting", date(2024, 11, 1), None, "exit_plan"),
        ("closed", date(2024, 11, 1), None, "nothing"),
    ],
)
async def test_active_case_waits_for_an_extension_after_the_end_of_support(
    scenario: Scenario,
    superuser_connection: Any,
    status: str,
    opened_on: date,
    extended_until: date | None,
    expected: str,
) -> None:
    case = await scenario.open_case()
    columns = {"opened_on": opened_on, "extended_until": extended_until, "next_review_on": DAY}
    await update_case(superuser_connection, case, **columns, status=status)
    assert (await load_work(superuser_connection, case)).waiting_for == expected


async def test_next_steps_are_the_codes_of_the_list() -> None:
    assert {expected for expected, *_ in STATES} | {"extension"} == set(get_codes("case_waiting_for"))


async def test_next_step_follows_the_acts_of_the_pathway(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, path = await create_assessment_draft(scenario, assessment_payload())
    steps = []

    async def note_step(day: date | None = None) -> None:
        steps.append((await load_work(superuser_connection, case, day or today())).waiting_for)

    await note_step()
    expect_json(await scenario.worker_north.act(path, "submit"))
    await note_step()
    assessment = expect_json(await scenario.supervisor_north.act(path, "approve"))
    await note_step()
    await create_approved_care_plan(scenario, case, assessment)
    await note_step()
    review_day = (await get_case(scenario, case))["next_review_on"]
    await note_step(date.fromisoformat(review_day))
    await complete_next_review(scenario, case["id"], "adapt")
    await note_step()
    await complete_next_review(scenario, case["id"], "begin_exit")
    await note_step()
    await create_approved_exit_plan(scenario, case["id"])
    await note_step(today() - timedelta(days=1))
    await note_step()
    closure = {"reason_code": "goals_met", "outcome": "Goes to school."}
    closed_case = expect_json(await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", closure))
    await note_step()
    await note_step(date.fromisoformat(closed_case["closed_on"]) + timedelta(days=31))
    assert steps == [
        "assessment",
        "assessment_approval",
        "care_plan",
        "nothing",
        "review",
        "care_plan",
        "exit_plan",
        "care_plan",
        "closure",
        "nothing",
        "follow_up",
    ]


async def get_case(scenario: Scenario, case: dict[str, Any]) -> dict[str, Any]:
    return expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))


@pytest.mark.parametrize(
    ("next_review_on", "expected"), [(None, False), (TOMORROW, False), (DAY, False), (YESTERDAY, True)]
)
async def test_review_is_overdue_on_the_day_after_its_date(
    scenario: Scenario, superuser_connection: Any, next_review_on: date | None, expected: bool
) -> None:
    case = await scenario.open_case()
    await update_case(superuser_connection, case, next_review_on=next_review_on)
    assert (await load_work(superuser_connection, case)).review_overdue is expected


async def test_open_actions_of_current_care_plans_are_counted_from_the_day_after_their_date(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    for subject, plan_status in (("child", "approved"), ("family", "approved"), ("child", "superseded")):
        plan = await insert_care_plan(
            superuser_connection,
            case,
            plan_status,
            subject=subject,
            edition=1 if plan_status == "superseded" else 2,
            decided_by_id=SUPERVISOR_ID,
        )
        goal = await insert_goal(superuser_connection, plan)
        for status, due_on in (
            ("open", YESTERDAY),
            ("open", DAY),
            ("done", YESTERDAY),
            ("dropped", YESTERDAY),
        ):
            action = Action(
                **case_foreign_keys(case),
                plan_id=plan.id,
                goal_id=goal.id,
                by="supporter",
                due_on=due_on,
                status=status,
                origin_id=new_id(),
            )
            await insert_row(superuser_connection, action)
    other_case = await scenario.open_case()
    assert (await load_work(superuser_connection, case)).overdue_actions == 2
    assert (await load_work(superuser_connection, case, TOMORROW)).overdue_actions == 4
    assert (await load_work(superuser_connection, other_case)).overdue_actions == 0
    await update_case(superuser_connection, case, status="closed")
    assert (await load_work(superuser_connection, case)).overdue_actions == 0


async def test_staff_of_the_case_get_the_same_values_under_row_level_security(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    case = await scenario.open_case()
    await create_approved_assessment(scenario, case)
    expected = await load_work(superuser_connection, case)
    for name in ("worker_north", "supervisor_north", "manager"):
        async with open_transaction_as(api_connection, name):
            assert await load_work(api_connection, case) == expected
