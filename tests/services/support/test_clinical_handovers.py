"""A supervisor hands the earlier clinical notes of a case over to its new lead worker."""

from typing import Any

import asyncpg
import pytest

from tests.support.case_lifecycle import create_case_path
from tests.support.list_pages import fetch_items
from tests.support.payloads import HELD_SESSION_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of

REASON = {"reason": "He continues the therapy."}
HANDOVERS = "/v1/audit/clinical-handovers"


async def write_note(scenario: Scenario, case_path: str, worker: str = "worker_north") -> str:
    """Record a session with a clinical note, and return the path of the note."""
    client = scenario.client_for(worker)
    held = expect_json(await client.post(f"{case_path}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    path = f"/v1/support-sessions/{held['id']}/clinical-note"
    expect_json(await client.put(path, {"text": "Drew a locked door."}))
    addendum = {"text": "And a key.", "tier": "clinical"}
    expect_json(await client.post(f"/v1/support-sessions/{held['id']}/addenda", addendum), 201)
    return path


async def assign(scenario: Scenario, case_path: str, lead: str, *co_workers: str) -> None:
    payload = {
        "lead_worker_id": str(id_of(lead)),
        "co_worker_ids": [str(id_of(name)) for name in co_workers],
    }
    expect_json(await scenario.supervisor_north.act(case_path, "assign", payload))


async def test_new_lead_worker_reads_the_earlier_notes_after_the_handover(scenario: Scenario) -> None:
    # Catches: the condition on the time missing from the policy; the policy missing from session_addenda.
    case_path = await create_case_path(scenario)
    note = await write_note(scenario, case_path)
    await assign(scenario, case_path, "worker_north_2", "worker_north")
    new_lead = scenario.client_for("worker_north_2")
    addenda = note.replace("clinical-note", "addenda")
    assert (await new_lead.get(note)).status_code == 404
    assert expect_json(await new_lead.get(addenda))["items"] == []
    response = await scenario.supervisor_north.act(case_path, "clinical-handover", REASON)
    handover = expect_json(response, 201)
    assert (handover["worker"]["name"], handover["reason"], handover["ended_at"]) == (
        "Worker North 2",
        REASON["reason"],
        None,
    )
    assert expect_json(await new_lead.get(note))["text"] == "Drew a locked door."
    assert [item["text"] for item in expect_json(await new_lead.get(addenda))["items"]] == ["And a key."]
    session = expect_json(await new_lead.get(note.removesuffix("/clinical-note")))
    assert session["has_clinical_note"] is True
    later = await write_note(scenario, case_path)
    assert (await new_lead.get(later)).status_code == 404
    etag = (await new_lead.get(note)).headers["etag"]
    assert (await new_lead.put(note, {"text": "Changed."}, etag=etag)).status_code in {404, 409}
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {(entry["act"], entry["record"]["kind"]) for entry in entries} == {
        ("clinical_note.hand_over", "clinical_handover")
    }
    timeline = expect_json(await new_lead.get(f"{case_path}/timeline"))["items"]
    assert "clinical_notes_handed_over" in {entry["kind"] for entry in timeline}


async def test_handover_ends_when_another_person_leads_the_case(scenario: Scenario) -> None:
    # Catches: the trigger `end_clinical_handovers` missing from cases.
    case_path = await create_case_path(scenario)
    note = await write_note(scenario, case_path)
    await assign(scenario, case_path, "worker_north_2")
    new_lead = scenario.client_for("worker_north_2")
    expect_json(await scenario.supervisor_north.act(case_path, "clinical-handover", REASON), 201)
    assert (await new_lead.get(note)).status_code == 200
    for lead, co_workers in (("worker_north", ("worker_north_2",)), ("worker_north_2", ())):
        await assign(scenario, case_path, lead, *co_workers)
        assert (await new_lead.get(note)).status_code == 404
    [handover] = expect_json(await scenario.dpo.get(HANDOVERS))["items"]
    assert handover["ended_at"] is not None


async def test_only_a_supervisor_of_the_team_hands_notes_over(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    path, etag = f"{case_path}/clinical-handover", '"1"'
    for name, status in (("worker_north", 403), ("manager", 403), ("dpo", 403), ("supervisor_south", 404)):
        assert (await scenario.client_for(name).post(path, REASON, etag=etag)).status_code == status, name
    assert (await scenario.supervisor_north.post(path, REASON)).status_code == 428
    assert (await scenario.supervisor_north.post(path, REASON, etag='"9"')).status_code == 412
    assert (await scenario.supervisor_north.act(case_path, "clinical-handover", {})).status_code == 422
    expect_json(
        await scenario.client_for("supervisor_south").post(
            f"{case_path}/break-glass", {"reason": "The child called."}
        )
    )
    refused = await scenario.client_for("supervisor_south").act(case_path, "clinical-handover", REASON)
    assert parse_unmet_pointers(refused) == {"not_your_team": None}


async def test_list_of_handovers_is_for_the_data_protection_officer_and_staff(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    await create_case_path(scenario)
    handover = expect_json(await scenario.supervisor_north.act(case_path, "clinical-handover", REASON), 201)
    for name in ("dpo", "supervisor_north", "worker_north", "manager"):
        items = await fetch_items(scenario.client_for(name), HANDOVERS, worker_id=handover["worker_id"])
        assert [item["id"] for item in items] == [handover["id"]], name
    assert await fetch_items(scenario.worker_south, HANDOVERS) == []
    assert await fetch_items(scenario.dpo, HANDOVERS, case_id=str(id_of("another case"))) == []
    assert (await scenario.client_for("finance").get(HANDOVERS)).status_code == 403


async def test_hand_written_sql_cannot_hand_notes_over(scenario: Scenario, api_connection: Any) -> None:
    case_path = await create_case_path(scenario)
    case = expect_json(await scenario.worker_north.get(case_path))
    insert = """INSERT INTO clinical_handovers
        (id, created_at, version, child_id, case_id, worker_id, handed_over_by_id, reason_encrypted)
        VALUES (gen_random_uuid(), now(), 1, $1, $2, $3, $4, '')"""
    for caller, worker in (("worker_north", "worker_north"), ("supervisor_north", "worker_north_2")):
        values = (case["child_id"], case["id"], id_of(worker), id_of(caller))
        async with open_transaction_as(api_connection, caller):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await api_connection.execute(insert, *values)
