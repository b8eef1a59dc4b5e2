"""The profile at the entry: computed by report runs only, from encrypted answers, with an access event of its own."""

from typing import Any

import asyncpg
import pytest

from app.database.urls import to_driver_url
from app.kit.dates import today
from app.services.reports.entry_answers import classify_disability
from tests.support.raw_sql import open_access, set_access
from tests.support.report_runs import PATH, download, run_job
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.scenario import Scenario, id_of, referral_payload
from tests.support.spreadsheets import read_sheets


def build_year() -> dict[str, str]:
    year = today().year
    return {"first_day": f"{year}-01-01", "last_day": f"{year}-12-31"}


async def open_case_with_answers(scenario: Scenario, **answers: Any) -> None:
    payload = referral_payload()["child"]
    await scenario.open_case(child={**payload, **answers})


async def read_groups(scenario: Scenario, *dimensions: str) -> list[dict[str, int]]:
    """Return the number of cases by label, for a run with a report per dimension."""
    reports = [{"name": "entry_profile", "by": [dimension]} for dimension in dimensions]
    run = expect_json(await scenario.me_officer.post(PATH, {"reports": reports, **build_year()}), 202)
    await run_job(scenario)
    workbook = await download(scenario.me_officer, f"{PATH}/{run['id']}", "xlsx")
    return [
        {label: number for label, number in rows[3:] if number} for rows in read_sheets(workbook.content)[::2]
    ]


async def test_answers_are_grouped_and_a_question_that_was_not_asked_is_not_a_no(scenario: Scenario) -> None:
    no_difficulty = {"has_difficulty": False, "difficulties": {}}
    await open_case_with_answers(scenario, disability=no_difficulty, gender_identity="questioning")
    await open_case_with_answers(
        scenario, disability={"has_difficulty": True, "difficulties": {"seeing": "a_lot"}}, idpoor="none"
    )
    await open_case_with_answers(scenario, disability=None, school={"status": "attending"}, idpoor=None)
    disability, gender, school, idpoor = await read_groups(
        scenario, "disability", "gender_identity", "school", "idpoor"
    )
    assert disability == {
        "A lot of difficulty, or cannot do at all": 1, "No difficulty": 1, "Not asked": 1, "Total": 3,
    }  # fmt: skip
    assert gender == {"Still finding out": 1, "Not asked": 2, "Total": 3}
    assert (school["Attending school"], idpoor["No card"], idpoor["Not asked"]) == (1, 1, 2)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "not_asked"),
        ({"has_difficulty": False, "difficulties": {}, "note": None}, "no_difficulty"),
        ({"has_difficulty": False, "difficulties": {"seeing": "none"}, "note": None}, "no_difficulty"),
        ({"has_difficulty": True, "difficulties": {"seeing": "some", "hearing": "none"}, "note": None}, "some_difficulty"),
        ({"has_difficulty": True, "difficulties": {"seeing": "some", "hearing": "cannot_do"}, "note": None}, "with_disability"),
        ({"has_difficulty": True, "difficulties": {}, "note": None}, "unknown"),
    ],
)  # fmt: skip
def test_disability_is_a_lot_of_difficulty_in_one_domain(answer: Any, code: str) -> None:
    assert classify_disability(answer) == code


async def test_live_report_is_refused_with_the_way_to_get_it(scenario: Scenario) -> None:
    response = await scenario.manager.get(
        f"/v1/reports/entry_profile?from={build_year()['first_day']}&to={build_year()['last_day']}"
    )
    assert parse_unmet_conditions(response) == {(None, "run_required")}
    assert "POST /v1/report-runs" in response.json()["unmet"][0]["detail"]
    assert (
        await scenario.finance.get("/v1/reports/entry_profile?from=2026-01-01&to=2026-12-31")
    ).status_code == 403
    (item,) = (
        item
        for item in expect_json(await scenario.manager.get("/v1/reports"))["items"]
        if item["name"] == "entry_profile"
    )
    assert (item["needs_run"], item["max_dimensions"], item["period"]["is_year"]) == (True, 1, True)


async def test_run_needs_a_calendar_year_and_one_dimension(scenario: Scenario) -> None:
    payload = {"reports": [{"name": "entry_profile", "by": ["school"]}], **build_year()}
    half = {**payload, "last_day": f"{today().year}-06-30"}
    assert parse_faults(await scenario.manager.post(PATH, half)) == {("/last_day", "period_not_year")}
    pair = {**payload, "reports": [{"name": "entry_profile", "by": ["school", "idpoor"]}]}
    assert parse_faults(await scenario.manager.post(PATH, pair)) == {("/reports/0/by", "too_long")}
    assert (await scenario.finance.post(PATH, payload)).status_code == 403


async def test_run_has_an_access_event_of_its_own_and_stores_no_answer(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await open_case_with_answers(scenario, gender_identity="non_binary")
    await read_groups(scenario, "gender_identity")
    query = """SELECT e.actor_id, n.outcome, n.child_id FROM access_events e JOIN access_entries n ON n.event_id = e.id
                WHERE e.act = 'report.read_entry_profile'"""
    (event,) = await superuser_connection.fetch(query)
    assert (event["actor_id"], event["outcome"], event["child_id"]) == (id_of("me_officer"), "allowed", None)


async def test_run_of_a_supervisor_counts_the_supervised_teams_only(scenario: Scenario) -> None:
    for worker in ("worker_north", "worker_south", "worker_south"):
        await scenario.open_case(worker)
    client = scenario.supervisor_south
    payload = {"reports": [{"name": "entry_profile"}], **build_year()}
    run = expect_json(await client.post(PATH, payload), 202)
    await run_job(scenario)
    figures, _ = read_sheets((await download(client, f"{PATH}/{run['id']}", "xlsx")).content)
    assert figures[3] == (2,)


async def test_encrypted_answers_need_the_act_of_the_report(scenario: Scenario, api_connection: Any) -> None:
    # Catches: the function does not look at the act.
    await scenario.open_case()
    statement = "SELECT count(*) FROM access.list_entry_profiles('2000-01-01', '2100-01-01')"
    connection = await asyncpg.connect(to_driver_url(scenario.urls.reports))
    try:
        assert await connection.fetchval(statement) == 0, "no access is set"
        for act, count in (("report.read", 0), ("case.read", 0), ("report.read_entry_profile", 1)):
            access = await open_access(api_connection, "manager", act)
            async with connection.transaction():
                await set_access(connection, access)
                assert await connection.fetchval(statement) == count, act
    finally:
        await connection.close()
