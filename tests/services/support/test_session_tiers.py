"""Who reads what of a session: the session itself, its clinical note, addenda of either tier, the lines about them."""

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

NOTE = "Sand tray: buried the small figure three times."
ASIDE = "In supervision: watch for dissociation."
EVERYBODY = (
    "worker_north", "worker_north_2", "worker_south", "supervisor_north", "supervisor_south", "supervisor_both",
    "manager", "finance", "me_officer", "dpo", "admin", "partner_one", "reporting",
)  # fmt: skip
SEE_THE_SESSION = {"worker_north", "worker_north_2", "supervisor_north", "supervisor_both", "manager"}
READ_THE_NOTE = {"worker_north", "supervisor_north", "supervisor_both"}
CASEWORK = {name for name in EVERYBODY if name.startswith(("worker", "supervisor"))}


async def put(
    caller: AuthenticatedClient, contact: dict[str, Any], text: str = NOTE, **options: Any
) -> httpx.Response:
    return await caller.request(
        "PUT", f"{support_session_path(contact)}/clinical-note", json={"text": text}, **options
    )


@pytest.fixture
async def path(scenario: Scenario) -> str:
    return await create_case_path(scenario, "worker_north_2")


@pytest.fixture
async def noted(scenario: Scenario, path: str) -> dict[str, Any]:
    """A session of the lead's with a note, and an addendum of each tier."""
    held = await create_support_session(scenario.worker_north, path, **HELD_SESSION_PAYLOAD)
    expect_json(await put(scenario.worker_north, held))
    for told in ({"text": ASIDE, "tier": "clinical"}, {"text": "Back in school."}):
        expect_json(await scenario.worker_north.post(f"{support_session_path(held)}/addenda", told), 201)
    return held


async def shows(scenario: Scenario, name: str, path: str, noted: dict[str, Any]) -> str:
    """Everything that somebody can be told of the session."""
    caller = scenario.client_for(name)
    paths = [
        support_session_path(noted), f"{support_session_path(noted)}/clinical-note", f"{support_session_path(noted)}/addenda", f"{path}/support-sessions",
        f"{path}/timeline", f"{path}/timeline?kind=clinical_note_written",
    ]  # fmt: skip
    return "".join([(await caller.get(one)).text for one in paths])


async def test_each_role_reads_its_tiers_and_no_trace_of_the_others(
    scenario: Scenario, path: str, noted: dict[str, Any]
) -> None:
    for name in EVERYBODY:
        caller = scenario.client_for(name)
        sees, reads = name in SEE_THE_SESSION, name in READ_THE_NOTE
        roles_include = name in CASEWORK | {"manager"}
        statuses = {(await caller.get(one)).status_code for one in (
            support_session_path(noted), f"{support_session_path(noted)}/addenda", f"{path}/support-sessions")}  # fmt: skip
        assert statuses == {200 if sees else 404 if roles_include else 403}, name
        note = await caller.get(f"{support_session_path(noted)}/clinical-note")
        assert note.status_code == (200 if reads else 404 if name in CASEWORK else 403), name
        text = await shows(scenario, name, path, noted)
        for word in (NOTE, ASIDE, "clinical_note_written", '"has_clinical_note":true', '"tier":"clinical"'):
            assert (word in text) is reads, (name, word)
        if sees:
            assert len(await list_timeline_lines(caller, path, "addendum_added")) == (2 if reads else 1), name
            [listed] = expect_json(await caller.get(f"{path}/support-sessions"))["items"]
            assert listed == expect_json(await caller.get(support_session_path(noted)))


async def test_broken_glass_opens_no_clinical_tier(
    scenario: Scenario, path: str, noted: dict[str, Any]
) -> None:
    for name in ("worker_south", "supervisor_south"):
        expect_json(await scenario.client_for(name).post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD))
        text = await shows(scenario, name, path, noted)
        assert HELD_SESSION_PAYLOAD["summary"] in text
        assert (
            await scenario.client_for(name).get(f"{support_session_path(noted)}/clinical-note")
        ).status_code == 404
        for word in (NOTE, ASIDE, "clinical_note_written", '"has_clinical_note":true', '"tier":"clinical"'):
            assert word not in text, (name, word)


async def test_an_author_who_lost_the_case_reads_nothing_and_the_new_supervisor_reads_all(
    scenario: Scenario, path: str, noted: dict[str, Any]
) -> None:
    move = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "She moved."}  # fmt: skip
    expect_json(await scenario.manager.act(path, "transfer", move))
    paths = (
        support_session_path(noted),
        f"{support_session_path(noted)}/clinical-note",
        f"{support_session_path(noted)}/addenda",
        f"{path}/support-sessions",
    )
    for name in ("worker_north", "worker_north_2", "supervisor_north"):
        assert {(await scenario.client_for(name).get(one)).status_code for one in paths} == {404}, name
        assert (
            await scenario.client_for(name).patch(support_session_path(noted), {"summary": "x"}, etag='"1"')
        ).status_code == 404
        assert (await put(scenario.client_for(name), noted, etag='"1"')).status_code == 404
        assert (
            await scenario.client_for(name).post(f"{support_session_path(noted)}/addenda", {"text": "x"})
        ).status_code == 404
    assert NOTE in await shows(scenario, "supervisor_south", path, noted)
    new_lead = await shows(scenario, "worker_south", path, noted)
    assert HELD_SESSION_PAYLOAD["summary"] in new_lead
    assert NOTE not in new_lead
    assert (await put(scenario.worker_south, noted)).status_code == 409


async def test_the_wall_hides_sessions_and_notes(
    scenario: Scenario, path: str, noted: dict[str, Any]
) -> None:
    other = await scenario.open_case("worker_south")
    linking = {"linked_case_id": other["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"{path}/links", linking), 201)
    theirs = f"/v1/cases/{other['id']}"
    ours = await create_support_session(scenario.worker_south, theirs, **HELD_SESSION_PAYLOAD)
    for name, one in (("worker_north", ours), ("worker_south", noted)):
        for tail in ("", "/clinical-note", "/addenda"):
            assert (
                await scenario.client_for(name).get(f"{support_session_path(one)}{tail}")
            ).status_code == 404, (name, tail)
    assert (await scenario.worker_south.get(f"{path}/support-sessions")).status_code == 404
    assert NOTE in await shows(scenario, "supervisor_both", path, noted)


async def test_who_held_the_session_writes_the_note_and_nobody_else(scenario: Scenario, path: str) -> None:
    lead, beside = scenario.worker_north, scenario.worker_north_2
    held = await create_support_session(beside, path, **HELD_SESSION_PAYLOAD, worker_id=str(lead.id))
    visit = await create_support_session(lead, path, **PLANNED_VISIT_PAYLOAD)
    before = [await put(scenario.client_for(name), held) for name in ("worker_north_2", "supervisor_north")]
    made = await put(lead, held)
    note = expect_json(made)
    assert (made.headers["etag"], note["text"], note["author_id"]) == ('"1"', NOTE, str(lead.id))
    after = [await put(scenario.client_for(name), held) for name in ("worker_north_2", "supervisor_north")]
    # nobody learns from a refusal whether there is a note
    for one, two in zip(before, after, strict=True):
        assert parse_unmet_pointers(one) == parse_unmet_pointers(two) == {"not_yours": None}
        assert one.json()["detail"] == two.json()["detail"]
    assert parse_unmet_pointers(await put(lead, visit)) == {"status": "/status"}
    for name in ("manager", "finance", "dpo", "admin", "partner_one", "reporting"):
        assert (await put(scenario.client_for(name), held)).status_code == 403, name
    assert parse_faults(await put(lead, held, "\u200b", etag='"1"')) == {("/text", "blank")}
    [line] = await list_timeline_lines(lead, path, "clinical_note_written")
    assert (line["record_kind"], line["record_id"], line["detail"]) == ("clinical_note", note["id"], {})
    [line] = await list_timeline_lines(scenario.supervisor_north, path, "clinical_note_written")
    assert await list_timeline_lines(beside, path, "clinical_note_written") == []


async def test_a_note_is_put_without_a_version_once_and_changed_for_a_day(
    scenario: Scenario, path: str, superuser_connection: Any
) -> None:
    lead = scenario.worker_north
    held = await create_support_session(lead, path, **HELD_SESSION_PAYLOAD)
    assert (await put(lead, held, etag='"1"')).status_code == 412
    assert (await lead.get(f"{support_session_path(held)}/clinical-note")).status_code == 404
    tried = await asyncio.gather(put(lead, held, "one"), put(lead, held, "two"))
    assert [answer.status_code for answer in tried].count(200) == 1
    assert {answer.status_code for answer in tried} <= {200, 409, 428}
    assert (await put(lead, held)).status_code == 428
    assert (await put(lead, held, etag='"7"')).status_code == 412
    changed = expect_json(await put(lead, held, etag='"1"'))
    assert (changed["version"], changed["text"]) == (2, NOTE)
    assert expect_json(await lead.get(f"{support_session_path(held)}/clinical-note")) == changed
    back = "UPDATE clinical_notes SET created_at = created_at - interval '24 hours 1 second'"
    await superuser_connection.execute(back)
    assert parse_unmet_pointers(await put(lead, held, "x", etag='"2"')) == {"frozen": "/text"}
    told = {"text": ASIDE, "tier": "clinical"}
    added = expect_json(await lead.post(f"{support_session_path(held)}/addenda", told), 201)
    assert expect_json(await lead.get(f"{support_session_path(held)}/addenda"))["items"] == [added]
    assert await superuser_connection.fetchval("SELECT count(*) FROM clinical_notes") == 1


async def test_a_clinical_addendum_is_read_by_who_wrote_it_and_by_the_supervisor(
    scenario: Scenario, path: str
) -> None:
    held = await create_support_session(scenario.worker_north, path, **HELD_SESSION_PAYLOAD)
    told = {"text": ASIDE, "tier": "clinical"}
    added = expect_json(
        await scenario.worker_north_2.post(f"{support_session_path(held)}/addenda", told), 201
    )
    for name, expected in (
        ("worker_north_2", [added]), ("supervisor_north", [added]), ("worker_north", []), ("manager", []),
    ):  # fmt: skip
        assert (
            expect_json(await scenario.client_for(name).get(f"{support_session_path(held)}/addenda"))["items"]
            == expected
        ), name
        assert len(await list_timeline_lines(scenario.client_for(name), path, "addendum_added")) == len(
            expected
        ), name


async def test_reading_a_note_is_logged_as_that(scenario: Scenario, noted: dict[str, Any]) -> None:
    answer = await scenario.supervisor_north.get(f"{support_session_path(noted)}/clinical-note")
    [entry] = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert (entry["act"], entry["child_id"]) == ("clinical_note.read", noted["child_id"])
    assert entry["record"] == {"kind": "clinical_note", "id": expect_json(answer)["id"]}
    nowhere = await scenario.worker_north.get(f"/v1/support-sessions/{uuid.uuid4()}/clinical-note")
    assert nowhere.status_code == 404


async def test_sealed_words_are_in_no_column(
    scenario: Scenario, noted: dict[str, Any], superuser_connection: Any
) -> None:
    expect_json(
        await patch_latest_fields(
            scenario.worker_north, support_session_path(noted), summary="Something else."
        )
    )
    for table in ("support_sessions", "clinical_notes", "session_addenda", "case_history"):
        rows = await superuser_connection.fetch(f"SELECT t::text AS row FROM {table} t")  # noqa: S608 - our own words
        assert rows, table
        for word in (NOTE, ASIDE, "Something else.", HELD_SESSION_PAYLOAD["place"], "Back in school."):
            assert not [row for row in rows if word in row["row"]], (table, word)
    await superuser_connection.execute(
        "UPDATE support_sessions SET recorded_at = recorded_at - $1::interval", timedelta(days=2)
    )
    assert parse_unmet_pointers(
        await patch_latest_fields(scenario.worker_north, support_session_path(noted), summary="x")
    ) == {"frozen": "/status"}
