"""The demonstration: its scenarios, their simulation through the services, and recovery from an interruption."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import closing_events
from app.demo.case_scenarios import (
    CASE_SCENARIO_COUNT,
    EXTENDED_NUMBERS,
    UNPLANNED_CLOSE_REASONS,
    CaseScenario,
    build_case_scenarios,
    build_referral_scenarios,
    exit_end_day,
    plan_review_days,
    to_workday,
    unplanned_closing_day,
)
from app.demo.case_simulation import initial_supervisor
from app.demo.funds import create_demo_funds
from app.demo.intake import is_phone_referral
from app.demo.organisation import DemoContext, DemoIds, create_demo_organisation
from app.demo.outreach import create_demo_outreach
from app.demo.people import STAFF
from app.demo.releases import create_demo_release, create_demo_report_run
from app.demo.seed import ScenarioQueue, open_owner_session
from app.kit.dates import add_months, today
from app.models.record import new_id
from app.schemas.agenda import AgendaFilters
from app.schemas.codes import get_codes
from app.server.installation import UNFINISHED_DEMO_FILE
from app.server.jobs import JobRunner
from app.services.agenda import agenda
from app.services.releases.periods import list_latest_closed_periods
from app.services.reports.report_run_job import REPORT_RUN
from tests.demo.report_figures import assert_reports_are_exact
from tests.support.scenario import AuthenticatedClient, Scenario
from tests.support.server_process import ServerProcess, temporary_home

CHILDREN = 6
AGENDA_KINDS = {
    "unstaffed", "consent", "birthday", "pending_change", "referral", "partner_answer", "draft", "recall",
}  # fmt: skip
"""Kinds of agenda entries that a demonstration with few children shows, on any day."""

PERIODS_OF_ANOTHER_DAY = """
    SELECT c.number FROM cases c
      JOIN status_periods s ON s.case_id = c.id
      JOIN assignment_periods a ON a.case_id = c.id
     GROUP BY c.id
    HAVING min(s.began_at AT TIME ZONE 'Asia/Phnom_Penh')::date <> c.opened_on
        OR min(a.began_at AT TIME ZONE 'Asia/Phnom_Penh')::date <> c.opened_on
        OR max(s.began_at AT TIME ZONE 'Asia/Phnom_Penh') FILTER (WHERE s.status = 'closed')::date IS DISTINCT FROM c.closed_on
        OR (c.closed_on IS NULL) <> (count(*) FILTER (WHERE a.ended_at IS NULL) > 0)
        OR max(a.ended_at AT TIME ZONE 'Asia/Phnom_Penh')::date > c.closed_on
"""
"""Cases whose periods do not begin and end on the simulated days."""


def get_review_days(case_scenario: CaseScenario) -> list[date]:
    planned_on = min(to_workday(case_scenario.opened_on + timedelta(days=35)), case_scenario.last_day)
    return plan_review_days(case_scenario, planned_on)


@pytest.mark.parametrize(
    "day", [date(2026, 1, 1) + timedelta(days=19 * n) for n in range(60)] + [date(2028, 2, 29)], ids=str
)
def test_case_scenarios_have_consistent_dates_on_any_day(day: date) -> None:
    case_scenarios = build_case_scenarios(CASE_SCENARIO_COUNT, day)
    assert len({case.number for case in case_scenarios}) == CASE_SCENARIO_COUNT
    assert [case.opened_on for case in case_scenarios] == sorted(case.opened_on for case in case_scenarios)
    assert case_scenarios[0].opened_on < add_months(day, -25)
    assert case_scenarios[-1].opened_on <= case_scenarios[-1].last_day < day
    for case in case_scenarios:
        review_days = get_review_days(case)
        assert all(review_day <= case.last_day and review_day.weekday() < 5 for review_day in review_days)
        if case.phase in {"closed", "exiting"}:
            assert review_days
        if case.number in UNPLANNED_CLOSE_REASONS:
            assert unplanned_closing_day(review_days[-1]) < day
        elif case.phase == "closed":
            assert exit_end_day(review_days[-1]) < min(day, add_months(case.opened_on, 24))
        if case.phase == "active" and case.number not in EXTENDED_NUMBERS:
            assert not review_days or review_days[-1] <= add_months(case.opened_on, 24)


def test_demonstration_supervisor_compares_at_most_eight_staff_referrals() -> None:
    # Catches: every sixth referral by phone. The demonstration with 120 children then fails.
    full = build_case_scenarios(CASE_SCENARIO_COUNT, today())
    by_phone = Counter(initial_supervisor(case) for case in full if is_phone_referral(case))
    assert set(by_phone) >= {"rith.supervisor", "bopha.supervisor"}
    assert max(by_phone.values()) <= 8


def test_small_caseload_contains_every_phase_and_kind() -> None:
    full, small = build_case_scenarios(CASE_SCENARIO_COUNT, today()), build_case_scenarios(CHILDREN, today())
    assert Counter(case.phase for case in full) == {
        "assessment": 12, "planning": 8, "active": 71, "exiting": 5, "closed": 24,
    }  # fmt: skip
    assert {case.phase for case in small} == {case.phase for case in full}
    assert {case.kind for case in build_case_scenarios(2 * CHILDREN, today())} == {
        "survivor",
        "hsb",
        "both",
    }
    assert set(small) <= set(full)
    assert build_case_scenarios(CASE_SCENARIO_COUNT, today()) == full


async def check_outreach(scenario: Scenario) -> None:
    """Check that the activities cover two years and every kind, and that one is corrected and one is entered in error."""
    finance, path = scenario.finance, "/v1/outreach-activities"
    activities = (await finance.get(path, params={"limit": 200})).json()["items"]
    assert {activity["kind"] for activity in activities} == set(get_codes("outreach_kind"))
    days = [date.fromisoformat(activity["starts_on"]) for activity in activities]
    assert min(days) < add_months(today(), -23) < add_months(today(), -2) < max(days) < today()
    assert [activity["warnings"] for activity in activities] == [[]] * len(activities)
    assert len((await finance.get(f"{path}?entered_in_error=true")).json()["items"]) == 1
    assert sum(activity["attachment_count"] for activity in activities) == 1
    corrected = [activity for activity in activities if activity["version"] == 2]
    assert [activity["venue"] for activity in corrected] == ["Town hall"]


async def test_demonstration_is_created_through_the_services(
    scenario: Scenario, superuser_connection: asyncpg.Connection, tmp_path: Path
) -> None:
    ids, messages = DemoIds(), list[str]()
    queue = ScenarioQueue(
        build_case_scenarios(CHILDREN, today()), build_referral_scenarios(today()), messages.append
    )
    ids.referral_ids = {case.number: new_id() for case in (*queue.case_scenarios, *queue.referral_scenarios)}
    agencies = (await scenario.admin.get("/v1/agencies")).json()["items"]
    (agency,) = [agency for agency in agencies if agency["kind"] == "fsc"]
    await scenario.admin.patch(
        f"/v1/agencies/{agency['id']}", {"name": "The tests"}, etag=f'"{agency["version"]}"'
    )
    async with open_owner_session(scenario.urls.owner) as owner:
        await create_demo_organisation(ids, owner, tmp_path / "credentials.json")
    context = DemoContext(ids, scenario.database)
    await create_demo_funds(context, today())
    await create_demo_outreach(context, today())
    await queue.run(context)
    await closing_events.simulate_closing_events(context, queue.case_scenarios)
    await create_demo_release(context)
    await create_demo_report_run(context)
    assert messages == []

    future_rows = "SELECT count(*) FROM case_history WHERE at > now() OR recorded_at > now()"
    assert await superuser_connection.fetchval(future_rows) == 0
    assert await superuser_connection.fetch(PERIODS_OF_ANOTHER_DAY) == []
    await check_outreach(scenario)
    manager, dpo = scenario.client_for("manager"), scenario.client_for("dpo")
    cases = (await manager.get("/v1/cases", params={"limit": 200})).json()["items"]
    assert Counter(case["status"] for case in cases) == {
        "active": 2, "closed": 1, "assessment": 2, "exiting": 1, "planning": 1,
    }  # fmt: skip
    numbers = [case["number"] for case in sorted(cases, key=lambda case: str(case["opened_on"]))]
    assert numbers == sorted(numbers)
    assert {name["script"] for case in cases for name in case["child"]["names"]} == {"khmer", "latin"}
    referrals = (await manager.get("/v1/referrals", params={"limit": 200})).json()["items"]
    assert {referral["status"] for referral in referrals} == {
        "received", "acknowledged", "information_requested", "accepted", "declined", "withdrawn",
    }  # fmt: skip
    await assert_cases_are_complete(manager, cases)
    await assert_ledger_is_consistent(scenario)
    await assert_agendas_show_many_kinds(context)
    await assert_reports_are_exact(scenario, superuser_connection)
    releases = (await scenario.client_for("reporting").get("/v1/releases")).json()["items"]
    assert [release["period"] for release in releases] == [next(list_latest_closed_periods())]
    assert await JobRunner(scenario.database, [REPORT_RUN]).run_next_job()
    run = await superuser_connection.fetchrow("SELECT status, done FROM report_runs")
    assert (run["status"], run["done"]) == ("finished", 4)

    entries = (await dpo.get("/v1/audit/accesses", params={"limit": 200})).json()["items"]
    assert {entry["outcome"] for entry in entries} == {"allowed"}
    assert len((await dpo.get("/v1/audit/break-glass", params={"limit": 10})).json()["items"]) == 2
    assert len((await dpo.get("/v1/audit/clinical-handovers")).json()["items"]) == 1
    assert (await dpo.get("/v1/consents", params={"status": "withdrawn"})).json()["items"]
    alerts = (await dpo.get("/v1/alerts")).json()["items"]
    assert [alert["acknowledged_at"] for alert in alerts] == [None, None]
    acknowledged = "SELECT count(*) FROM alerts WHERE acknowledged_at IS NOT NULL"
    assert await superuser_connection.fetchval(acknowledged) == 1


async def assert_cases_are_complete(manager: AuthenticatedClient, cases: list[dict[str, str]]) -> None:
    """Assert that cases have care plans, sessions, reviews and ratings, and that closed cases have follow-ups."""
    for case in cases:
        path = f"/v1/cases/{case['id']}"
        if case["status"] in {"assessment", "planning"}:
            continue
        current_case = (await manager.get(path)).json()
        assert None not in {current_case["risk_level"], current_case["last_contact_on"]}
        assert str(current_case["updated_at"])[:10] >= current_case["last_contact_on"]
        assert (await manager.get(f"{path}/care-plans", params={"status": "approved"})).json()["items"]
        assert (await manager.get(f"{path}/support-sessions", params={"status": "held"})).json()["items"]
        reviews = (await manager.get(f"{path}/reviews", params={"limit": 200})).json()["items"]
        assert {review["status"] for review in reviews} <= {"completed", "scheduled", "cancelled"}
        assert (case["status"] == "closed") == bool((await manager.get(f"{path}/follow-ups")).json()["items"])
        assert (await manager.get(f"{path}/progress.svg")).status_code == 200
        assert (await manager.get(f"{path}/timeline", params={"limit": 200})).json()["items"]


async def assert_agendas_show_many_kinds(context: DemoContext) -> None:
    """Assert that the agendas of the staff together show each kind of `AGENDA_KINDS`."""
    kinds = set[str]()
    for member in STAFF:
        async with context.run_as(member.mailbox, Permission.agenda_read) as (session, caller):
            filters = AgendaFilters(limit=200, until=add_months(today(), 12))
            page = await agenda.list_agenda_entries(session_reader(session), caller, filters)
            kinds |= {dict(entry)["kind"] for entry in page.items}
    assert kinds >= AGENDA_KINDS, sorted(AGENDA_KINDS - kinds)


async def assert_ledger_is_consistent(scenario: Scenario) -> None:
    """Assert that funds of both currencies have reconciled payments and that the ledger agrees with its entries."""
    finance = scenario.finance
    assert (await finance.get("/v1/ledger-check")).json()["differences"] == []
    funds = (await finance.get("/v1/funds")).json()["items"]
    assert {fund["currency"] for fund in funds} == {"USD", "KHR"}
    disbursements = (await finance.get("/v1/disbursements", params={"limit": 200})).json()["items"]
    assert "reconciled" in {disbursement["status"] for disbursement in disbursements}


@pytest.fixture
def directory() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


def test_interrupted_demonstration_is_created_again(directory: Path) -> None:
    server = ServerProcess(directory / "var", FIRSTSTEP_DEMO_CHILDREN="1")
    process = server.start(until=(server.home / UNFINISHED_DEMO_FILE).exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (server.home / "demo.json").exists()
    with server.running():
        assert "Starting again" in (directory / "run.log").read_text()
        assert not (server.home / UNFINISHED_DEMO_FILE).exists()
        assert len(server.staff_client("programme_manager").get("/v1/cases").json()["items"]) == 1
