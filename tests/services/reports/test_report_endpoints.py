"""Endpoints of reports: catalogue, roles, bad input, the access log, and files."""

import csv
import io
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.access import report_reader
from app.access.report_reader import get_report_id
from app.database.urls import to_driver_url
from app.kit.dates import today
from app.schemas.codes import get_codes
from app.server.docs_reports import render_reports_page
from app.services.reports.catalogue import REPORTS
from app.services.reports.csv_file import defuse_formula
from app.services.reports.query import Period
from tests.support.raw_sql import open_access, set_access
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, id_of
from tests.support.spreadsheets import open_workbook

PERIOD = "from=2026-11-01&to=2026-11-30"
ROLE_BY_CLIENT = {
    "supervisor_north": "supervisor", "manager": "programme_manager", "finance": "finance_officer", "me_officer": "me_officer",
    "dpo": "data_protection_officer",
}  # fmt: skip


def report_path(name: str, **parameters: str) -> str:
    this_month = f"from={today().replace(day=1)}&to={today()}"
    return f"/v1/reports/{name}?{this_month}" + "".join(
        f"&{key}={value}" for key, value in parameters.items()
    )


async def get_report(client: AuthenticatedClient, name: str, **parameters: str) -> Any:
    return expect_json(await client.get(report_path(name, **parameters)))


def get_figures(result: Any, figure: str) -> dict[tuple[str, ...], Any]:
    return {
        tuple(value["code"] for value in row["group"]): row["figures"][figure]
        for row in result["current"]["rows"]
        if row["figures"][figure]
    }


async def test_catalogue_defines_every_report_in_both_languages(scenario: Scenario) -> None:
    items = expect_json(await scenario.me_officer.get("/v1/reports"))["items"]
    assert {item["name"] for item in items} == set(get_codes("report")) == REPORTS.keys()
    for item in items:
        texts = [item["title"], item["definition"], *(measure["title"] for measure in item["measures"])]
        assert all(text["en"] and re.search(r"[\u1780-\u17ff]", text["km"]) for text in texts), item["name"]
        names = [measure["name"] for measure in item["measures"]]
        assert len(names) == len(set(names))
        for measure in item["measures"]:
            assert (measure["kind"] == "percentage") == (
                {measure["numerator"], measure["denominator"]} <= set(names)
            )
            assert (measure["kind"] == "money") == (measure["currency"] is not None)
        assert (item["period"]["kind"] == "cohort") == (
            item["period"]["follow_up_days"] is not None or item["period"]["targets"] != []
        )
        assert item["formats"] == list(get_codes("report_format"))


def test_reports_page_is_current() -> None:
    assert Path("docs/reports.md").read_text() == render_reports_page(), "python -m app.cli report-docs"


@pytest.mark.parametrize("name", REPORTS)
async def test_report_is_readable_by_its_roles_only(scenario: Scenario, name: str) -> None:
    for client, role in ROLE_BY_CLIENT.items():
        response = await getattr(scenario, client).get(report_path(name))
        success = 409 if REPORTS[name].needs_run else 200
        assert response.status_code == (success if role in REPORTS[name].readers else 403), (
            client,
            response.text,
        )


@pytest.mark.parametrize(
    ("path", "pointer", "code"),
    [
        (f"nothing?{PERIOD}", "path:name", "literal_error"),
        (f"open_cases?{PERIOD}&by=religion", "query:by", "literal_error"),
        (f"referral_decisions?{PERIOD}&by=sex", "query:by", "literal_error"),
        (f"open_cases?{PERIOD}&by=sex,kind,team", "query:by", "too_long"),
        ("open_cases?to=2026-01-31", "query:from", "missing"),
        ("open_cases?from=2026-Q1&to=2026-03-31", "query:from", "date_parsing"),
        ("open_cases?from=2026-01-01&to=2026-02-30", "query:to", "date_from_datetime_parsing"),
        ("open_cases?from=2569-01-01&to=2569-03-31", "query:from", "date_buddhist_era"),
        ("open_cases?from=2026-02-01&to=2026-01-31", "query:to", "period_reversed"),
        ("open_cases?from=2012-02-29&to=2022-02-28", None, None),
        ("open_cases?from=2012-02-29&to=2022-03-01", "query:to", "period_too_long"),
        (f"open_cases?{PERIOD}&compare=next", "query:compare", "literal_error"),
        (f"open_cases?{PERIOD}&format=docx", "query:format", "literal_error"),
        (f"open_cases?{PERIOD}&period=month", "query:period", "parameter_unknown"),
    ],
)
async def test_bad_input_is_rejected_with_pointer_and_allowed_values(
    scenario: Scenario, path: str, pointer: str | None, code: str | None
) -> None:
    # Catches: `_validate_dimensions` not called.
    response = await scenario.manager.get(f"/v1/reports/{path}")
    if pointer is None:
        expect_json(response)
        return
    fault, *_ = expect_json(response, 422)["errors"]
    assert (fault["pointer"].split("/")[0], fault["code"]) == (pointer, code)
    if code == "literal_error":
        assert fault["params"]["allowed"] or fault["params"]["expected"]


async def test_read_logs_one_event_with_report_period_and_filters(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `record_report` not called.
    await scenario.open_case()
    response = await scenario.manager.get(
        report_path("new_cases", by="kind", format="csv", compare="previous")
    )
    assert response.status_code == 200
    (entry,) = await superuser_connection.fetch(
        "SELECT n.* FROM access_events e JOIN access_entries n ON n.event_id = e.id WHERE e.act = 'report.read'"
    )
    assert (entry["child_id"], entry["case_id"], entry["outcome"]) == (None, None, "allowed")
    assert (entry["record_kind"], entry["record_id"]) == ("report", get_report_id("new_cases"))
    path = f"/v1/audit/accesses?record_id={entry['record_id']}"
    (shown,) = expect_json(await scenario.dpo.get(path))["items"]
    assert {name: change["new"] for name, change in shown["changes"].items()} == {
        "report": "new_cases", "from": str(today().replace(day=1)), "to": str(today()), "by": ["kind"],
        "compare": "previous", "format": "csv", "bom": False,
    }  # fmt: skip


async def test_supervisor_counts_own_teams_and_others_count_all(scenario: Scenario) -> None:
    for worker in ("worker_north", "worker_south", "worker_south"):
        await scenario.open_case(worker)
    expected = {
        "supervisor_north": 1,
        "supervisor_south": 2,
        "supervisor_both": 3,
        "manager": 3,
        "me_officer": 3,
    }
    for client, count in expected.items():
        cases = await get_report(getattr(scenario, client), "open_cases", by="team")
        assert cases["current"]["total"]["cases"] == count, client
        referrals = await get_report(getattr(scenario, client), "referral_decisions")
        assert referrals["current"]["total"]["accepted"] == count, client
    north, south = str(id_of("north")), str(id_of("south"))
    assert get_figures(cases, "cases") == {(north,): 1, (south,): 2}


async def test_case_behind_a_conflict_wall_is_counted(scenario: Scenario) -> None:
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    link = {"linked_case_id": south["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", link), 201)
    assert (await get_report(scenario.supervisor_south, "open_cases"))["current"]["total"]["cases"] == 1
    assert (await get_report(scenario.manager, "open_cases"))["current"]["total"]["cases"] == 2


async def test_every_code_and_the_unknown_value_have_a_row(scenario: Scenario) -> None:
    await scenario.open_case()
    result = await get_report(scenario.manager, "open_cases", by="age_band,sex")
    groups = [tuple(value["code"] for value in row["group"]) for row in result["current"]["rows"]]
    assert groups == [(band, sex) for band in get_codes("age_band") for sex in get_codes("sex")]
    assert sum(row["figures"]["cases"] for row in result["current"]["rows"]) == 1
    (province,) = (await get_report(scenario.manager, "referral_decisions", by="kind"))["current"]["rows"][
        -1
    ]["group"]
    assert province == {"dimension": "kind", "code": "unknown", "label": "Unknown"}


async def test_labels_are_in_the_language_of_the_request(scenario: Scenario) -> None:
    path = report_path("open_cases", by="sex")
    result = expect_json(await scenario.manager.get(path, headers={"accept-language": "km"}))
    assert result["current"]["rows"][0]["group"][0]["label"] == "ប្រុស"


async def test_reports_role_reads_plain_columns_with_an_open_access_of_a_report_only(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    await scenario.open_case()
    columns = await superuser_connection.fetch(
        """SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
              AND has_column_privilege('firststep_reports', c.oid, a.attnum, 'SELECT')"""
    )
    assert columns
    assert not [row[0] for row in columns if re.search("encrypted|digest|email|password|name_key", row[0])]
    connection = await asyncpg.connect(to_driver_url(scenario.urls.reports))
    try:
        for act, count in (("case.list", 0), ("report.read", 1)):
            access = await open_access(api_connection, "manager", act)
            async with connection.transaction():
                assert await connection.fetchval("SELECT count(*) FROM cases") == 0, "no access is set"
                await set_access(connection, access)
                for table in ("cases", "children", "referrals"):
                    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - the tables above
                    assert await connection.fetchval(query) == count, (act, table)
    finally:
        await connection.close()


async def test_slow_report_is_rejected_with_a_time_to_retry(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.http.session.REPORT_SECONDS", 0.2)
    assert report_reader.REPORT_SECONDS == 30
    async with superuser_connection.transaction():
        await superuser_connection.execute("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE")
        response = await scenario.manager.get(report_path("open_cases"))
    problem = expect_json(response, 503)
    assert (response.headers["retry-after"], "30 seconds" in problem["detail"]) == ("60", True)


@pytest.mark.parametrize("start", [*"=+-@\t\r\n＝＋－＠"])
@pytest.mark.parametrize("space", ["", " ", "  ", "\u00a0", "\u3000"])
def test_formula_is_defused(start: str, space: str) -> None:
    # Catches: a character of the list of OWASP removed; a space before a formula.
    text = f"{space}{start}1+1"
    assert defuse_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "A=1", " Battambang", "1-2"])
def test_text_that_is_no_formula_stays_as_it_is(text: str) -> None:
    assert defuse_formula(text) == text


async def test_name_in_a_csv_file_is_not_a_formula(scenario: Scenario) -> None:
    # Catches: `render_csv` writes the labels as they are.
    await scenario.open_case()
    renamed = await scenario.admin.patch(f"/v1/teams/{id_of('north')}", {"name": "=1+1"}, etag='"1"')
    expect_json(renamed)
    response = await scenario.manager.get(report_path("open_cases", by="team", format="csv"))
    assert f"{id_of('north')},'=1+1,1," in response.text


async def test_csv_has_crlf_lines_a_heading_and_a_total(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await scenario.open_case()
    name = '=cmd|"/c calc"!A0, "north"'
    await superuser_connection.execute("UPDATE teams SET name = $1 WHERE id = $2", name, id_of("north"))
    response = await scenario.manager.get(
        report_path("new_cases", by="team", format="csv", compare="previous")
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"new_cases-{today().replace(day=1)}-{today()}.csv" in response.headers["content-disposition"]
    lines = response.content.split(b"\r\n")
    assert (lines[0], lines[-1]) == (
        b"team,team_label,cases,first,reopened,previous_cases,previous_first,previous_reopened",
        b"",
    )
    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert rows[1:] == [
        [str(id_of("north")), f"'{name}", "1", "1", "0", "0", "0", "0"],
        ["unknown", "Unknown", *"000000"],
        ["total", "Total", *"110000"],
    ]
    with_mark = await scenario.manager.get(report_path("new_cases", by="team", format="csv", bom="true"))
    assert with_mark.content.startswith(b"\xef\xbb\xbfteam,")


async def test_spreadsheet_has_typed_cells_a_definitions_sheet_and_a_chart(scenario: Scenario) -> None:
    await scenario.open_case()
    path = report_path("open_cases", by="sex", format="xlsx", language="km")
    response = await scenario.manager.get(path)
    assert response.status_code == 200, response.text
    workbook = open_workbook(response.content)
    assert workbook.sheetnames == ["តួលេខ", "និយមន័យ"]
    figures, definitions = workbook.worksheets
    (male,) = (row for row in figures.iter_rows() if row[0].value == "ប្រុស")
    assert [(cell.value, cell.data_type) for cell in male[:2]] == [("ប្រុស", "s"), (1, "n")]
    assert {cell.number_format for cell in male[1:]} == {"#,##0"}
    assert figures.freeze_panes == "B4"
    (chart,) = figures._charts
    assert [series.val.numRef.f for series in chart.series] == [f"'{figures.title}'!$B$4:$B$7"]
    labels = {row[0].value: row[1].value for row in definitions.iter_rows()}
    assert labels["និយមន័យ"] == REPORTS["open_cases"].definition.km
    assert labels["cases"] == REPORTS["open_cases"].measures[0].title.km


async def test_percentages_and_amounts_of_a_spreadsheet_are_numbers(scenario: Scenario) -> None:
    await scenario.open_case()
    formats = {"referral_decisions": "0.0", "fund_use": "#,##0.00"}
    for name, number_format in formats.items():
        response = await scenario.manager.get(report_path(name, format="xlsx"))
        total = list(open_workbook(response.content).worksheets[0].iter_rows())[-1]
        assert {cell.data_type for cell in total} <= {"n"}, name
        assert number_format in {cell.number_format for cell in total}, name


@pytest.mark.parametrize(
    ("days", "previous"),
    [
        (("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        (("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31")),
        (("2026-07-01", "2026-09-30"), ("2026-04-01", "2026-06-30")),
        (("2026-03-02", "2026-03-31"), ("2026-01-31", "2026-03-01")),
        (("2026-03-05", "2026-03-05"), ("2026-03-04", "2026-03-04")),
    ],
)
def test_previous_period_has_the_same_length(days: tuple[str, str], previous: tuple[str, str]) -> None:
    period = Period(*map(date.fromisoformat, days)).previous
    assert period == Period(*map(date.fromisoformat, previous))
    assert period.last_day + timedelta(days=1) == date.fromisoformat(days[0])
