"""Tests of the agenda: its entries, their order and filters, and the callers who see them."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from app.kit.dates import add_months, today
from app.models import ExitPlan, FollowUp, LegalStep, SupportSession
from app.services.cases.record_links import PART_PATHS, RECORD_PATHS
from tests.support.agenda import list_agenda
from tests.support.case_lifecycle import assessment_payload, create_exiting_case, exit_plan_payload
from tests.support.endpoints import list_endpoints
from tests.support.fund import create_disbursement, create_fund, payment_payload
from tests.support.payloads import PERSON_PAYLOAD
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
    settle_case,
)
from tests.support.scenario import Scenario, child_ids_in, id_of
from tests.support.sql_statements import record_statements


def summarize(items: list[dict[str, Any]]) -> list[tuple[str, str, bool, str | None]]:
    return [(item["kind"], item["due_on"], item["is_overdue"], item["detail"]) for item in items]


def kinds_of(items: list[dict[str, Any]]) -> list[str]:
    return [item["kind"] for item in items]


async def test_agenda_of_worker_lists_due_and_overdue_items_earliest_first(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    for each_case in (case, other):
        lead_worker_id = uuid.UUID(each_case["lead_worker_id"])
        await insert_due_records(superuser_connection, each_case, lead_worker_id)
    await backdate_case_opening(superuser_connection, case, 18, status="active")

    response = await scenario.worker_north.get("/v1/me/agenda")
    items = expect_json(response)["items"]
    assert summarize(items) == [
        ("review", str(date_in_days(-3)), True, None),
        ("milestone", str(date_in_days(0)), False, "18"),
        ("service_referral", str(date_in_days(0)), False, "medical"),
        ("session", str(date_in_days(1)), False, "home_visit"),
        ("action", str(date_in_days(2)), False, "worker"),
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
    assert {(item["worker_id"], item["worker"]["id"]) for item in items} == {(str(WORKER_ID), str(WORKER_ID))}
    assert {item["worker"]["name"] for item in items} == {case["lead_worker"]["name"]}
    places = [item["place"] for item in items]
    assert places == [None, None, None, "At the grandmother's house", None, None, "Provincial court"]
    actions = [(item["action"], item["record"]["kind"]) for item in items if item["action"] is not None]
    goal_id = items[4]["action"]["goal_id"]
    goal = {"id": goal_id, "statement": "Goes to school every day", "area": "education"}
    action = {
        "what": "Talk to the teacher",
        "by": "worker",
        "by_whom": None,
        "goal_id": goal_id,
        "goal": goal,
    }
    assert actions == [(action, "action")]
    assert [item["referral"] for item in items] == [None] * 7

    logged_child_ids = {
        entry["child_id"] for entry in await scenario.list_access_entries(response.headers["x-request-id"])
    }
    assert logged_child_ids == child_ids_in(items) == {case["child_id"]}
    assert kinds_of(await list_agenda(scenario.worker_south)) == [
        "review", "service_referral", "session", "action", "follow_up", "legal_step"
    ]  # fmt: skip


async def test_agenda_lists_cases_of_lead_and_co_workers_only(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    assert await list_agenda(scenario.worker_north_2) == []
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(CO_WORKER_ID)]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    assert "session" not in kinds_of(await list_agenda(scenario.worker_north_2)), (
        "the lead worker holds the session"
    )
    assert (
        len(await list_agenda(scenario.worker_north_2)) == len(await list_agenda(scenario.worker_north)) - 1
    )
    expect_json(
        await scenario.worker_south.post(
            f"/v1/cases/{case['id']}/break-glass", {"reason": "In hospital now."}
        )
    )
    for caller in (scenario.worker_south, scenario.supervisor_south, scenario.manager):
        assert await list_agenda(caller) == [], caller.name
    assert kinds_of(await list_agenda(scenario.supervisor_north)) == ["review"], "the review is overdue"
    for caller in (scenario.finance, scenario.me_officer, scenario.dpo, scenario.admin):
        assert await list_agenda(caller) == [], caller.name
    for api_client in (scenario.partner_one, scenario.reporting):
        assert (await api_client.get("/v1/me/agenda")).status_code == 403, api_client.name

    await backdate_case_opening(superuser_connection, case, 1, status="closed")
    assert kinds_of(await list_agenda(scenario.worker_north)) == [
        "service_referral", "follow_up", "legal_step"
    ], "these remain after the case is closed"  # fmt: skip


async def test_submission_is_on_agenda_of_supervisor_and_returned_record_on_agenda_of_author(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    created = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    path = f"/v1/assessments/{expect_json(created, 201)['id']}"
    expect_json(await scenario.worker_north.patch(path, assessment_payload(), etag=created.headers["etag"]))
    assert await list_agenda(scenario.supervisor_north) == []
    expect_json(await scenario.worker_north.act(path, "submit"))

    (pending,) = await list_agenda(scenario.supervisor_north)
    assert (pending["kind"], pending["due_on"], pending["detail"]) == (
        "approval",
        str(date_in_days(7)),
        "child",
    )
    assert pending["link"] == path
    assert (await scenario.supervisor_north.get(pending["link"])).status_code == 200
    assert kinds_of(await list_agenda(scenario.supervisor_both)) == ["approval"]
    for caller in (scenario.worker_north, scenario.supervisor_south, scenario.manager):
        assert await list_agenda(caller) == [], caller.name

    expect_json(await scenario.supervisor_north.act(path, "return", {"comment": "What does the child wish?"}))
    (returned,) = await list_agenda(scenario.worker_north)
    assert (returned["kind"], returned["link"]) == ("returned", path)
    assert await list_agenda(scenario.supervisor_north) == []


async def test_disbursement_is_on_supervisors_agenda_until_approved(scenario: Scenario) -> None:
    case = await scenario.open_case()
    await create_disbursement(scenario, case, urgency="urgent", months=3, starts_on=str(today()))
    (pending,) = await list_agenda(scenario.supervisor_north)
    assert summarize([pending]) == [("approval", str(date_in_days(7)), False, "urgent")]
    assert expect_json(await scenario.supervisor_north.get(pending["link"]))["instalments"] == 3
    fund = await create_fund(scenario)
    expect_json(await scenario.supervisor_north.act(pending["link"], "approve", {"fund_id": fund["id"]}))
    assert await list_agenda(scenario.supervisor_north) == []
    emergency = await create_disbursement(scenario, case, urgency="emergency")
    path = f"/v1/disbursements/{emergency['id']}"
    expect_json(
        await scenario.finance.act(path, "pay", payment_payload(emergency["amount"], fund_id=fund["id"]))
    )
    assert summarize(await list_agenda(scenario.supervisor_north)) == [
        ("approval", str(date_in_days(3)), False, "emergency")
    ]


async def test_approvals_and_service_referrals_contain_the_values_of_their_rows(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    disbursement = await create_disbursement(scenario, case, months=3)
    created = await scenario.worker_north.post(f"/v1/cases/{case['id']}/people", PERSON_PAYLOAD)
    person = expect_json(created, 201)
    await insert_care_plan(
        superuser_connection, case, "submitted", subject="supporter", person_id=uuid.UUID(person["id"])
    )
    await insert_due_records(superuser_connection, case)
    with record_statements(scenario) as statements:
        items = await list_agenda(scenario.supervisor_north, kind="approval")
    assert len(statements) == 1, statements
    assert {item["record"]["kind"]: item["disbursement"] for item in items} == {
        "care_plan": None,
        "disbursement": {
            name: disbursement[name] for name in ("number", "category", "amount", "instalments")
        },
    }
    names = {"id": person["id"], "names": person["names"]}
    assert {item["record"]["kind"]: item["person"] for item in items} == {
        "care_plan": names,
        "disbursement": None,
    }
    assert [item["author"] for item in items] == [case["lead_worker"]] * 2
    (referral,) = await list_agenda(scenario.worker_north, kind="service_referral")
    provider = await superuser_connection.fetchrow("SELECT id::text, name FROM providers")
    assert referral["provider"] == dict(provider)
    assert (referral["author"], referral["disbursement"]) == (case["lead_worker"], None)


async def test_supervisors_own_work_is_not_on_their_agenda(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, exiting = await scenario.open_case(), await scenario.open_case()
    await backdate_case_opening(superuser_connection, exiting, 1, status="exiting")
    await insert_care_plan(superuser_connection, case, "submitted")
    own_work = {"author_id": SUPERVISOR_ID, "submitted_by_id": SUPERVISOR_ID}
    await insert_care_plan(superuser_connection, case, "submitted", subject="family", **own_work)
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
    (care_plan, exit_plan) = await list_agenda(scenario.supervisor_north, kind="approval")
    assert [care_plan["record"]["kind"], exit_plan["record"]["kind"]] == ["care_plan", "exit_plan"]
    assert exit_plan["link"] == f"/v1/cases/{exiting['id']}/exit-plan"
    assert len(await list_agenda(scenario.supervisor_both)) == 4

    await superuser_connection.execute(
        "UPDATE exit_plans SET status = 'approved', ends_on = $1", date_in_days(10)
    )
    (entry,) = await list_agenda(scenario.worker_north, kind="exit")
    assert summarize([entry]) == [("exit", str(date_in_days(10)), False, None)]
    assert plan.id == uuid.UUID(entry["record"]["id"])


async def test_unplanned_exit_plan_is_on_supervisors_agenda(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # An unplanned exit has no last day of support, but its draft needs an approval too.
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    unplanned = {"checklist": exit_plan_payload()["checklist"], "reason_code": "moved_away"}
    path = f"/v1/cases/{case['id']}/exit-plan"
    expect_json(await scenario.worker_north.put(path, unplanned))
    (pending,) = await list_agenda(scenario.supervisor_north)
    assert (pending["kind"], pending["link"], pending["due_on"]) == ("approval", path, str(date_in_days(7)))
    assert await list_agenda(scenario.worker_north) == await list_agenda(scenario.manager) == []
    expect_json(await scenario.supervisor_north.act(path, "approve"))
    assert await list_agenda(scenario.supervisor_north) == []
    assert summarize(await list_agenda(scenario.worker_north)) == [("exit", str(today()), False, None)]

    exiting_case, _ = await create_exiting_case(scenario)
    assert await list_agenda(scenario.supervisor_north) == [], "the review creates an empty draft"
    path = f"/v1/cases/{exiting_case['id']}/exit-plan"
    expect_json(await scenario.worker_north.put(path, unplanned, etag='"1"'))
    assert kinds_of(await list_agenda(scenario.supervisor_north)) == ["approval"]


async def test_missed_follow_up_stays_on_agenda_until_held(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # An attempt without contact does not complete the follow-up.
    case = await scenario.open_case()
    await backdate_case_opening(superuser_connection, case, 8, status="closed", closed_on=date_in_days(-31))
    follow_up = FollowUp(**case_foreign_keys(case), months=1, due_on=date_in_days(-1))
    follow_up.content = {}
    await insert_row(superuser_connection, follow_up)
    path = f"/v1/follow-ups/{follow_up.id}"
    attempt = {"held_on": str(today()), "wellbeing": "not_reached"}
    missed = expect_json(await scenario.worker_north.patch(path, attempt, etag='"1"'))
    assert missed["status"] == "missed"
    assert summarize(await list_agenda(scenario.worker_north)) == [
        ("follow_up", str(date_in_days(-1)), True, "1")
    ]
    expect_json(await scenario.worker_north.patch(path, {"wellbeing": "well"}, etag='"2"'))
    assert await list_agenda(scenario.worker_north) == []


async def test_referral_is_on_agenda_of_team_supervisors_and_assigned_worker(
    scenario: Scenario, superuser_connection: Any
) -> None:
    referral = await scenario.create_referral()
    path = f"/v1/referrals/{referral['id']}"
    count_entries = "SELECT count(*) FROM access_entries WHERE record_kind = 'referral' AND record_id = $1"
    entries_before = await superuser_connection.fetchval(count_entries, referral["id"])
    (queued,) = await list_agenda(scenario.supervisor_south)
    assert await superuser_connection.fetchval(count_entries, referral["id"]) == entries_before + 1
    assert (queued["kind"], queued["due_on"], queued["detail"]) == (
        "referral",
        str(date_in_days(1)),
        "urgent",
    )
    assert (queued["link"], queued["case_id"], queued["child"], queued["worker"]) == (path, None, None, None)
    content = expect_json(await scenario.supervisor_south.get(path))
    assert queued["referral"] == {
        "tracking_number": referral["tracking_number"],
        "child_names": content["child"]["names"],
        "child_nickname": content["child"]["nickname"],
    }
    assert await list_agenda(scenario.worker_north) == await list_agenda(scenario.manager) == []

    acknowledgement = {"team_id": str(id_of("north")), "handed_to_id": str(WORKER_ID)}
    expect_json(await scenario.supervisor_north.act(path, "acknowledge", acknowledgement))
    assert await list_agenda(scenario.supervisor_south) == []
    for caller in (scenario.supervisor_north, scenario.worker_north):
        assert summarize(await list_agenda(caller)) == [("referral", str(date_in_days(7)), False, "urgent")]
    expect_json(
        await scenario.supervisor_north.act(path, "request-information", {"question": "Which school?"})
    )
    for caller in (scenario.supervisor_north, scenario.worker_north):
        assert summarize(await list_agenda(caller)) == [
            ("partner_answer", str(date_in_days(3)), False, "urgent")
        ]


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
async def test_agenda_shows_latest_reached_milestone(
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
    milestones = [
        (item["detail"], item["due_on"], item["is_overdue"])
        for item in await list_agenda(scenario.worker_north, kind="milestone")
    ]
    if expected is None:
        assert milestones == []
        return
    milestone, past, overdue = expected
    opened_on = add_months(today(), -months)
    due = until if until and milestone == "24" else add_months(opened_on, int(milestone))
    assert milestones == [(milestone, str(due), overdue)]
    assert abs((due - add_months(today(), past)).days) <= 3, "months have different lengths"
    assert len(await list_agenda(scenario.manager)) == (milestone == "24"), (
        "a programme manager can extend the case"
    )


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
async def test_later_until_date_adds_milestones_without_removing_any(
    scenario: Scenario, superuser_connection: Any, opened: int, until: int, expected: list[str]
) -> None:
    # At 17 months, an `until` one year ahead includes the milestones at 18, 21 and 24 months.
    case = await scenario.open_case()
    await backdate_case_opening(superuser_connection, case, opened)
    day = str(add_months(today(), until) + timedelta(days=3))  # months have different lengths
    items, cursor = list[dict[str, Any]](), None
    while True:
        params = {"until": day, "limit": 1, "kind": "milestone", **({"cursor": cursor} if cursor else {})}
        page = expect_json(await scenario.worker_north.get("/v1/me/agenda", params=params))
        items += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [item["detail"] for item in items] == expected
    assert {item["record"]["id"] for item in items} == {case["id"]}


async def test_milestone_appears_thirty_days_before_its_date(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    for days, is_listed in ((30, True), (31, False)):
        opened_on = add_months(date_in_days(days), -21)
        await backdate_case_opening(superuser_connection, case, 1, opened_on=opened_on)
        due = add_months(opened_on, 21)
        milestones = [item["detail"] for item in await list_agenda(scenario.worker_north, kind="milestone")]
        assert milestones == ["18", "21"][: 1 + (due <= date_in_days(30))], (days, is_listed)
        until = str(date_in_days(14))
        entries = await list_agenda(scenario.worker_north, until=until, kind="milestone")
        assert [item["detail"] for item in entries] == ["18"]


async def test_agenda_is_filtered_by_date_kind_and_overdue(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await insert_due_records(superuser_connection, await scenario.open_case())
    worker = scenario.worker_north
    assert kinds_of(await list_agenda(worker, until=str(date_in_days(1)))) == [
        "review",
        "service_referral",
        "session",
    ]
    assert kinds_of(await list_agenda(worker, until=str(date_in_days(15))))[-1] == "follow_up"
    assert len(await list_agenda(worker, until=str(date_in_days(15)))) == len(await list_agenda(worker)) + 1
    assert kinds_of(await list_agenda(worker, kind="legal_step")) == ["legal_step"]
    assert kinds_of(await list_agenda(worker, kind="legal_step,review")) == ["review", "legal_step"]
    assert await list_agenda(worker, kind="approval") == [], "a worker approves nothing"
    assert kinds_of(await list_agenda(worker, overdue="true")) == ["review"]
    assert "review" not in kinds_of(await list_agenda(worker, overdue="false"))
    assert await list_agenda(worker, until="1900-01-01") == []
    assert len(await list_agenda(worker, until="2199-12-31")) == len(await list_agenda(worker)) + 5
    for invalid in (
        {"kind": "disbursement"},
        {"overdue": "yes"},
        {"until": "tomorrow"},
        {"limit": 201},
        {"who": "me"},
    ):
        assert (await worker.get("/v1/me/agenda", params=invalid)).status_code == 422, invalid


async def test_agenda_pages_neither_skip_nor_repeat_items_while_it_grows(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    at = local_datetime(date_in_days(1))
    planned_session: dict[str, Any] = {
        "kind": "therapy",
        "planned_at": at,
        "worker_id": WORKER_ID,
        "author_id": WORKER_ID,
    }
    for _ in range(3):
        await insert_row(superuser_connection, SupportSession(**case_foreign_keys(case), **planned_session))
    all_ids = [item["record"]["id"] for item in await list_agenda(scenario.worker_north)]
    paged_ids, cursor = [], None
    while True:
        page = expect_json(
            await scenario.worker_north.get(
                "/v1/me/agenda", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
            )
        )
        paged_ids += [item["record"]["id"] for item in page["items"]]
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
    assert paged_ids == all_ids
    assert len(set(paged_ids)) == len(paged_ids) == 9
    response = await scenario.worker_north_2.get(
        "/v1/me/agenda", params={"limit": 2, "cursor": page["next_cursor"] or "x"}
    )
    assert response.status_code == 422


async def test_agenda_statement_count_is_the_same_for_5_and_50_cases(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the children are loaded case by case.
    model = await scenario.open_case()
    await insert_due_records(superuser_connection, model)
    counts = []
    for n in (5, 50):
        await insert_case_copies(superuser_connection, model, n)
        with record_statements(scenario) as statements:
            items = await list_agenda(scenario.worker_north)
        assert len({item["child_id"] for item in items}) > n
        counts.append(len(statements))

    assert counts == [2, 2], statements


def test_every_record_path_is_an_endpoint(app: FastAPI) -> None:
    # Catches: the path of a review is /v1/case-reviews/{id}.
    endpoints = {
        re.sub(r"\{\w+\}", "{}", endpoint.path)
        for endpoint in list_endpoints(app)
        if endpoint.method == "GET"
    }
    record_paths = {re.sub(r"\{\w+\}", "{}", path) for path in (RECORD_PATHS | PART_PATHS).values()}
    assert record_paths - endpoints == set()


async def test_pending_change_is_on_agenda_of_those_who_can_confirm_it(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the person concerned not excluded; the requester not excluded.
    path = f"/v1/users/{id_of('manager')}"
    user = await scenario.admin.get(path)
    roles = {"roles": ["programme_manager", "finance_officer"]}
    expect_json(await scenario.admin.patch(path, roles, etag=user.headers["etag"]))
    (entry,) = await list_agenda(scenario.dpo)
    (change,) = expect_json(await scenario.dpo.get("/v1/pending-changes?awaiting=me"))["items"]
    assert summarize([entry]) == [("pending_change", str(date_in_days(3)), False, "rights")]
    assert entry["link"] == f"/v1/pending-changes/{change['id']}"
    assert (await scenario.dpo.get(entry["link"])).status_code == 200
    assert entry["author"] == {"id": str(id_of("admin")), "name": "Admin"}
    assert (entry["case_id"], entry["child"], entry["person"], entry["worker"]) == (None, None, None, None)
    assert expect_json(await scenario.dpo.get("/v1/me/counts"))["agenda"] == 1
    for caller in (scenario.manager, scenario.admin, scenario.supervisor_north, scenario.worker_north):
        assert await list_agenda(caller) == [], caller.name
    set_requester = "UPDATE pending_changes SET requested_by_id = $1"
    await superuser_connection.execute(set_requester, id_of("dpo"))
    assert await list_agenda(scenario.dpo) == []
    await superuser_connection.execute(set_requester, None)  # requested on the command line
    (entry,) = await list_agenda(scenario.dpo)
    assert entry["author"] is None
    expect_json(await scenario.dpo.act(entry["link"], "reject", {"reason": "Not needed."}))
    assert await list_agenda(scenario.dpo) == []


async def test_pending_changes_are_sorted_with_the_other_entries(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: expired changes not excluded.
    case = await scenario.open_case()
    await backdate_case_opening(superuser_connection, case, 24)
    path = f"/v1/users/{id_of('worker_south')}"
    user = await scenario.admin.get(path)
    expect_json(
        await scenario.admin.patch(
            path, {"roles": ["social_worker", "supervisor"]}, etag=user.headers["etag"]
        )
    )
    assert kinds_of(await list_agenda(scenario.manager)) == ["milestone", "pending_change"]
    assert kinds_of(await list_agenda(scenario.manager, kind="pending_change")) == ["pending_change"]
    first = expect_json(await scenario.manager.get("/v1/me/agenda", params={"limit": 1}))
    rest = await scenario.manager.get("/v1/me/agenda", params={"limit": 1, "cursor": first["next_cursor"]})
    assert kinds_of(first["items"] + expect_json(rest)["items"]) == ["milestone", "pending_change"]
    await superuser_connection.execute("UPDATE pending_changes SET expires_at = now() - interval '1 second'")
    assert kinds_of(await list_agenda(scenario.manager)) == ["milestone"]
