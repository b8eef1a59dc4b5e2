"""The demonstration: its plots on any day, its stories through the services, and a making that was interrupted."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import pytest

from app.demo import case_lifecycle
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
from app.demo.fund import create_demo_funds
from app.demo.organisation import DemoContext, DemoIds, create_demo_organisation
from app.demo.seed import ScenarioQueue
from app.kit.dates import add_months, today
from app.models.record import new_id
from app.server.installation import UNFINISHED_DEMO_FILE
from tests.support.scenario import AuthenticatedClient, Scenario
from tests.support.server_process import ServerProcess, temporary_home

CHILDREN = 6


def days_of(story: CaseScenario) -> list[date]:
    return plan_review_days(story, min(to_workday(story.opened_on + timedelta(days=35)), story.last_day))


@pytest.mark.parametrize(
    "day", [date(2026, 1, 1) + timedelta(days=19 * n) for n in range(60)] + [date(2028, 2, 29)], ids=str
)
def test_every_plot_holds_together_on_whichever_day_it_is_told(day: date) -> None:
    stories = build_case_scenarios(CASE_SCENARIO_COUNT, day)
    assert len({story.number for story in stories}) == CASE_SCENARIO_COUNT
    assert [story.opened_on for story in stories] == sorted(story.opened_on for story in stories)
    assert stories[0].opened_on < add_months(day, -25)
    assert stories[-1].opened_on <= stories[-1].last_day < day
    for story in stories:
        held = days_of(story)
        assert all(date_ <= story.last_day and date_.weekday() < 5 for date_ in held)
        if story.phase in {"closed", "exiting"}:
            assert held
        if story.number in UNPLANNED_CLOSE_REASONS:
            assert unplanned_closing_day(held[-1]) < day
        elif story.phase == "closed":
            assert exit_end_day(held[-1]) < min(day, add_months(story.opened_on, 24))
        if story.phase == "active" and story.number not in EXTENDED_NUMBERS:
            assert not held or held[-1] <= add_months(story.opened_on, 24)


def test_few_stories_are_as_varied_as_many() -> None:
    many, few = build_case_scenarios(CASE_SCENARIO_COUNT, today()), build_case_scenarios(CHILDREN, today())
    assert Counter(story.phase for story in many) == {
        "assessment": 12, "planning": 8, "active": 71, "exiting": 5, "closed": 24,
    }  # fmt: skip
    assert {story.phase for story in few} == {story.phase for story in many}
    assert {story.kind for story in build_case_scenarios(2 * CHILDREN, today())} == {
        "survivor",
        "hsb",
        "both",
    }
    assert set(few) <= set(many)
    assert build_case_scenarios(CASE_SCENARIO_COUNT, today()) == many


async def test_the_stories_went_through_the_services(
    scenario: Scenario, superuser_connection: asyncpg.Connection, tmp_path: Path
) -> None:
    cast, spoken = DemoIds(), list[str]()
    book = ScenarioQueue(
        build_case_scenarios(CHILDREN, today()), build_referral_scenarios(today()), spoken.append
    )
    cast.referral_ids = {story.number: new_id() for story in (*book.case_scenarios, *book.referral_scenarios)}
    (agency,) = [
        one for one in (await scenario.admin.get("/v1/agencies")).json()["items"] if one["kind"] == "fsc"
    ]
    await scenario.admin.patch(
        f"/v1/agencies/{agency['id']}", {"name": "The tests"}, etag=f'"{agency["version"]}"'
    )
    await create_demo_organisation(cast, scenario.database, tmp_path / "notes.json")
    stage = DemoContext(cast, scenario.database)
    await create_demo_funds(stage, today())
    await book.run(stage)
    await case_lifecycle.simulate_closing_events(stage, book.case_scenarios)
    assert spoken == []

    ahead = "SELECT count(*) FROM case_history WHERE at > now() OR recorded_at > now()"
    assert await superuser_connection.fetchval(ahead) == 0
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
    await assert_lived(manager, cases)
    await assert_paid(scenario)

    entries = (await dpo.get("/v1/audit/accesses", params={"limit": 200})).json()["items"]
    assert {entry["outcome"] for entry in entries} == {"allowed"}
    assert len((await dpo.get("/v1/audit/break-glass", params={"limit": 10})).json()["items"]) == 2


async def assert_lived(manager: AuthenticatedClient, cases: list[dict[str, str]]) -> None:
    """Of every case that came so far there are plans, reviews, contacts and ratings; the closed ones are followed up."""
    for case in cases:
        here = f"/v1/cases/{case['id']}"
        if case["status"] in {"assessment", "planning"}:
            continue
        assert (await manager.get(f"{here}/care-plans", params={"status": "approved"})).json()["items"]
        assert (await manager.get(f"{here}/support-sessions", params={"status": "held"})).json()["items"]
        reviews = (await manager.get(f"{here}/reviews", params={"limit": 200})).json()["items"]
        assert {review["status"] for review in reviews} <= {"completed", "scheduled", "cancelled"}
        assert (case["status"] == "closed") == bool((await manager.get(f"{here}/follow-ups")).json()["items"])
        assert (await manager.get(f"{here}/progress.svg")).status_code == 200
        assert (await manager.get(f"{here}/timeline", params={"limit": 200})).json()["items"]


async def assert_paid(scenario: Scenario) -> None:
    """Money was given, asked for, paid and accounted for, in both currencies, and the books are right."""
    finance = scenario.finance
    assert (await finance.get("/v1/ledger-check")).json()["differences"] == []
    funds = (await finance.get("/v1/funds")).json()["items"]
    assert {fund["currency"] for fund in funds} == {"USD", "KHR"}
    asked = (await finance.get("/v1/disbursements", params={"limit": 200})).json()["items"]
    assert "reconciled" in {one["status"] for one in asked}


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_home() as found:
        yield found


def test_a_making_that_was_interrupted_is_begun_anew(folder: Path) -> None:
    served = ServerProcess(folder / "var", FIRSTSTEP_DEMO_CHILDREN="1")
    process = served.start(until=(served.home / UNFINISHED_DEMO_FILE).exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (served.home / "demo.json").exists()
    with served.running():
        assert "Starting again" in (folder / "run.log").read_text()
        assert not (served.home / UNFINISHED_DEMO_FILE).exists()
        assert len(served.staff_client("programme_manager").get("/v1/cases").json()["items"]) == 1
