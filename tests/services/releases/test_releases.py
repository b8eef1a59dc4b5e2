"""Releases over HTTP: preparation, publication by another person, the audit, editions, formats and scopes."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import count, product
from typing import Any, cast

import asyncpg
import pytest

from app.access.vault import get_vault
from app.kit.dates import today
from app.models import Case, Child
from app.schemas.codes import get_codes
from app.services.releases import preparation
from app.services.releases.menu_reports import MENU, TABLES
from app.services.releases.periods import ReleasePeriod
from app.services.releases.random_rounding import build_cell_label, round_randomly
from tests.support.raw_sql import open_access, set_access
from tests.support.releases import QUARTER, TABLE_NAMES, get_counts, prepare, publish, run_audit
from tests.support.responses import expect_json, parse_faults, parse_unmet_conditions
from tests.support.row_factories import insert_row
from tests.support.scenario import AuthenticatedClient, Scenario, id_of
from tests.support.spreadsheets import read_sheets

SEXES = ("male", "female", "other", "unknown")
CASES_PER_SEX = 4


@pytest.fixture(autouse=True)
async def cases(scenario: Scenario, superuser_connection: Any) -> None:  # noqa: ARG001 - inserts the team
    """Four cases of each sex, opened in the quarter."""
    for number, (sex, _) in enumerate(product(SEXES, range(CASES_PER_SEX))):
        child = Child(sex=sex)
        child.identity = cast("Any", {"gender_identity": "questioning" if sex == "other" else None})
        await insert_row(superuser_connection, child)
        await insert_row(
            superuser_connection,
            Case(
                number=f"R-{number}", child_id=child.id, kind="survivor", status="active", team_id=id_of("north"),
                lead_worker_id=id_of("worker_north"), opened_on=date(2025, 5, 1), next_review_on=date(2025, 8, 1),
            ),
        )  # fmt: skip


def find_revealing_key() -> bytes:
    """Return a key with which every sex is rounded down and the total is rounded up, so that all counts become known."""
    labels = [build_cell_label("new_cases", QUARTER, {"sex": sex}) for sex in SEXES]
    total = build_cell_label("new_cases", QUARTER, {})
    for number in count():
        key = number.to_bytes(32, "big")
        if round_randomly(CASES_PER_SEX * len(SEXES), total, key) == 20 and not any(
            round_randomly(CASES_PER_SEX, label, key) for label in labels
        ):
            return key
    raise AssertionError


async def test_release_becomes_readable_for_scripts_when_another_person_publishes_it(
    scenario: Scenario,
) -> None:
    draft = await prepare(scenario)
    path = f"/v1/releases/{draft['id']}"
    assert (draft["status"], draft["edition"], draft["reports"]) == ("draft", 1, 1)
    assert (await scenario.reporting.get(path)).status_code == 404
    assert (await scenario.supervisor_north.get(path)).status_code == 404
    approved = expect_json(await scenario.manager.act(path, "publish"), 202)
    assert (approved["status"], approved["audited_reports"]) == ("auditing", 0)
    assert approved["approved_by"]["id"] == str(id_of("manager"))
    assert (await scenario.reporting.get(path)).status_code == 404
    await run_audit(scenario)
    response = await scenario.reporting.get(path)
    release = expect_json(response)
    assert (release["status"], release["audited_reports"]) == ("published", 1)
    assert release["prepared_by"] is None
    assert "0 means 0 to 4" in release["note"]["en"]
    (total,) = get_counts(release, "new_cases").values()
    assert total in {15, 20}  # of 16 cases
    counts = get_counts(release, "new_cases_by_sex")
    assert counts.keys() == {(sex,) for sex in SEXES}
    assert all(abs(number - CASES_PER_SEX) < 5 and number % 5 == 0 for number in counts.values())
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["record"]) == ("release.read", {"kind": "release", "id": draft["id"]})


async def test_person_who_prepared_a_release_cannot_publish_it(
    scenario: Scenario, superuser_connection: Any
) -> None:
    draft = await prepare(scenario)
    path = f"/v1/releases/{draft['id']}"
    assert (await scenario.me_officer.post(f"{path}/publish", etag='"1"')).status_code == 403
    await superuser_connection.execute(
        "UPDATE users SET roles = '{me_officer,programme_manager}' WHERE id = $1", id_of("me_officer")
    )
    response = await scenario.me_officer.act(path, "publish")
    assert parse_unmet_conditions(response) == {(None, "own_work")}
    with pytest.raises(asyncpg.CheckViolationError, match="approved_by_another_person"):
        await superuser_connection.execute(
            "UPDATE releases SET status = 'auditing', approved_by_id = prepared_by_id, approved_at = now()"
        )


async def test_audit_rejects_a_release_that_reveals_counts_and_lists_the_tables_to_drop(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = get_vault()
    revealing = replace(vault, key_ring=replace(vault.key_ring, release_draw=find_revealing_key()))
    monkeypatch.setattr(preparation, "get_vault", lambda: revealing)
    refused = await publish(scenario)
    assert get_counts(refused, "new_cases_by_sex") == dict.fromkeys([(sex,) for sex in SEXES], 0)
    assert get_counts(refused, "new_cases") == {(): 20}
    assert (refused["status"], refused["published_at"]) == ("refused", None)
    assert refused["tables_to_drop"] == ["new_cases_by_sex"]
    assert (await scenario.reporting.get(f"/v1/releases/{refused['id']}")).status_code == 404
    remaining = [name for name in TABLE_NAMES if name not in refused["tables_to_drop"]]
    assert (await publish(scenario, tables=remaining))["status"] == "published"


async def test_draft_can_be_discarded_and_other_statuses_are_final(scenario: Scenario) -> None:
    draft = await prepare(scenario)
    path = f"/v1/releases/{draft['id']}"
    again = await scenario.me_officer.post("/v1/releases", {"period": QUARTER, "tables": ["new_cases"]})
    assert parse_unmet_conditions(again) == {("/period", "draft_exists")}
    assert expect_json(await scenario.me_officer.act(path, "discard"))["status"] == "discarded"
    assert parse_unmet_conditions(await scenario.manager.act(path, "publish")) == {("/status", "status")}
    published = await publish(scenario)
    response = await scenario.me_officer.act(f"/v1/releases/{published['id']}", "discard")
    assert parse_unmet_conditions(response) == {("/status", "status")}


async def test_audit_of_a_discarded_release_publishes_nothing(scenario: Scenario) -> None:
    path = f"/v1/releases/{(await prepare(scenario))['id']}"
    assert (await scenario.manager.act(path, "publish")).status_code == 202
    other = await prepare(scenario, period="2025-Q1")
    response = await scenario.manager.act(f"/v1/releases/{other['id']}", "publish")
    assert parse_unmet_conditions(response) == {(None, "audit_running")}
    assert (await scenario.me_officer.act(path, "discard")).status_code == 200
    await run_audit(scenario)
    assert expect_json(await scenario.manager.get(path))["status"] == "discarded"


async def test_next_edition_can_be_prepared_after_a_year_and_repeats_unchanged_counts(
    scenario: Scenario, superuser_connection: Any
) -> None:
    first = await publish(scenario)
    response = await scenario.me_officer.post("/v1/releases", {"period": QUARTER})
    assert parse_unmet_conditions(response) == {("/period", "edition_too_early")}
    earliest = today() + timedelta(days=364)
    assert response.json()["unmet"][0]["params"]["earliest"] >= str(earliest)
    await superuser_connection.execute("SET session_replication_role = replica")
    await superuser_connection.execute("UPDATE releases SET published_at = now() - interval '367 days'")
    await superuser_connection.execute("SET session_replication_role = origin")
    second = await publish(scenario)
    assert (second["edition"], second["status"]) == (2, "published")
    assert get_counts(second, "new_cases_by_sex") == get_counts(first, "new_cases_by_sex")
    assert second["tables"][0]["sha256"] != first["tables"][0]["sha256"]
    items = expect_json(await scenario.reporting.get(f"/v1/releases?period={QUARTER}"))["items"]
    assert [item["edition"] for item in items].count(1) == len(items) - 1 == 1


@asynccontextmanager
async def api_transaction(connection: Any) -> AsyncIterator[None]:
    """Run the block with the role of the API and an access of the monitoring officer, and roll it back."""
    access = await open_access(connection, "me_officer")
    transaction = connection.transaction()
    await transaction.start()
    await set_access(connection, access)
    await connection.execute("SET LOCAL ROLE firststep_api")
    yield
    await transaction.rollback()


async def test_published_rows_cannot_be_changed_over_sql(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await publish(scenario)
    for statement in (
        "UPDATE releases SET edition = 7",
        "DELETE FROM releases",
        "UPDATE released_tables SET content = '{}'",
        "DELETE FROM released_tables",
        "DELETE FROM release_populations",
    ):
        with pytest.raises(asyncpg.PostgresError, match=r"final|append-only"):
            await superuser_connection.execute(statement)
    for table in ("released_tables", "release_populations"):
        columns = await superuser_connection.fetchval(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_name = $1 AND column_name <> 'id'",
            table,
        )
        insert = (
            f"INSERT INTO {table} (id, {columns}) SELECT gen_random_uuid(), {columns} FROM {table} LIMIT 1"  # noqa: S608
        )
        async with api_transaction(superuser_connection):
            with pytest.raises(asyncpg.CheckViolationError, match="added to a draft only"):
                await superuser_connection.execute(insert)


@pytest.mark.parametrize(
    ("payload", "pointer", "code"),
    [
        ({"period": "2025-Q5"}, "/period", "string_pattern_mismatch"),
        ({"period": "2025-06"}, "/period", "string_pattern_mismatch"),
        ({"period": "2098-Q1"}, "/period", "period_not_closed"),
        ({"period": QUARTER, "tables": ["cases"]}, "/tables/0", "literal_error"),
        ({"period": QUARTER, "tables": []}, "/tables", "too_short"),
        ({"period": "2024", "tables": ["new_cases", "open_cases"]}, "/tables/1", "literal_error"),
        ({"period": QUARTER, "edition": 2}, "/edition", "extra_forbidden"),
    ],
)
async def test_invalid_release_is_rejected_with_the_place_and_the_allowed_values(
    scenario: Scenario, payload: dict[str, Any], pointer: str, code: str
) -> None:
    response = await scenario.me_officer.post("/v1/releases", payload)
    assert parse_faults(response) == {(pointer, code)}
    allowed = response.json()["errors"][0].get("params", {}).get("allowed", [])
    if code == "period_not_closed":
        assert all(ReleasePeriod.parse(name).is_closed() for name in allowed)
    if code == "literal_error":
        assert "new_cases_by_sex" in allowed
        assert ("open_cases" in allowed) == (payload["period"] == QUARTER)


async def test_formats_contain_the_same_cells_and_are_revalidated(scenario: Scenario) -> None:
    release = await publish(scenario)
    path = f"/v1/releases/{release['id']}"
    expected = [
        (table["name"], *cell["values"], cell["count"])
        for table in release["tables"]
        for cell in table["cells"]
    ]
    text = await scenario.reporting.get(f"{path}?format=csv")
    rows = list(csv.DictReader(io.StringIO(text.text)))
    cells = [(row["table"], *filter(None, (row["code_1"], row["code_2"])), int(row["count"])) for row in rows]
    assert cells == expected
    assert "0 means 0 to 4" in rows[0]["note"]
    spreadsheet = await scenario.reporting.get(f"{path}?format=xlsx&language=km")
    figures, notes = read_sheets(spreadsheet.content)
    values = figures[1:]
    assert [(row[0], *filter(None, (row[3], row[6])), row[8]) for row in values] == expected
    assert release["note"]["km"] in {cell for row in notes for cell in row}
    again = await scenario.reporting.get(f"{path}?format=xlsx&language=km")
    assert again.content == spreadsheet.content
    etags = {response.headers["etag"] for response in (text, spreadsheet)} | {f'"{release["version"]}"'}
    assert len(etags) == 3
    for query, etag in (("", f'"{release["version"]}"'), ("?format=csv", text.headers["etag"])):
        response = await scenario.reporting.get(path + query, headers={"if-none-match": f'"x", {etag}'})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
        (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
        assert entry["record"] == {"kind": "release", "id": release["id"]}
        assert (
            await scenario.reporting.get(path + query, headers={"if-none-match": '"x"'})
        ).status_code == 200


async def list_periods(client: AuthenticatedClient, query: str = "") -> list[str]:
    return [item["period"] for item in expect_json(await client.get(f"/v1/releases{query}"))["items"]]


async def test_list_is_filtered_sorted_paged_and_hides_drafts_from_scripts(scenario: Scenario) -> None:
    for period in (QUARTER, "2024-Q4", "2025-Q1"):
        await publish(scenario, period=period)
    await prepare(scenario, period="2024", tables=["exits"])
    published = ["2025-Q2", "2025-Q1", "2024-Q4"]
    assert await list_periods(scenario.reporting) == published
    assert await list_periods(scenario.finance, "?sort=last_day") == published[::-1]
    assert await list_periods(scenario.reporting, "?status=draft") == []
    assert sorted(await list_periods(scenario.me_officer)) == sorted(["2024", *published])
    assert await list_periods(scenario.me_officer, "?report=exits") == ["2024"]
    assert await list_periods(scenario.reporting, "?report=exits") == []
    assert await list_periods(scenario.reporting, "?period=2025-Q1,2024-Q4") == published[1:]
    page = await scenario.reporting.get("/v1/releases?limit=2")
    assert (
        await list_periods(scenario.reporting, f"?limit=2&cursor={page.json()['next_cursor']}")
        == published[2:]
    )
    assert len(await scenario.list_access_entries(page.headers["x-request-id"])) == 2


async def test_partners_cannot_read_releases_and_scripts_cannot_prepare_them(scenario: Scenario) -> None:
    assert (await scenario.partner_one.get("/v1/releases")).status_code == 403
    assert (await scenario.worker_north.get("/v1/releases")).status_code == 403
    assert (await scenario.http.get("/v1/releases")).status_code == 401
    payload = {"period": QUARTER}
    for client in (scenario.reporting, scenario.manager, scenario.dpo):
        assert (await client.post("/v1/releases", payload)).status_code == 403


def list_names(periods: str) -> list[str]:
    return [
        table.name
        for report in MENU.values()
        if report.periods in {"any", periods}
        for table in report.list_tables()
    ]


async def test_every_table_of_the_menu_can_be_prepared_and_its_true_counts_are_encrypted(
    scenario: Scenario, superuser_connection: Any
) -> None:
    release = await prepare(scenario, tables=None)
    assert list(TABLES) == list(get_codes("release_table"))
    assert release["table_names"] == list_names("quarters")
    assert {dimension.name for report in MENU.values() for dimension in report.dimensions} == set(
        get_codes("release_dimension")
    )
    rows = await superuser_connection.fetch("SELECT * FROM release_populations")
    audited = {name for name, report in MENU.items() if not report.is_exact}
    assert {row["report"] for row in rows} == {name for name in audited if MENU[name].periods != "years"}
    assert all(b"survivor" not in row["counts_encrypted"] for row in rows)
    year = await prepare(scenario, period="2025" if today().year > 2025 else "2024", tables=None)
    assert year["table_names"] == list_names("years")
