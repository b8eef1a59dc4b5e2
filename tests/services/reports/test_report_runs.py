"""Report runs: several reports in one PDF and one spreadsheet, computed by a job."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.access import report_reader
from app.kit.dates import today
from app.models.record import utc_now
from app.server.jobs import JobRunner
from app.services.reports import report_run_job
from app.services.reports.catalogue import REPORTS
from app.services.reports.report_run_job import REPORT_RUN
from app.services.reports.reports import compute_report
from tests.support.printed_pages import extract_page_text, parse_pdf
from tests.support.report_runs import PATH, download, run_job
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, id_of
from tests.support.spreadsheets import open_workbook


def build_payload(*names: str, **changes: Any) -> dict[str, Any]:
    return {
        "reports": [{"name": name, "by": ["kind"]} for name in names],
        "first_day": today().replace(day=1).isoformat(),
        "last_day": today().isoformat(),
        **changes,
    }


async def request_run(client: AuthenticatedClient, *names: str, **changes: Any) -> str:
    response = await client.post(PATH, build_payload(*names, **changes))
    run = expect_json(response, 202)
    assert response.headers["location"] == f"{PATH}/{run['id']}"
    assert (run["status"], run["done"], run["failure"]) == ("queued", 0, None)
    return f"{PATH}/{run['id']}"


async def test_run_contains_each_report_in_both_files(scenario: Scenario, superuser_connection: Any) -> None:
    await scenario.open_case()
    manager = scenario.manager
    path = await request_run(manager, "new_cases", "exits", language="km", compares=True)
    assert parse_unmet_pointers(await download(manager, path)) == {"run_unfinished": None}
    await run_job(scenario)
    run = expect_json(await manager.get(path))
    assert (run["status"], run["done"], run["failure"]) == ("finished", 2, None)

    printed = await download(manager, path)
    assert (printed.headers["content-type"], printed.headers["missing-characters"]) == (
        "application/pdf",
        "0",
    )
    pages = ["".join(extract_page_text(page).split()) for page in parse_pdf(printed.content).pages]
    for name, page in zip(("new_cases", "exits"), pages, strict=False):
        assert "".join(REPORTS[name].get_title("km").split()) in page
    workbook = await download(manager, path, "xlsx")
    sheets = open_workbook(workbook.content).worksheets
    assert len(sheets) == 4
    for name, sheet in zip(("new_cases", "exits"), sheets[1::2], strict=True):
        assert sheet["B2"].value == REPORTS[name].definition.km

    stored = await superuser_connection.fetchrow("SELECT * FROM report_run_contents")
    assert not stored["pdf_encrypted"].startswith(b"%PDF")
    assert not stored["xlsx_encrypted"].startswith(b"PK")


async def test_files_need_the_role_that_can_read_each_report(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: a download that checks the requester only.
    path = await request_run(scenario.manager, "new_cases")
    await run_job(scenario)
    assert (await download(scenario.manager, path)).status_code == 200
    statement = "UPDATE users SET roles = '{finance_officer}' WHERE id = $1"
    await superuser_connection.execute(statement, scenario.manager.id)
    assert (await download(scenario.manager, path)).status_code == 403


async def test_run_and_its_files_are_readable_by_the_requester_only(scenario: Scenario) -> None:
    path = await request_run(scenario.manager, "new_cases")
    await run_job(scenario)
    for client in (scenario.me_officer, scenario.supervisor_north):
        assert (await client.get(path)).status_code == 404
        assert (await download(client, path)).status_code == 404
        assert expect_json(await client.get(PATH))["items"] == []
    page = expect_json(await scenario.manager.get(f"{PATH}?status=finished&count=true"))
    assert (page["total"], f"{PATH}/{page['items'][0]['id']}") == (1, path)
    assert expect_json(await scenario.manager.get(f"{PATH}?status=failed"))["items"] == []


async def test_log_contains_each_report_and_each_download(
    scenario: Scenario, superuser_connection: Any
) -> None:
    path = await request_run(scenario.manager, "new_cases", "exits")
    await run_job(scenario)
    await download(scenario.manager, path)
    rows = await superuser_connection.fetch(
        """SELECT e.actor_id, n.record_kind, n.record_id, n.outcome FROM access_events e
             JOIN access_entries n ON n.event_id = e.id WHERE e.act = ANY ($1) ORDER BY e.id""",
        ["report.read", "report.run"],
    )
    assert {row["actor_id"] for row in rows} == {id_of("manager")}
    assert {row["outcome"] for row in rows} == {"allowed"}
    reports = [row["record_id"] for row in rows if row["record_kind"] == "report"]
    assert reports == [report_reader.get_report_id(name) for name in ("new_cases", "exits")]
    assert len(rows) == 4, "the request, two reports and the download"
    assert [str(row["record_id"]) for row in rows if row["record_kind"] == "report_run"] == [
        path.rpartition("/")[2]
    ]


async def test_run_of_a_supervisor_counts_the_supervised_teams_only(scenario: Scenario) -> None:
    for worker in ("worker_north", "worker_south", "worker_south"):
        await scenario.open_case(worker)
    path = await request_run(scenario.supervisor_north, "new_cases")
    await run_job(scenario)
    (page,) = parse_pdf((await download(scenario.supervisor_north, path)).content).pages
    assert "3" not in extract_page_text(page).partition("Figure")[2]


async def test_run_fails_with_a_reason_if_the_requester_lost_the_role(
    scenario: Scenario, superuser_connection: Any
) -> None:
    path = await request_run(scenario.manager, "new_cases")
    statement = "UPDATE users SET roles = $1 WHERE id = $2"
    await superuser_connection.execute(statement, ["finance_officer"], id_of("manager"))
    await run_job(scenario)
    await superuser_connection.execute(statement, ["programme_manager"], id_of("manager"))
    run = expect_json(await scenario.manager.get(path))
    assert (run["status"], run["failure"], run["done"]) == ("failed", "not_allowed", 0)
    assert run["finished_at"] is not None


async def test_run_fails_with_a_reason_if_a_report_is_too_slow(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await request_run(scenario.manager, "new_cases")
    monkeypatch.setattr(report_run_job, "REPORT_SECONDS", 0.2)
    async with superuser_connection.transaction():
        await superuser_connection.execute("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE")
        await run_job(scenario)
    assert expect_json(await scenario.manager.get(path))["failure"] == "too_slow"


async def test_slow_report_of_a_run_is_named_and_the_other_reports_are_computed(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: the exception of the first report ends the run.
    path = await request_run(
        scenario.manager,
        reports=[{"name": "outreach_meetings"}, {"name": "exits"}],
    )
    monkeypatch.setattr(report_run_job, "REPORT_SECONDS", 0.2)
    async with superuser_connection.transaction():
        await superuser_connection.execute("LOCK TABLE outreach_activities IN ACCESS EXCLUSIVE MODE")
        await run_job(scenario)
    run = expect_json(await scenario.manager.get(path))
    assert (run["status"], run["failure"], run["done"]) == ("finished", None, 2)
    assert [report["failure"] for report in run["reports"]] == ["too_slow", None]
    first, second = parse_pdf((await download(scenario.manager, path)).content).pages
    assert "Meetings" in extract_page_text(first)
    assert "took longer than 30 seconds" in " ".join(extract_page_text(first).split())
    assert "Exits" in extract_page_text(second)
    workbook = open_workbook((await download(scenario.manager, path, "xlsx")).content)
    assert workbook.sheetnames == ["1 Figures", "2 Figures", "2 Definitions"]
    assert "30 seconds" in workbook["1 Figures"]["A3"].value


async def test_each_report_of_a_run_has_the_time_limit_of_a_job(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: `_compute_parts` does not renew the lease.
    path = await request_run(scenario.manager, *["exits"] * 6)

    async def compute_slowly(*arguments: Any) -> Any:
        await asyncio.sleep(0.5)
        return await compute_report(*arguments)

    monkeypatch.setattr(report_run_job, "compute_report", compute_slowly)
    assert await JobRunner(scenario.database, [REPORT_RUN], lease_seconds=3.0).run_next_job()
    assert expect_json(await scenario.manager.get(path))["status"] == "finished"


async def test_repeated_job_stores_the_files_once(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await request_run(scenario.manager, "new_cases")
    with monkeypatch.context() as broken:
        broken.setattr(report_run_job, "_render_files", None)
        await run_job(scenario)
    run = expect_json(await scenario.manager.get(path))
    assert (run["status"], run["done"]) == ("running", 0)
    await superuser_connection.execute("UPDATE jobs SET run_after = now() - interval '1 minute'")
    await run_job(scenario)
    assert expect_json(await scenario.manager.get(path))["status"] == "finished"
    await superuser_connection.execute(
        "UPDATE jobs SET finished_at = NULL, run_after = now() - interval '1 minute'"
    )
    await run_job(scenario)
    assert await superuser_connection.fetchval("SELECT count(*) FROM report_run_contents") == 1


async def test_run_fails_after_the_last_attempt_of_its_job(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await request_run(scenario.manager, "new_cases")
    monkeypatch.setattr(report_run_job, "_render_files", None)
    await superuser_connection.execute("UPDATE jobs SET attempts = 14")
    await run_job(scenario)
    run = expect_json(await scenario.manager.get(path))
    assert (run["status"], run["failure"]) == ("failed", "technical")


async def test_files_are_deleted_after_24_hours(scenario: Scenario, superuser_connection: Any) -> None:
    path = await request_run(scenario.manager, "new_cases")
    await run_job(scenario)
    cleanup = text("SELECT access.delete_expired_rows()")
    for age, is_available in ((timedelta(hours=23), True), (timedelta(hours=25), False)):
        await superuser_connection.execute("UPDATE report_runs SET finished_at = $1", utc_now() - age)
        response = await download(scenario.manager, path)
        assert response.status_code == (200 if is_available else 404), age
        async with scenario.database.session_factory.begin() as session:
            await session.execute(cleanup)
        count = await superuser_connection.fetchval("SELECT count(*) FROM report_run_contents")
        assert count == is_available, age
    assert expect_json(await scenario.manager.get(path))["status"] == "finished"


async def test_run_with_a_forbidden_report_or_an_unsupported_parameter_is_rejected(
    scenario: Scenario,
) -> None:
    post = scenario.manager.post
    refused = await scenario.finance.post(PATH, build_payload("new_cases"))
    assert refused.status_code == 403
    wrong = {"reports": [{"name": "fund_use"}, {"name": "exits", "by": ["fund"]}]}
    assert parse_faults(await post(PATH, build_payload(**wrong))) == {("/reports/1/by", "literal_error")}
    unknown = build_payload("exits", grant_code="EF-1")
    assert parse_faults(await post(PATH, unknown)) == {("/grant_code", "reference_unknown")}
    outreach = build_payload("outreach_meetings", grant_code="EF-1")
    outreach["reports"][0]["by"] = []
    assert parse_faults(await post(PATH, outreach)) == {("/reports/0/name", "field_unfit")}
    reversed_period = build_payload("exits", first_day="2026-02-01", last_day="2026-01-31")
    assert parse_faults(await post(PATH, reversed_period)) == {("/last_day", "period_reversed")}
    many = build_payload(*["exits"] * 41)
    assert parse_faults(await post(PATH, many)) == {("/reports", "too_long")}


async def test_statement_without_the_key_ring_opens_no_access_for_a_run(
    scenario: Scenario, api_connection: Any
) -> None:
    path = await request_run(scenario.manager, "new_cases")
    statement = "SELECT event_id FROM access.open_report_run($1, 'forged', 'report.read', $2)"
    run_id = path.rpartition("/")[2]
    assert await api_connection.fetchval(statement, run_id, uuid4().hex) is None
