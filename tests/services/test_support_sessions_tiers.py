"""Who reads what of a session: the session itself, its clinical note, addenda of either tier, the lines about them."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.services.test_circle import ok
from tests.services.test_referral_life import faults, unmet
from tests.services.test_support_sessions import GLASS, HELD, VISIT, case_of, contact_of, here, lines, patched
from tests.world import Caller, World, id_of

NOTE = "Sand tray: buried the small figure three times."
ASIDE = "In supervision: watch for dissociation."
EVERYBODY = (
    "worker_north", "worker_north_2", "worker_south", "supervisor_north", "supervisor_south", "supervisor_both",
    "manager", "finance", "me_officer", "dpo", "admin", "partner_one", "reporting",
)  # fmt: skip
SEE_THE_SESSION = {"worker_north", "worker_north_2", "supervisor_north", "supervisor_both", "manager"}
READ_THE_NOTE = {"worker_north", "supervisor_north", "supervisor_both"}
CASEWORK = {name for name in EVERYBODY if name.startswith(("worker", "supervisor"))}


async def put(caller: Caller, contact: dict[str, Any], text: str = NOTE, **options: Any) -> httpx.Response:
    return await caller.request("PUT", f"{here(contact)}/clinical-note", json={"text": text}, **options)


@pytest.fixture
async def path(world: World) -> str:
    return await case_of(world, "worker_north_2")


@pytest.fixture
async def noted(world: World, path: str) -> dict[str, Any]:
    """A session of the lead's with a note, and an addendum of each tier."""
    held = await contact_of(world.worker_north, path, **HELD)
    ok(await put(world.worker_north, held))
    for told in ({"text": ASIDE, "tier": "clinical"}, {"text": "Back in school."}):
        ok(await world.worker_north.post(f"{here(held)}/addenda", told), 201)
    return held


async def shows(world: World, name: str, path: str, noted: dict[str, Any]) -> str:
    """Everything that somebody can be told of the session."""
    caller = world.as_(name)
    paths = [
        here(noted), f"{here(noted)}/clinical-note", f"{here(noted)}/addenda", f"{path}/support-sessions",
        f"{path}/timeline", f"{path}/timeline?kind=clinical_note_written",
    ]  # fmt: skip
    return "".join([(await caller.get(one)).text for one in paths])


async def test_each_role_reads_its_tiers_and_no_trace_of_the_others(
    world: World, path: str, noted: dict[str, Any]
) -> None:
    for name in EVERYBODY:
        caller = world.as_(name)
        sees, reads = name in SEE_THE_SESSION, name in READ_THE_NOTE
        roles_include = name in CASEWORK | {"manager"}
        statuses = {(await caller.get(one)).status_code for one in (
            here(noted), f"{here(noted)}/addenda", f"{path}/support-sessions")}  # fmt: skip
        assert statuses == {200 if sees else 404 if roles_include else 403}, name
        note = await caller.get(f"{here(noted)}/clinical-note")
        assert note.status_code == (200 if reads else 404 if name in CASEWORK else 403), name
        text = await shows(world, name, path, noted)
        for word in (NOTE, ASIDE, "clinical_note_written", '"has_clinical_note":true', '"tier":"clinical"'):
            assert (word in text) is reads, (name, word)
        if sees:
            assert len(await lines(caller, path, "addendum_added")) == (2 if reads else 1), name
            [listed] = ok(await caller.get(f"{path}/support-sessions"))["items"]
            assert listed == ok(await caller.get(here(noted)))


async def test_broken_glass_opens_no_clinical_tier(world: World, path: str, noted: dict[str, Any]) -> None:
    for name in ("worker_south", "supervisor_south"):
        ok(await world.as_(name).post(f"{path}/break-glass", GLASS))
        text = await shows(world, name, path, noted)
        assert HELD["summary"] in text
        assert (await world.as_(name).get(f"{here(noted)}/clinical-note")).status_code == 404
        for word in (NOTE, ASIDE, "clinical_note_written", '"has_clinical_note":true', '"tier":"clinical"'):
            assert word not in text, (name, word)


async def test_an_author_who_lost_the_case_reads_nothing_and_the_new_supervisor_reads_all(
    world: World, path: str, noted: dict[str, Any]
) -> None:
    move = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "She moved."}  # fmt: skip
    ok(await world.manager.act(path, "transfer", move))
    paths = (
        here(noted),
        f"{here(noted)}/clinical-note",
        f"{here(noted)}/addenda",
        f"{path}/support-sessions",
    )
    for name in ("worker_north", "worker_north_2", "supervisor_north"):
        assert {(await world.as_(name).get(one)).status_code for one in paths} == {404}, name
        assert (await world.as_(name).patch(here(noted), {"summary": "x"}, etag='"1"')).status_code == 404
        assert (await put(world.as_(name), noted, etag='"1"')).status_code == 404
        assert (await world.as_(name).post(f"{here(noted)}/addenda", {"text": "x"})).status_code == 404
    assert NOTE in await shows(world, "supervisor_south", path, noted)
    new_lead = await shows(world, "worker_south", path, noted)
    assert HELD["summary"] in new_lead
    assert NOTE not in new_lead
    assert (await put(world.worker_south, noted)).status_code == 409


async def test_the_wall_hides_sessions_and_notes(world: World, path: str, noted: dict[str, Any]) -> None:
    other = await world.case("worker_south")
    linking = {"linked_case_id": other["id"], "reason": "Brothers."}
    ok(await world.supervisor_both.post(f"{path}/links", linking), 201)
    theirs = f"/v1/cases/{other['id']}"
    ours = await contact_of(world.worker_south, theirs, **HELD)
    for name, one in (("worker_north", ours), ("worker_south", noted)):
        for tail in ("", "/clinical-note", "/addenda"):
            assert (await world.as_(name).get(f"{here(one)}{tail}")).status_code == 404, (name, tail)
    assert (await world.worker_south.get(f"{path}/support-sessions")).status_code == 404
    assert NOTE in await shows(world, "supervisor_both", path, noted)


async def test_who_held_the_session_writes_the_note_and_nobody_else(world: World, path: str) -> None:
    lead, beside = world.worker_north, world.worker_north_2
    held = await contact_of(beside, path, **HELD, worker_id=str(lead.id))
    visit = await contact_of(lead, path, **VISIT)
    before = [await put(world.as_(name), held) for name in ("worker_north_2", "supervisor_north")]
    made = await put(lead, held)
    note = ok(made)
    assert (made.headers["etag"], note["text"], note["author_id"]) == ('"1"', NOTE, str(lead.id))
    after = [await put(world.as_(name), held) for name in ("worker_north_2", "supervisor_north")]
    # nobody learns from a refusal whether there is a note
    for one, two in zip(before, after, strict=True):
        assert unmet(one) == unmet(two) == {"not_yours": None}
        assert one.json()["detail"] == two.json()["detail"]
    assert unmet(await put(lead, visit)) == {"status": "/status"}
    for name in ("manager", "finance", "dpo", "admin", "partner_one", "reporting"):
        assert (await put(world.as_(name), held)).status_code == 403, name
    assert faults(await put(lead, held, "\u200b", etag='"1"')) == {("/text", "blank")}
    [line] = await lines(lead, path, "clinical_note_written")
    assert (line["record_kind"], line["record_id"], line["detail"]) == ("clinical_note", note["id"], {})
    [line] = await lines(world.supervisor_north, path, "clinical_note_written")
    assert await lines(beside, path, "clinical_note_written") == []


async def test_a_note_is_put_without_a_version_once_and_changed_for_a_day(
    world: World, path: str, superuser: Any
) -> None:
    lead = world.worker_north
    held = await contact_of(lead, path, **HELD)
    assert (await put(lead, held, etag='"1"')).status_code == 412
    assert (await lead.get(f"{here(held)}/clinical-note")).status_code == 404
    tried = await asyncio.gather(put(lead, held, "one"), put(lead, held, "two"))
    assert [answer.status_code for answer in tried].count(200) == 1
    assert {answer.status_code for answer in tried} <= {200, 409, 428}
    assert (await put(lead, held)).status_code == 428
    assert (await put(lead, held, etag='"7"')).status_code == 412
    changed = ok(await put(lead, held, etag='"1"'))
    assert (changed["version"], changed["text"]) == (2, NOTE)
    assert ok(await lead.get(f"{here(held)}/clinical-note")) == changed
    back = "UPDATE clinical_notes SET created_at = created_at - interval '24 hours 1 second'"
    await superuser.execute(back)
    assert unmet(await put(lead, held, "x", etag='"2"')) == {"frozen": "/text"}
    told = {"text": ASIDE, "tier": "clinical"}
    added = ok(await lead.post(f"{here(held)}/addenda", told), 201)
    assert ok(await lead.get(f"{here(held)}/addenda"))["items"] == [added]
    assert await superuser.fetchval("SELECT count(*) FROM clinical_notes") == 1


async def test_a_clinical_addendum_is_read_by_who_wrote_it_and_by_the_supervisor(
    world: World, path: str
) -> None:
    held = await contact_of(world.worker_north, path, **HELD)
    told = {"text": ASIDE, "tier": "clinical"}
    added = ok(await world.worker_north_2.post(f"{here(held)}/addenda", told), 201)
    for name, expected in (
        ("worker_north_2", [added]), ("supervisor_north", [added]), ("worker_north", []), ("manager", []),
    ):  # fmt: skip
        assert ok(await world.as_(name).get(f"{here(held)}/addenda"))["items"] == expected, name
        assert len(await lines(world.as_(name), path, "addendum_added")) == len(expected), name


async def test_reading_a_note_is_logged_as_that(world: World, noted: dict[str, Any]) -> None:
    answer = await world.supervisor_north.get(f"{here(noted)}/clinical-note")
    [entry] = await world.log(answer.headers["x-request-id"])
    assert (entry["act"], entry["child_id"]) == ("clinical_note.read", noted["child_id"])
    assert entry["record"] == {"kind": "clinical_note", "id": ok(answer)["id"]}
    nowhere = await world.worker_north.get(f"/v1/support-sessions/{uuid.uuid4()}/clinical-note")
    assert nowhere.status_code == 404


async def test_sealed_words_are_in_no_column(world: World, noted: dict[str, Any], superuser: Any) -> None:
    ok(await patched(world.worker_north, here(noted), summary="Something else."))
    for table in ("support_sessions", "clinical_notes", "session_addenda", "case_history"):
        rows = await superuser.fetch(f"SELECT t::text AS row FROM {table} t")  # noqa: S608 - our own words
        assert rows, table
        for word in (NOTE, ASIDE, "Something else.", HELD["place"], "Back in school."):
            assert not [row for row in rows if word in row["row"]], (table, word)
    await superuser.execute(
        "UPDATE support_sessions SET recorded_at = recorded_at - $1::interval", timedelta(days=2)
    )
    assert unmet(await patched(world.worker_north, here(noted), summary="x")) == {"frozen": "/status"}
