"""Support sessions: planned, held, missed, cancelled; corrected for a day by who wrote them down, then only added to."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.case_lifecycle import create_case_path, list_timeline_lines
from tests.support.payloads import (
    BREAK_GLASS_PAYLOAD,
    HELD_SESSION_PAYLOAD,
    MISSED_SESSION_PAYLOAD,
    PLANNED_VISIT_PAYLOAD,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers, patch_latest_fields
from tests.support.scenario import Scenario, id_of
from tests.support.support_sessions import create_support_session, support_session_path


def moment(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat().replace("+00:00", "Z")


async def test_a_session_is_written_down_whole_and_read_back(scenario: Scenario) -> None:
    path, worker, chosen = await create_case_path(scenario), scenario.worker_north, str(uuid.uuid4())
    made = await worker.post(f"{path}/support-sessions", {**HELD_SESSION_PAYLOAD, "id": chosen})
    held = expect_json(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/support-sessions/{chosen}", '"1"')
    assert {name: held[name] for name in HELD_SESSION_PAYLOAD} == HELD_SESSION_PAYLOAD
    assert (held["status"], held["worker_id"], held["author_id"]) == ("held", str(worker.id), str(worker.id))
    until = datetime.fromisoformat(held["editable_until"]) - datetime.fromisoformat(held["recorded_at"])
    assert (until, held["has_clinical_note"]) == (timedelta(hours=24), False)
    assert expect_json(await worker.get(support_session_path(held))) == held

    plainly = await create_support_session(worker, path, kind="phone_call", held_at="2026-01-10T02:00:00Z")
    assert (plainly["status"], plainly["attendance"]) == ("held", "attended")
    visit = await create_support_session(worker, path, **PLANNED_VISIT_PAYLOAD)
    assert (visit["status"], visit["recorded_at"], visit["editable_until"]) == ("planned", None, None)
    missed = await create_support_session(worker, path, **PLANNED_VISIT_PAYLOAD, **MISSED_SESSION_PAYLOAD)
    assert (missed["status"], missed["missed_reason"]) == ("missed", MISSED_SESSION_PAYLOAD["missed_reason"])

    assert (
        await worker.post(f"{path}/support-sessions", {**HELD_SESSION_PAYLOAD, "id": chosen})
    ).status_code == 409
    [planned] = await list_timeline_lines(worker, path, "session_planned")
    happened, _ = await list_timeline_lines(worker, path, "session_held")
    [not_happened] = await list_timeline_lines(worker, path, "session_missed")
    about = [line["record_id"] for line in (planned, happened, not_happened)]
    assert about == [visit["id"], held["id"], missed["id"]]
    assert happened["detail"] == {
        "kind": "therapy", "attendance": "attended", "at": "2026-01-13T02:00:00Z"}  # fmt: skip
    words = (
        HELD_SESSION_PAYLOAD["summary"],
        HELD_SESSION_PAYLOAD["place"],
        MISSED_SESSION_PAYLOAD["missed_reason"],
        "ដូចក្រោយភ្លៀង",
    )
    told_of = (await worker.get(f"{path}/timeline")).text
    assert not [word for word in words if word in told_of]


async def test_what_no_session_is_is_refused_field_by_field(scenario: Scenario) -> None:
    path, worker = await create_case_path(scenario), scenario.worker_north
    base = {"kind": "therapy", "held_at": HELD_SESSION_PAYLOAD["held_at"], "attendance": "attended"}
    planned = {"kind": "home_visit", "planned_at": PLANNED_VISIT_PAYLOAD["planned_at"]}
    for told, fault in (
        ({"kind": "therapy"}, ("/planned_at", "undated")),
        (
            {**base, "held_at": None, "planned_at": PLANNED_VISIT_PAYLOAD["planned_at"]},
            ("/held_at", "held_form"),
        ),
        (
            {**base, **MISSED_SESSION_PAYLOAD, "planned_at": PLANNED_VISIT_PAYLOAD["planned_at"]},
            ("/held_at", "held_form"),
        ),
        ({**base, "missed_reason": "Rain."}, ("/missed_reason", "missed_form")),
        ({**planned, "missed_reason": "Rain."}, ("/missed_reason", "missed_form")),
        ({**planned, "attendance": "missed_by_child"}, ("/missed_reason", "missed_form")),
        ({"kind": "phone_call", **MISSED_SESSION_PAYLOAD}, ("/planned_at", "missed_form")),
        ({**planned, "form": "art"}, ("/form", "form_without_therapy")),
        ({**base, "held_at": moment(minutes=5)}, ("/held_at", "date_in_future")),
        (
            {**planned, **MISSED_SESSION_PAYLOAD, "planned_at": moment(hours=1)},
            ("/planned_at", "date_in_future"),
        ),
        ({**planned, "planned_at": moment(days=2000)}, ("/planned_at", "date_too_late")),
        ({**planned, "planned_at": "9999-12-31T23:59:59Z"}, ("/planned_at", "date_too_late")),
        ({**base, "held_at": "0001-01-01T00:00:00Z"}, ("/held_at", "date_too_early")),
        ({**base, "mood": {"value": 3}}, ("/mood", "mood_form")),
        ({**base, "mood": {"value": 6, "of": 5}}, ("/mood", "mood_form")),
        ({**base, "mood": {}}, ("/mood", "mood_form")),
        ({**base, "mood": {"value": "4", "of": 5}}, ("/mood/value", "int_type")),
        ({**base, "areas": ["happiness"]}, ("/areas/0", "literal_error")),
        ({**base, "participants": [" "]}, ("/participants/0", "blank")),
        ({**base, "participants": ["x"] * 31}, ("/participants", "too_long")),
        ({**base, "goal_ids": [str(uuid.uuid4())]}, ("/goal_ids/0", "goal_unknown")),
        ({**base, "status": "held"}, ("/status", "extra_forbidden")),
        ({**base, "kind": "massage"}, ("/kind", "literal_error")),
    ):
        assert parse_faults(await worker.post(f"{path}/support-sessions", told)) == {fault}, told
    assert expect_json(await worker.get(f"{path}/support-sessions"))["items"] == []


async def test_a_planned_session_is_anybodys_on_the_case_until_it_is_recorded(scenario: Scenario) -> None:
    path = await create_case_path(scenario, "worker_north_2")
    lead, beside = scenario.worker_north, scenario.worker_north_2
    visit = await create_support_session(lead, path, **PLANNED_VISIT_PAYLOAD)
    moved = expect_json(
        await patch_latest_fields(
            beside, support_session_path(visit), planned_at="2026-01-21T02:00:00Z", place="At school"
        )
    )
    assert (moved["planned_at"], moved["author_id"]) == ("2026-01-21T02:00:00Z", str(lead.id))
    expect_json(
        await patch_latest_fields(
            beside, support_session_path(visit), areas=["education", "education"], worker_id=str(beside.id)
        )
    )

    held = {"held_at": "2026-01-21T02:10:00Z", "attendance": "attended_part", "summary": "All at home."}
    stale = await beside.patch(support_session_path(visit), held, etag='"1"')
    assert (stale.status_code, (await beside.patch(support_session_path(visit), held)).status_code) == (
        412,
        428,
    )
    recorded = expect_json(await patch_latest_fields(beside, support_session_path(visit), **held))
    assert (recorded["status"], recorded["author_id"], recorded["areas"]) == (
        "held", str(beside.id), ["education"])  # fmt: skip
    # its author corrects it, and nobody else; who held it stays
    assert parse_unmet_pointers(
        await patch_latest_fields(lead, support_session_path(visit), summary="x")
    ) == {"not_yours": "/author_id"}
    assert parse_unmet_pointers(
        await patch_latest_fields(beside, support_session_path(visit), worker_id=str(lead.id))
    ) == {"frozen": "/worker_id"}
    again = {"held_at": None, "attendance": None}
    assert parse_unmet_pointers(await patch_latest_fields(beside, support_session_path(visit), **again)) == {
        "status": "/status"
    }
    expect_json(await patch_latest_fields(beside, support_session_path(visit), summary="All but the uncle."))
    missed = expect_json(
        await patch_latest_fields(beside, support_session_path(visit), held_at=None, **MISSED_SESSION_PAYLOAD)
    )
    assert (missed["status"], missed["recorded_at"]) == ("missed", recorded["recorded_at"])

    assert len(await list_timeline_lines(lead, path, "session_planned")) == 2, "planned, and moved"
    assert len(await list_timeline_lines(lead, path, "session_held")) == 1
    assert len(await list_timeline_lines(lead, path, "session_missed")) == 1


async def test_a_day_after_it_was_recorded_a_session_is_frozen_and_takes_addenda(
    scenario: Scenario, superuser_connection: Any
) -> None:
    path = await create_case_path(scenario, "worker_north_2")
    lead, beside = scenario.worker_north, scenario.worker_north_2
    held, visit = (
        await create_support_session(lead, path, **HELD_SESSION_PAYLOAD),
        await create_support_session(lead, path, **PLANNED_VISIT_PAYLOAD),
    )
    back = "UPDATE support_sessions SET recorded_at = recorded_at - $1::interval WHERE id = $2"
    await superuser_connection.execute(back, timedelta(hours=23, minutes=59), uuid.UUID(held["id"]))
    expect_json(await patch_latest_fields(lead, support_session_path(held), next_step=None))
    await superuser_connection.execute(back, timedelta(minutes=2), uuid.UUID(held["id"]))
    for caller in (lead, beside, scenario.supervisor_north):
        assert parse_unmet_pointers(
            await patch_latest_fields(caller, support_session_path(held), summary="x")
        ) == {"frozen": "/status"}

    told = {"text": "The teacher called: back in school since Monday.", "id": str(uuid.uuid4())}
    added = expect_json(await beside.post(f"{support_session_path(held)}/addenda", told), 201)
    assert (added["text"], added["tier"], added["author_id"]) == (told["text"], "case", str(beside.id))
    for caller in (lead, beside, scenario.supervisor_north, scenario.manager):
        assert expect_json(await caller.get(f"{support_session_path(held)}/addenda"))["items"] == [added]
    assert (await beside.post(f"{support_session_path(held)}/addenda", told)).status_code == 409
    assert parse_unmet_pointers(await lead.post(f"{support_session_path(visit)}/addenda", {"text": "x"})) == {
        "status": "/status"
    }
    for wrong, fault in (
        ({}, ("/text", "missing")),
        ({"text": " "}, ("/text", "blank")),
        ({"text": "x", "tier": "legal"}, ("/tier", "literal_error")),
    ):
        assert parse_faults(await lead.post(f"{support_session_path(held)}/addenda", wrong)) == {fault}
    [line] = await list_timeline_lines(lead, path, "addendum_added")
    assert (line["record_kind"], line["record_id"]) == ("session_addendum", added["id"])


async def test_a_planned_session_is_called_off_once_with_a_reason(scenario: Scenario) -> None:
    path, worker = await create_case_path(scenario), scenario.worker_north
    visit, held = (
        await create_support_session(worker, path, **PLANNED_VISIT_PAYLOAD),
        await create_support_session(worker, path, **HELD_SESSION_PAYLOAD),
    )
    assert parse_faults(await worker.act(support_session_path(visit), "cancel", {})) == {
        ("/reason", "missing")
    }
    assert (await worker.post(f"{support_session_path(visit)}/cancel", {"reason": "x"})).status_code == 428
    off = expect_json(await worker.act(support_session_path(visit), "cancel", {"reason": "Water Festival."}))
    assert (off["status"], off["cancel_reason"], off["recorded_at"]) == ("cancelled", "Water Festival.", None)
    for contact in (visit, held):
        assert parse_unmet_pointers(
            await worker.act(support_session_path(contact), "cancel", {"reason": "x"})
        ) == {"status": "/status"}
    assert parse_unmet_pointers(
        await patch_latest_fields(worker, support_session_path(visit), place="x")
    ) == {"frozen": "/status"}
    assert len(await list_timeline_lines(worker, path, "session_cancelled")) == 1


async def test_two_who_record_one_session_at_once_leave_one_record(scenario: Scenario) -> None:
    path = await create_case_path(scenario, "worker_north_2")
    visit = await create_support_session(scenario.worker_north, path, **PLANNED_VISIT_PAYLOAD)
    held = {"held_at": PLANNED_VISIT_PAYLOAD["planned_at"], "attendance": "attended"}
    tried = await asyncio.gather(
        scenario.worker_north.patch(support_session_path(visit), held, etag='"1"'),
        scenario.worker_north_2.patch(support_session_path(visit), {**MISSED_SESSION_PAYLOAD}, etag='"1"'),
        scenario.worker_north.post(f"{support_session_path(visit)}/cancel", {"reason": "x"}, etag='"1"'),
    )
    assert sorted(answer.status_code for answer in tried) == [200, 412, 412]


async def test_who_holds_a_session_works_on_the_case(scenario: Scenario) -> None:
    path, worker = await create_case_path(scenario, "worker_north_2"), scenario.worker_north
    for name in ("worker_north_2", "supervisor_north", "supervisor_both"):
        visit = await create_support_session(
            worker, path, **PLANNED_VISIT_PAYLOAD, worker_id=str(id_of(name))
        )
        assert visit["worker_id"] == str(id_of(name))
    strangers = ("worker_south", "supervisor_south", "manager", "admin", "nobody")
    for name in strangers:
        told = {**PLANNED_VISIT_PAYLOAD, "worker_id": str(id_of(name))}
        refused = await worker.post(f"{path}/support-sessions", told)
        assert parse_unmet_pointers(refused) == {"worker_unfit": "/worker_id"}, name
        series = {
            "kind": "phone_call",
            "first_at": PLANNED_VISIT_PAYLOAD["planned_at"],
            "count": 2,
            "worker_id": told["worker_id"],
        }
        refused = await worker.post(f"{path}/support-sessions/series", series)
        assert parse_unmet_pointers(refused) == {"worker_unfit": "/worker_id"}, name
        handing = await patch_latest_fields(worker, support_session_path(visit), worker_id=told["worker_id"])
        assert parse_unmet_pointers(handing) == {"worker_unfit": "/worker_id"}, name


async def test_broken_glass_shows_sessions_and_lets_one_write_down_only_what_one_held(
    scenario: Scenario,
) -> None:
    path, breaker = await create_case_path(scenario), scenario.worker_south
    visit, held = [
        await create_support_session(scenario.worker_north, path, **told)
        for told in (PLANNED_VISIT_PAYLOAD, HELD_SESSION_PAYLOAD)
    ]
    expect_json(await breaker.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD))
    assert (
        expect_json(await breaker.get(support_session_path(held)))["summary"]
        == HELD_SESSION_PAYLOAD["summary"]
    )
    off_limits = {"not_on_case": None}
    for refused in (
        await breaker.post(f"{path}/support-sessions", PLANNED_VISIT_PAYLOAD),
        await breaker.post(
            f"{path}/support-sessions", {**HELD_SESSION_PAYLOAD, "worker_id": str(id_of("worker_north"))}
        ),
        await patch_latest_fields(breaker, support_session_path(visit), place="x"),
        await breaker.act(support_session_path(visit), "cancel", {"reason": "x"}),
        await breaker.post(f"{support_session_path(held)}/addenda", {"text": "x"}),
        await breaker.post(
            f"{path}/support-sessions/series",
            {"kind": "phone_call", "first_at": PLANNED_VISIT_PAYLOAD["planned_at"], "count": 2},
        ),
    ):
        assert parse_unmet_pointers(refused) == off_limits
    own = await create_support_session(breaker, path, **HELD_SESSION_PAYLOAD)
    assert own["worker_id"] == str(breaker.id)
    expect_json(await patch_latest_fields(breaker, support_session_path(own), next_step="Call her worker."))
    expect_json(await breaker.post(f"{support_session_path(own)}/addenda", {"text": "She slept here."}), 201)


async def test_a_closed_case_takes_no_more_sessions(scenario: Scenario, superuser_connection: Any) -> None:
    path, worker = await create_case_path(scenario), scenario.worker_north
    visit, held = [
        await create_support_session(worker, path, **told)
        for told in (PLANNED_VISIT_PAYLOAD, HELD_SESSION_PAYLOAD)
    ]
    await superuser_connection.execute("UPDATE cases SET status = 'closed'")
    series = {"kind": "phone_call", "first_at": PLANNED_VISIT_PAYLOAD["planned_at"], "count": 2}
    for refused in (
        await worker.post(f"{path}/support-sessions", HELD_SESSION_PAYLOAD),
        await worker.post(f"{path}/support-sessions/series", series),
        await patch_latest_fields(worker, support_session_path(visit), place="x"),
        await worker.act(support_session_path(visit), "cancel", {"reason": "x"}),
        await worker.post(f"{support_session_path(held)}/addenda", {"text": "x"}),
        await worker.request("PUT", f"{support_session_path(held)}/clinical-note", json={"text": "x"}),
    ):
        assert parse_unmet_pointers(refused) == {"status": "/status"}
    assert len(expect_json(await worker.get(f"{path}/support-sessions"))["items"]) == 2
