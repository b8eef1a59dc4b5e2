"""Read access to support sessions by tier: sessions, clinical notes, addenda, and their timeline entries."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.case_lifecycle import create_case_path, list_timeline_lines
from tests.support.payloads import BREAK_GLASS_PAYLOAD, HELD_SESSION_PAYLOAD, PLANNED_VISIT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers, patch_latest_fields
from tests.support.scenario import AuthenticatedClient, Scenario, id_of
from tests.support.support_sessions import create_support_session, support_session_path

NOTE_TEXT = "Sand tray: buried the small figure three times."
CLINICAL_ADDENDUM_TEXT = "In supervision: watch for dissociation."
ALL_CALLERS = (
    "worker_north", "worker_north_2", "worker_south", "supervisor_north", "supervisor_south", "supervisor_both",
    "manager", "finance", "me_officer", "dpo", "admin", "partner_one", "reporting",
)  # fmt: skip
SESSION_READERS = {"worker_north", "worker_north_2", "supervisor_north", "supervisor_both", "manager"}
NOTE_READERS = {"worker_north", "supervisor_north", "supervisor_both"}
CASE_WORKER_CALLERS = {name for name in ALL_CALLERS if name.startswith(("worker", "supervisor"))}


async def put_clinical_note(
    caller: AuthenticatedClient, support_session: dict[str, Any], text: str = NOTE_TEXT, **options: Any
) -> httpx.Response:
    return await caller.request(
        "PUT", f"{support_session_path(support_session)}/clinical-note", json={"text": text}, **options
    )


@pytest.fixture
async def case_path(scenario: Scenario) -> str:
    return await create_case_path(scenario, "worker_north_2")


@pytest.fixture
async def session_with_notes(scenario: Scenario, case_path: str) -> dict[str, Any]:
    """A session of the lead worker with a clinical note and one addendum of each tier."""
    held_session = await create_support_session(scenario.worker_north, case_path, **HELD_SESSION_PAYLOAD)
    expect_json(await put_clinical_note(scenario.worker_north, held_session))
    for payload in ({"text": CLINICAL_ADDENDUM_TEXT, "tier": "clinical"}, {"text": "Back in school."}):
        expect_json(
            await scenario.worker_north.post(f"{support_session_path(held_session)}/addenda", payload), 201
        )
    return held_session


async def fetch_visible_text(
    scenario: Scenario, name: str, case_path: str, session_with_notes: dict[str, Any]
) -> str:
    """Return the text of all responses about the session that a caller can get."""
    caller = scenario.client_for(name)
    session_path = support_session_path(session_with_notes)
    paths = [
        session_path,
        f"{session_path}/clinical-note",
        f"{session_path}/addenda",
        f"{case_path}/support-sessions",
        f"{case_path}/timeline",
        f"{case_path}/timeline?kind=clinical_note_written",
    ]
    return "".join([(await caller.get(path)).text for path in paths])


async def test_each_role_reads_only_its_tiers_of_a_session(
    scenario: Scenario, case_path: str, session_with_notes: dict[str, Any]
) -> None:
    for name in ALL_CALLERS:
        caller = scenario.client_for(name)
        can_see_session, can_read_note = name in SESSION_READERS, name in NOTE_READERS
        has_permission = name in CASE_WORKER_CALLERS | {"manager"}
        statuses = {(await caller.get(path)).status_code for path in (
            support_session_path(session_with_notes), f"{support_session_path(session_with_notes)}/addenda", f"{case_path}/support-sessions")}  # fmt: skip
        assert statuses == {200 if can_see_session else 404 if has_permission else 403}, name
        note = await caller.get(f"{support_session_path(session_with_notes)}/clinical-note")
        assert note.status_code == (200 if can_read_note else 404 if name in CASE_WORKER_CALLERS else 403), (
            name
        )
        visible_text = await fetch_visible_text(scenario, name, case_path, session_with_notes)
        for text in (
            NOTE_TEXT,
            CLINICAL_ADDENDUM_TEXT,
            "clinical_note_written",
            '"has_clinical_note":true',
            '"tier":"clinical"',
        ):
            assert (text in visible_text) is can_read_note, (name, text)
        if can_see_session:
            assert len(await list_timeline_lines(caller, case_path, "addendum_added")) == (
                2 if can_read_note else 1
            ), name
            [listed_session] = expect_json(await caller.get(f"{case_path}/support-sessions"))["items"]
            assert listed_session == expect_json(await caller.get(support_session_path(session_with_notes)))


async def test_break_glass_does_not_include_the_clinical_tier(
    scenario: Scenario, case_path: str, session_with_notes: dict[str, Any]
) -> None:
    for name in ("worker_south", "supervisor_south"):
        expect_json(await scenario.client_for(name).post(f"{case_path}/break-glass", BREAK_GLASS_PAYLOAD))
        visible_text = await fetch_visible_text(scenario, name, case_path, session_with_notes)
        assert HELD_SESSION_PAYLOAD["summary"] in visible_text
        assert (
            await scenario.client_for(name).get(f"{support_session_path(session_with_notes)}/clinical-note")
        ).status_code == 404
        for text in (
            NOTE_TEXT,
            CLINICAL_ADDENDUM_TEXT,
            "clinical_note_written",
            '"has_clinical_note":true',
            '"tier":"clinical"',
        ):
            assert text not in visible_text, (name, text)


async def test_transfer_moves_read_access_from_the_author_to_the_new_supervisor(
    scenario: Scenario, case_path: str, session_with_notes: dict[str, Any]
) -> None:
    transfer_payload = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "She moved."}  # fmt: skip
    expect_json(await scenario.manager.act(case_path, "transfer", transfer_payload))
    paths = (
        support_session_path(session_with_notes),
        f"{support_session_path(session_with_notes)}/clinical-note",
        f"{support_session_path(session_with_notes)}/addenda",
        f"{case_path}/support-sessions",
    )
    for name in ("worker_north", "worker_north_2", "supervisor_north"):
        assert {(await scenario.client_for(name).get(path)).status_code for path in paths} == {404}, name
        assert (
            await scenario.client_for(name).patch(
                support_session_path(session_with_notes), {"summary": "x"}, etag='"1"'
            )
        ).status_code == 404
        assert (
            await put_clinical_note(scenario.client_for(name), session_with_notes, etag='"1"')
        ).status_code == 404
        assert (
            await scenario.client_for(name).post(
                f"{support_session_path(session_with_notes)}/addenda", {"text": "x"}
            )
        ).status_code == 404
    assert NOTE_TEXT in await fetch_visible_text(scenario, "supervisor_south", case_path, session_with_notes)
    text_for_new_lead = await fetch_visible_text(scenario, "worker_south", case_path, session_with_notes)
    assert HELD_SESSION_PAYLOAD["summary"] in text_for_new_lead
    assert NOTE_TEXT not in text_for_new_lead
    assert (await put_clinical_note(scenario.worker_south, session_with_notes)).status_code == 409


async def test_conflict_wall_hides_sessions_and_notes(
    scenario: Scenario, case_path: str, session_with_notes: dict[str, Any]
) -> None:
    other_case = await scenario.open_case("worker_south")
    link_payload = {"linked_case_id": other_case["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"{case_path}/links", link_payload), 201)
    other_case_path = f"/v1/cases/{other_case['id']}"
    other_session = await create_support_session(
        scenario.worker_south, other_case_path, **HELD_SESSION_PAYLOAD
    )
    for name, support_session in (("worker_north", other_session), ("worker_south", session_with_notes)):
        for suffix in ("", "/clinical-note", "/addenda"):
            assert (
                await scenario.client_for(name).get(f"{support_session_path(support_session)}{suffix}")
            ).status_code == 404, (name, suffix)
    assert (await scenario.worker_south.get(f"{case_path}/support-sessions")).status_code == 404
    assert NOTE_TEXT in await fetch_visible_text(scenario, "supervisor_both", case_path, session_with_notes)


async def test_clinical_note_is_writable_by_the_session_worker_only(
    scenario: Scenario, case_path: str
) -> None:
    lead, co_worker = scenario.worker_north, scenario.worker_north_2
    held_session = await create_support_session(
        co_worker, case_path, **HELD_SESSION_PAYLOAD, worker_id=str(lead.id)
    )
    planned_session = await create_support_session(lead, case_path, **PLANNED_VISIT_PAYLOAD)
    responses_before = [
        await put_clinical_note(scenario.client_for(name), held_session)
        for name in ("worker_north_2", "supervisor_north")
    ]
    response = await put_clinical_note(lead, held_session)
    note = expect_json(response)
    assert (response.headers["etag"], note["text"], note["author_id"]) == ('"1"', NOTE_TEXT, str(lead.id))
    responses_after = [
        await put_clinical_note(scenario.client_for(name), held_session)
        for name in ("worker_north_2", "supervisor_north")
    ]
    # The refusal does not reveal whether a note exists.
    for response_before, response_after in zip(responses_before, responses_after, strict=True):
        assert (
            parse_unmet_pointers(response_before)
            == parse_unmet_pointers(response_after)
            == {"not_yours": None}
        )
        assert response_before.json()["detail"] == response_after.json()["detail"]
    assert parse_unmet_pointers(await put_clinical_note(lead, planned_session)) == {"status": "/status"}
    for name in ("manager", "finance", "dpo", "admin", "partner_one", "reporting"):
        assert (await put_clinical_note(scenario.client_for(name), held_session)).status_code == 403, name
    assert parse_faults(await put_clinical_note(lead, held_session, "\u200b", etag='"1"')) == {
        ("/text", "blank")
    }
    [entry] = await list_timeline_lines(lead, case_path, "clinical_note_written")
    assert (entry["record_kind"], entry["record_id"], entry["detail"]) == ("clinical_note", note["id"], {})
    [entry] = await list_timeline_lines(scenario.supervisor_north, case_path, "clinical_note_written")
    assert await list_timeline_lines(co_worker, case_path, "clinical_note_written") == []


async def test_clinical_note_is_created_once_and_replaceable_for_24_hours(
    scenario: Scenario, case_path: str, superuser_connection: Any
) -> None:
    lead = scenario.worker_north
    held_session = await create_support_session(lead, case_path, **HELD_SESSION_PAYLOAD)
    assert (await put_clinical_note(lead, held_session, etag='"1"')).status_code == 412
    assert (await lead.get(f"{support_session_path(held_session)}/clinical-note")).status_code == 404
    responses = await asyncio.gather(
        put_clinical_note(lead, held_session, "one"), put_clinical_note(lead, held_session, "two")
    )
    assert [response.status_code for response in responses].count(200) == 1
    assert {response.status_code for response in responses} <= {200, 409, 428}
    assert (await put_clinical_note(lead, held_session)).status_code == 428
    assert (await put_clinical_note(lead, held_session, etag='"7"')).status_code == 412
    changed_note = expect_json(await put_clinical_note(lead, held_session, etag='"1"'))
    assert (changed_note["version"], changed_note["text"]) == (2, NOTE_TEXT)
    assert changed_note["author"] == {"id": str(lead.id), "name": "Worker North"}
    assert expect_json(await lead.get(f"{support_session_path(held_session)}/clinical-note")) == changed_note
    backdate_sql = "UPDATE clinical_notes SET created_at = created_at - interval '24 hours 1 second'"
    await superuser_connection.execute(backdate_sql)
    assert parse_unmet_pointers(await put_clinical_note(lead, held_session, "x", etag='"2"')) == {
        "frozen": "/text"
    }
    payload = {"text": CLINICAL_ADDENDUM_TEXT, "tier": "clinical"}
    addendum = expect_json(await lead.post(f"{support_session_path(held_session)}/addenda", payload), 201)
    assert expect_json(await lead.get(f"{support_session_path(held_session)}/addenda"))["items"] == [addendum]
    assert addendum["author"] == {"id": str(lead.id), "name": "Worker North"}
    assert await superuser_connection.fetchval("SELECT count(*) FROM clinical_notes") == 1


async def test_clinical_addendum_is_readable_by_author_and_supervisor_only(
    scenario: Scenario, case_path: str
) -> None:
    held_session = await create_support_session(scenario.worker_north, case_path, **HELD_SESSION_PAYLOAD)
    payload = {"text": CLINICAL_ADDENDUM_TEXT, "tier": "clinical"}
    addendum = expect_json(
        await scenario.worker_north_2.post(f"{support_session_path(held_session)}/addenda", payload), 201
    )
    for name, expected_addenda in (
        ("worker_north_2", [addendum]), ("supervisor_north", [addendum]), ("worker_north", []), ("manager", []),
    ):  # fmt: skip
        assert (
            expect_json(await scenario.client_for(name).get(f"{support_session_path(held_session)}/addenda"))[
                "items"
            ]
            == expected_addenda
        ), name
        assert len(await list_timeline_lines(scenario.client_for(name), case_path, "addendum_added")) == len(
            expected_addenda
        ), name


async def test_reading_a_clinical_note_is_recorded_in_the_access_log(
    scenario: Scenario, session_with_notes: dict[str, Any]
) -> None:
    response = await scenario.supervisor_north.get(
        f"{support_session_path(session_with_notes)}/clinical-note"
    )
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["child_id"]) == ("clinical_note.read", session_with_notes["child_id"])
    assert entry["record"] == {"kind": "clinical_note", "id": expect_json(response)["id"]}
    missing_response = await scenario.worker_north.get(f"/v1/support-sessions/{uuid.uuid4()}/clinical-note")
    assert missing_response.status_code == 404


async def test_texts_are_stored_in_encrypted_form_only(
    scenario: Scenario, session_with_notes: dict[str, Any], superuser_connection: Any
) -> None:
    expect_json(
        await patch_latest_fields(
            scenario.worker_north, support_session_path(session_with_notes), summary="Something else."
        )
    )
    for table in ("support_sessions", "clinical_notes", "session_addenda", "case_history"):
        rows = await superuser_connection.fetch(f"SELECT t::text AS row FROM {table} t")  # noqa: S608 - a fixed list of tables
        assert rows, table
        for text in (
            NOTE_TEXT,
            CLINICAL_ADDENDUM_TEXT,
            "Something else.",
            HELD_SESSION_PAYLOAD["place"],
            "Back in school.",
        ):
            assert not [row for row in rows if text in row["row"]], (table, text)
    await superuser_connection.execute(
        "UPDATE support_sessions SET recorded_at = recorded_at - $1::interval", timedelta(days=2)
    )
    assert parse_unmet_pointers(
        await patch_latest_fields(
            scenario.worker_north, support_session_path(session_with_notes), summary="x"
        )
    ) == {"frozen": "/status"}
