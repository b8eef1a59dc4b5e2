"""One's agenda: what is due, overdue and waiting, for whom it is, and for nobody else."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.kit.dates import add_months, today
from app.models import ExitPlan, FollowUp, LegalStep, SupportSession
from app.services.cases.record_links import PART_PATHS, RECORD_PATHS
from tests.support.case_lifecycle import EXIT_PLAN_PAYLOAD, assessment_payload, create_exiting_case
from tests.support.endpoints import list_endpoints
from tests.support.fund import create_disbursement, create_fund, payment_payload
from tests.support.responses import expect_json
from tests.support.row_factories import (
    CO_WORKER_ID,
    SUPERVISOR_ID,
    WORKER_ID,
    backdate_case_opening,
    case_foreign_keys,
    date_in_days,
    insert_care_plan,
    insert_case_copies,
    insert_due_records,
    insert_row,
    local_datetime,
)
from tests.support.scenario import AuthenticatedClient, Scenario, child_ids_in, id_of
from tests.support.sql_statements import record_statements


async def agenda(caller: AuthenticatedClient, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = expect_json(
        await caller.get("/v1/me/agenda", params={"limit": 200, **filters})
    )["items"]
    return found


def brief(items: list[dict[str, Any]]) -> list[tuple[str, str, bool, str | None]]:
    return [(item["kind"], item["due_on"], item["is_overdue"], item["detail"]) for item in items]


def kinds(items: list[dict[str, Any]]) -> list[str]:
    return [item["kind"] for item in items]


async def test_a_worker_is_told_what_is_due_and_overdue_soonest_first(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    for here in (case, other):
        await insert_due_records(superuser_connection, here, uuid.UUID(here["lead_worker_id"]))
    await backdate_case_opening(superuser_connection, case, 18)

    answer = await scenario.worker_north.get("/v1/me/agenda")
    items = expect_json(answer)["items"]
    assert brief(items) == [
        ("review", str(date_in_days(-3)), True, None),
        ("milestone", str(date_in_days(0)), False, "18"),
        ("service_referral", str(date_in_days(0)), False, "medical"),
        ("session", str(date_in_days(1)), False, "home_visit"),
        ("action", str(date_in_days(2)), False, None),
        ("follow_up", str(date_in_days(4)), False, "3"),
        ("legal_step", str(date_in_days(5)), False, "court_hearing"),
    ]
    assert {item["case_number"] for item in items} == {case["number"]}
    assert all(item["child"] == case["child"] for item in items)
    assert items[3]["at"] == local_datetime(date_in_days(1)).astimezone().strftime("%Y-%m-%dT02:00:00Z")
    assert [item["at"] for item in items if item["kind"] != "session"] == [None] * 6
    assert items[0]["link"] == f"/v1/reviews/{items[0]['record']['id']}"
    assert items[1]["link"] == f"/v1/cases/{case['id']}"
    assert items[4]["link"].startswith("/v1/actions/")

    logged = {
        entry["child_id"] for entry in await scenario.list_access_entries(answer.headers["x-request-id"])
    }
    assert logged == child_ids_in(items) == {case["child_id"]}
    assert kinds(await agenda(scenario.worker_south)) == [
        "review", "service_referral", "session", "action", "follow_up", "legal_step"
    ]  # fmt: skip


async def test_it_is_the_agenda_of_who_does_the_work(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    assert await agenda(scenario.worker_north_2) == []
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(CO_WORKER_ID)]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    assert "session" not in kinds(await agenda(scenario.worker_north_2)), "the lead holds it"
    assert len(await agenda(scenario.worker_north_2)) == len(await agenda(scenario.worker_north)) - 1
    expect_json(
        await scenario.worker_south.post(
            f"/v1/cases/{case['id']}/break-glass", {"reason": "In hospital now."}
        )
    )
    for nobody in (
        scenario.worker_south,
        scenario.supervisor_north,
        scenario.supervisor_south,
        scenario.manager,
    ):
        assert await agenda(nobody) == [], nobody.name
    for no_caseworker in (scenario.finance, scenario.me_officer, scenario.dpo, scenario.admin):
        assert await agenda(no_caseworker) == [], no_caseworker.name  # before: 403
    for system in (scenario.partner_one, scenario.reporting):
        assert (await system.get("/v1/me/agenda")).status_code == 403, system.name

    await backdate_case_opening(superuser_connection, case, 1, status="closed")
    assert kinds(await agenda(scenario.worker_north)) == ["follow_up"], "what comes after a case is closed"


async def test_decisions_wait_for_the_supervisor_and_returned_work_for_its_author(scenario: Scenario) -> None:
    case = await scenario.open_case()
    made = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    path = f"/v1/assessments/{expect_json(made, 201)['id']}"
    expect_json(await scenario.worker_north.patch(path, assessment_payload(), etag=made.headers["etag"]))
    assert await agenda(scenario.supervisor_north) == []
    expect_json(await scenario.worker_north.act(path, "submit"))

    (waiting,) = await agenda(scenario.supervisor_north)
    assert (waiting["kind"], waiting["due_on"], waiting["detail"]) == (
        "approval",
        str(date_in_days(7)),
        "child",
    )
    assert waiting["link"] == path
    assert (await scenario.supervisor_north.get(waiting["link"])).status_code == 200
    assert kinds(await agenda(scenario.supervisor_both)) == ["approval"]
    for nobody in (scenario.worker_north, scenario.supervisor_south, scenario.manager):
        assert await agenda(nobody) == [], nobody.name

    expect_json(await scenario.supervisor_north.act(path, "return", {"comment": "What does the child wish?"}))
    (returned,) = await agenda(scenario.worker_north)
    assert (returned["kind"], returned["link"]) == ("returned", path)
    assert await agenda(scenario.supervisor_north) == []


async def test_money_waits_for_its_approval(scenario: Scenario) -> None:
    case = await scenario.open_case()
    await create_disbursement(scenario, case, urgency="urgent", months=3, starts_on=str(today()))
    (waiting,) = await agenda(scenario.supervisor_north)
    assert brief([waiting]) == [("approval", str(date_in_days(7)), False, "urgent")]
    assert expect_json(await scenario.supervisor_north.get(waiting["link"]))["instalments"] == 3
    held = await create_fund(scenario)
    expect_json(await scenario.supervisor_north.act(waiting["link"], "approve", {"fund_id": held["id"]}))
    assert await agenda(scenario.supervisor_north) == []
    first = await create_disbursement(scenario, case, urgency="emergency")
    path = f"/v1/disbursements/{first['id']}"
    expect_json(await scenario.finance.act(path, "pay", payment_payload(first["amount"], fund_id=held["id"])))
    assert brief(await agenda(scenario.supervisor_north)) == [
        ("approval", str(date_in_days(3)), False, "emergency")
    ]


async def test_nobody_decides_on_their_own_work(scenario: Scenario, superuser_connection: Any) -> None:
    case, exiting = await scenario.open_case(), await scenario.open_case()
    await backdate_case_opening(superuser_connection, exiting, 1, status="exiting")
    await insert_care_plan(superuser_connection, case, "submitted")
    own = {"author_id": SUPERVISOR_ID, "submitted_by_id": SUPERVISOR_ID}
    await insert_care_plan(superuser_connection, case, "submitted", subject="family", **own)
    await insert_care_plan(
        superuser_connection,
        case,
        "submitted",
        subject="supporter",
        contributor_ids=[WORKER_ID, SUPERVISOR_ID],
    )
    plan = await insert_row(
        superuser_connection,
        ExitPlan(**case_foreign_keys(exiting), author_id=WORKER_ID, ends_on=date_in_days(40)),
    )
    (care_plan, exit_plan) = await agenda(scenario.supervisor_north)
    assert [care_plan["record"]["kind"], exit_plan["record"]["kind"]] == ["care_plan", "exit_plan"]
    assert exit_plan["link"] == f"/v1/cases/{exiting['id']}/exit-plan"
    assert len(await agenda(scenario.supervisor_both)) == 4

    await superuser_connection.execute(
        "UPDATE exit_plans SET status = 'approved', ends_on = $1", date_in_days(10)
    )
    assert brief(await agenda(scenario.worker_north)) == [("exit", str(date_in_days(10)), False, None)]
    assert plan.id == uuid.UUID((await agenda(scenario.worker_north))[0]["record"]["id"])


async def test_an_exit_that_nobody_planned_waits_for_the_supervisor_too(scenario: Scenario) -> None:
    # Before: without the day support ends, which an unplanned exit has not, no draft was on any agenda.
    case = await scenario.open_case()
    unplanned = {"checklist": EXIT_PLAN_PAYLOAD["checklist"], "reason_code": "moved_away"}
    path = f"/v1/cases/{case['id']}/exit-plan"
    expect_json(await scenario.worker_north.put(path, unplanned))
    (waiting,) = await agenda(scenario.supervisor_north)
    assert (waiting["kind"], waiting["link"], waiting["due_on"]) == ("approval", path, str(date_in_days(7)))
    assert await agenda(scenario.worker_north) == await agenda(scenario.manager) == []
    expect_json(await scenario.supervisor_north.act(path, "approve"))
    for caller in (scenario.supervisor_north, scenario.worker_north):
        assert "exit_plan" not in [item["record"]["kind"] for item in await agenda(caller)]

    begun, _ = await create_exiting_case(scenario)
    assert await agenda(scenario.supervisor_north) == [], "the review lays an empty one on the table"
    path = f"/v1/cases/{begun['id']}/exit-plan"
    expect_json(await scenario.worker_north.put(path, unplanned, etag='"1"'))
    assert kinds(await agenda(scenario.supervisor_north)) == ["approval"]


async def test_who_was_not_reached_stays_on_the_agenda(scenario: Scenario, superuser_connection: Any) -> None:
    # Before: one attempt that reached nobody took the follow-up off.
    case = await scenario.open_case()
    await backdate_case_opening(superuser_connection, case, 8, status="closed", closed_on=date_in_days(-31))
    looked = FollowUp(**case_foreign_keys(case), months=1, due_on=date_in_days(-1))
    looked.content = {}
    await insert_row(superuser_connection, looked)
    path, told = f"/v1/follow-ups/{looked.id}", {"held_on": str(today()), "wellbeing": "not_reached"}
    missed = expect_json(await scenario.worker_north.patch(path, told, etag='"1"'))
    assert missed["status"] == "missed"
    assert brief(await agenda(scenario.worker_north)) == [("follow_up", str(date_in_days(-1)), True, "1")]
    expect_json(await scenario.worker_north.patch(path, {"wellbeing": "well"}, etag='"2"'))
    assert await agenda(scenario.worker_north) == []


async def test_referrals_wait_for_the_team_and_for_whom_they_were_handed_to(
    scenario: Scenario, superuser_connection: Any
) -> None:
    told = await scenario.create_referral()
    path = f"/v1/referrals/{told['id']}"
    looks = "SELECT count(*) FROM access_entries WHERE record_kind = 'referral' AND record_id = $1"
    before = await superuser_connection.fetchval(looks, told["id"])
    (queued,) = await agenda(scenario.supervisor_south)
    assert await superuser_connection.fetchval(looks, told["id"]) == before + 1
    assert (queued["kind"], queued["due_on"], queued["detail"]) == (
        "referral",
        str(date_in_days(2)),
        "urgent",
    )
    assert (queued["link"], queued["case_id"], queued["child"]) == (path, None, None)
    assert await agenda(scenario.worker_north) == await agenda(scenario.manager) == []

    handing = {"team_id": str(id_of("north")), "handed_to_id": str(WORKER_ID)}
    expect_json(await scenario.supervisor_north.act(path, "acknowledge", handing))
    assert await agenda(scenario.supervisor_south) == []
    for caller in (scenario.supervisor_north, scenario.worker_north):
        assert brief(await agenda(caller)) == [("referral", str(date_in_days(7)), False, "urgent")]
    expect_json(
        await scenario.supervisor_north.act(path, "request-information", {"question": "Which school?"})
    )
    assert await agenda(scenario.supervisor_north) == [], "now it waits for the partner"


@pytest.mark.parametrize(
    ("opened", "extended", "expected"),
    [
        (timedelta(days=0), None, None),
        (16, None, None),
        (18, None, ("18", 0, False)),
        (19, None, ("18", -1, False)),
        (21, None, ("21", 0, False)),
        (24, None, ("24", 0, False)),
        (26, None, ("24", -2, True)),
        (26, 3, None),
        (26, -1, ("24", -1, True)),
    ],
)
async def test_milestones_appear_thirty_days_ahead_and_give_way_to_the_next(
    scenario: Scenario,
    superuser_connection: Any,
    opened: Any,
    extended: int | None,
    expected: tuple[str, int, bool] | None,
) -> None:
    case = await scenario.open_case()
    months = opened if isinstance(opened, int) else 0
    until = None if extended is None else add_months(today(), extended)
    await backdate_case_opening(superuser_connection, case, months, extended_until=until)
    found = [(i["detail"], i["due_on"], i["is_overdue"]) for i in await agenda(scenario.worker_north)]
    if expected is None:
        assert found == []
        return
    mark, past, overdue = expected
    opened_on = add_months(today(), -months)
    due = until if until and mark == "24" else add_months(opened_on, int(mark))
    assert found == [(mark, str(due), overdue)]
    assert abs((due - add_months(today(), past)).days) <= 3, "months have different lengths"
    assert len(await agenda(scenario.manager)) == (mark == "24"), "a manager extends"


@pytest.mark.parametrize(
    ("opened", "until", "expected"),
    [
        (17, 12, ["18", "21", "24"]),
        (18, 3, ["18", "21"]),
        (19, 2, ["18", "21"]),
        (20, 1, ["18", "21"]),
        (20, 4, ["18", "21", "24"]),
        (21, 1, ["21"]),
        (23, 12, ["21", "24"]),
        (25, 12, ["24"]),
    ],
)
async def test_looking_further_ahead_hides_no_milestone(
    scenario: Scenario, superuser_connection: Any, opened: int, until: int, expected: list[str]
) -> None:
    # Before: what lay within `until` hid what comes before it: at 17 months, a year ahead, only the 24 were left.
    case = await scenario.open_case()
    await backdate_case_opening(superuser_connection, case, opened)
    day = str(add_months(today(), until) + timedelta(days=3))  # months have different lengths
    me, found, cursor = scenario.worker_north, list[dict[str, Any]](), None
    while True:
        asked = {"until": day, "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = expect_json(await me.get("/v1/me/agenda", params=asked))
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [item["detail"] for item in found] == expected
    assert {item["record"]["id"] for item in found} == {case["id"]}


async def test_milestones_are_announced_thirty_days_ahead(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    for days, announced in ((30, True), (31, False)):
        opened_on = add_months(date_in_days(days), -21)
        await backdate_case_opening(superuser_connection, case, 1, opened_on=opened_on)
        due = add_months(opened_on, 21)
        marks = [item["detail"] for item in await agenda(scenario.worker_north)]
        assert marks == ["18", "21"][: 1 + (due <= date_in_days(30))], (days, announced)
        until = str(date_in_days(14))
        assert [i["detail"] for i in await agenda(scenario.worker_north, until=until)] == ["18"]


async def test_it_is_filtered_by_day_kind_and_whether_it_is_overdue(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await insert_due_records(superuser_connection, await scenario.open_case())
    me = scenario.worker_north
    assert kinds(await agenda(me, until=str(date_in_days(1)))) == ["review", "service_referral", "session"]
    assert kinds(await agenda(me, until=str(date_in_days(15))))[-1] == "follow_up"
    assert len(await agenda(me, until=str(date_in_days(15)))) == len(await agenda(me)) + 1
    assert kinds(await agenda(me, kind="legal_step")) == ["legal_step"]
    assert kinds(await agenda(me, overdue="true")) == ["review"]
    assert "review" not in kinds(await agenda(me, overdue="false"))
    assert await agenda(me, until="0001-01-01") == []
    assert len(await agenda(me, until="9999-12-31")) == len(await agenda(me)) + 4
    for wrong in (
        {"kind": "disbursement"},
        {"overdue": "yes"},
        {"until": "tomorrow"},
        {"limit": 201},
        {"who": "me"},
    ):
        assert (await me.get("/v1/me/agenda", params=wrong)).status_code == 422, wrong


async def test_pages_neither_skip_nor_repeat_while_the_agenda_grows(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    at = local_datetime(date_in_days(1))
    planned: dict[str, Any] = {
        "kind": "therapy",
        "planned_at": at,
        "worker_id": WORKER_ID,
        "author_id": WORKER_ID,
    }
    for _ in range(3):
        await insert_row(superuser_connection, SupportSession(**case_foreign_keys(case), **planned))
    everything = [item["record"]["id"] for item in await agenda(scenario.worker_north)]
    seen, cursor = [], None
    while True:
        page = expect_json(
            await scenario.worker_north.get(
                "/v1/me/agenda", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
            )
        )
        seen += [item["record"]["id"] for item in page["items"]]
        await insert_row(
            superuser_connection,
            LegalStep(
                **case_foreign_keys(case),
                kind="police_report",
                status="planned",
                on=date_in_days(-9),
                author_id=WORKER_ID,
            ),
        )
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == everything
    assert len(set(seen)) == len(seen) == 9
    other = await scenario.worker_north_2.get(
        "/v1/me/agenda", params={"limit": 2, "cursor": page["next_cursor"] or "x"}
    )
    assert other.status_code == 422


async def test_fifty_cases_take_as_many_statements_as_five(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Planted: children loaded case by case.
    model = await scenario.open_case()
    await insert_due_records(superuser_connection, model)
    counts = []
    for n in (5, 50):
        await insert_case_copies(superuser_connection, model, n)
        with record_statements(scenario) as statements:
            items = await agenda(scenario.worker_north)
        assert len({item["child_id"] for item in items}) > n
        counts.append(len(statements))
    # the actor's event, the agenda, its cases with their children
    assert counts == [3, 3], statements


def test_every_page_that_a_link_leads_to_is_there(app: FastAPI) -> None:
    # Planted: `review` at /v1/case-reviews/{id}.
    known = {re.sub(r"\{\w+\}", "{}", found.path) for found in list_endpoints(app) if found.method == "GET"}
    pages = {re.sub(r"\{\w+\}", "{}", page) for page in (RECORD_PATHS | PART_PATHS).values()}
    assert pages - known == set()
