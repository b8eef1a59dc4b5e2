"""The history of a child: values before and after each change, visible to callers who can see the changed record."""

from typing import Any

import asyncpg
import pytest

from tests.support.list_pages import fetch_items
from tests.support.payloads import AUNT_PAYLOAD, reopening_consent_payload
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, patch_latest_fields
from tests.support.scenario import Scenario, id_of

SCHOOL = {"status": "attending", "grade": "4", "name": "Bakong"}


async def change_everything(scenario: Scenario) -> dict[str, Any]:
    """Open a case, and change the child, the case and a person."""
    case = await scenario.open_case()
    worker, child_path = scenario.worker_north, f"/v1/children/{case['child_id']}"
    person = expect_json(await worker.post(f"/v1/cases/{case['id']}/people", AUNT_PAYLOAD), 201)
    for path, changes in (
        (child_path, {"living_arrangement": "both_parents"}),
        (child_path, {"living_arrangement": "relatives", "school": SCHOOL}),
        (f"/v1/cases/{case['id']}", {"summary": "Moved to her aunt."}),
        (f"/v1/people/{person['id']}", {"relationship": "grandmother"}),
        (child_path, {"disability": {"has_difficulty": True, "difficulties": {"seeing": "some"}}}),
        (child_path, {"nickname": None}),
    ):
        expect_json(await patch_latest_fields(worker, path, **changes))
    return {**case, "person_id": person["id"]}


async def test_history_lists_values_before_and_after_newest_first(scenario: Scenario) -> None:
    # Catches: `record_field_changes` missing from `update_person`; before and after exchanged.
    case = await change_everything(scenario)
    path = f"/v1/children/{case['child_id']}/history"
    entries = await fetch_items(scenario.worker_north, path)
    kinds = [entry["record_kind"] for entry in entries]
    assert kinds[-5:] == ["child", "person", "case", "child", "child"]
    disability, person, summary, moved, first = entries[-5:]
    assert [change["field"] for change in moved["changes"]] == ["living_arrangement", "school"]
    assert moved["changes"][0] == {
        "field": "living_arrangement",
        "before": "both_parents",
        "after": "relatives",
    }
    assert moved["changes"][1]["before"] != moved["changes"][1]["after"]
    assert moved["changes"][1]["after"] == SCHOOL
    assert first["changes"] == [{"field": "living_arrangement", "before": None, "after": "both_parents"}]
    assert person["changes"] == [{"field": "relationship", "before": "aunt", "after": "grandmother"}]
    assert (person["record_id"], person["case_id"]) == (case["person_id"], case["id"])
    assert person["link"] == f"/v1/people/{case['person_id']}"
    assert summary["changes"][0]["after"] == "Moved to her aunt."
    assert disability["changes"][0]["field"] == "disability"
    assert disability["by"] == {"id": str(id_of("worker_north")), "name": "Worker North"}
    assert await fetch_items(scenario.worker_north, path, limit=2) == entries


@pytest.mark.parametrize(
    ("filters", "fields"),
    [
        ({"record_kind": "person"}, [["relationship"]]),
        ({"record_kind": "case,person"}, [["relationship"], ["summary"]]),
        ({"field": "school"}, [["living_arrangement", "school"]]),
        (
            {"field": "disability,living_arrangement"},
            [["disability"], ["living_arrangement", "school"], ["living_arrangement"]],
        ),
        ({"from": "2199-01-01T00:00:00Z"}, []),
    ],
)
async def test_history_is_filtered(
    scenario: Scenario, filters: dict[str, str], fields: list[list[str]]
) -> None:
    case = await change_everything(scenario)
    entries = await fetch_items(scenario.worker_north, f"/v1/children/{case['child_id']}/history", **filters)
    assert [[change["field"] for change in entry["changes"]] for entry in entries] == fields


async def test_change_without_a_difference_adds_no_entry(scenario: Scenario) -> None:
    case = await scenario.open_case()
    child_path = f"/v1/children/{case['child_id']}"
    sex = expect_json(await scenario.worker_north.get(child_path))["sex"]
    expect_json(await patch_latest_fields(scenario.worker_north, child_path, sex=sex))
    assert expect_json(await scenario.worker_north.get(f"{child_path}/history"))["items"] == []


async def test_history_is_visible_like_the_record(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: `c.id = record_changes.case_id` missing from the policy visible_with_record.
    case = await change_everything(scenario)
    path = f"/v1/children/{case['child_id']}/history"
    assert (await scenario.worker_south.get(path)).status_code == 404
    for name in ("finance", "dpo", "admin"):
        assert (await scenario.client_for(name).get(path)).status_code == 403
    response = await scenario.supervisor_north.get(path)
    log = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in log} == {case["child_id"]}

    # A later case of the child in another team: its workers see the child, but not the changes of the earlier case.
    await superuser_connection.execute(
        "UPDATE cases SET status = 'closed', closed_on = current_date, next_review_on = NULL WHERE id = $1",
        case["id"],
    )
    later = {
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
        "reason": "Again.",
        "consent": reopening_consent_payload(),
    }
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "reopen", later), 201)
    kinds = [entry["record_kind"] for entry in await fetch_items(scenario.worker_south, path)]
    assert set(kinds) == {"child"}


INSERT_SQL = """
    INSERT INTO record_changes (id, child_id, case_id, at, by_id, record_kind, record_id, fields, changes_encrypted)
    VALUES (gen_random_uuid(), $1, NULL, now(), $2, 'child', $1, '{school}', 'x')
"""


async def test_history_cannot_be_forged_or_erased_by_sql(scenario: Scenario, api_connection: Any) -> None:
    case = await change_everything(scenario)
    for author, caller in (("worker_north_2", "worker_north"), ("worker_south", "worker_south")):
        async with open_transaction_as(api_connection, caller, "child.change"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await api_connection.execute(INSERT_SQL, case["child_id"], id_of(author))
    for statement in ("UPDATE record_changes SET fields = '{}'", "DELETE FROM record_changes"):
        async with open_transaction_as(api_connection, "worker_north", "child.change"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await api_connection.execute(statement)


async def test_values_are_encrypted(scenario: Scenario, superuser_connection: Any) -> None:
    await change_everything(scenario)
    rows = await superuser_connection.fetch("SELECT record_changes::text AS text FROM record_changes")
    assert len(rows) > 4
    for row in rows:
        assert "relatives" not in row["text"]
        assert b"Bakong".hex() not in row["text"]
