"""Support sessions: planning, recording, correction within 24 hours, cancellation, and addenda."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.case_lifecycle import create_case_path, list_timeline_lines
from tests.support.payloads import (
    HELD_SESSION_PAYLOAD,
    MISSED_SESSION_PAYLOAD,
    PLANNED_VISIT_PAYLOAD,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers, patch_latest_fields
from tests.support.scenario import Scenario
from tests.support.support_sessions import create_support_session, support_session_path


def format_time(**offset: float) -> str:
    return (datetime.now(UTC) + timedelta(**offset)).isoformat().replace("+00:00", "Z")


async def test_support_session_is_stored_completely_and_returned(scenario: Scenario) -> None:
    case_path, worker, chosen_id = await create_case_path(scenario), scenario.worker_north, str(uuid.uuid4())
    response = await worker.post(f"{case_path}/support-sessions", {**HELD_SESSION_PAYLOAD, "id": chosen_id})
    held_session = expect_json(response, 201)
    assert (response.headers["location"], response.headers["etag"]) == (
        f"/v1/support-sessions/{chosen_id}",
        '"1"',
    )
    assert {name: held_session[name] for name in HELD_SESSION_PAYLOAD} == HELD_SESSION_PAYLOAD
    assert (held_session["status"], held_session["worker_id"], held_session["author_id"]) == (
        "held",
        str(worker.id),
        str(worker.id),
    )
    edit_window = datetime.fromisoformat(held_session["editable_until"]) - datetime.fromisoformat(
        held_session["recorded_at"]
    )
    assert (edit_window, held_session["has_clinical_note"]) == (timedelta(hours=24), False)
    assert expect_json(await worker.get(support_session_path(held_session))) == held_session

    phone_call = await create_support_session(
        worker, case_path, kind="phone_call", held_at="2026-01-10T02:00:00Z"
    )
    assert (phone_call["status"], phone_call["attendance"]) == ("held", "attended")
    planned_session = await create_support_session(worker, case_path, **PLANNED_VISIT_PAYLOAD)
    assert (planned_session["status"], planned_session["recorded_at"], planned_session["editable_until"]) == (
        "planned",
        None,
        None,
    )
    missed_session = await create_support_session(
        worker, case_path, **PLANNED_VISIT_PAYLOAD, **MISSED_SESSION_PAYLOAD
    )
    assert (missed_session["status"], missed_session["missed_reason"]) == (
        "missed",
        MISSED_SESSION_PAYLOAD["missed_reason"],
    )

    assert (
        await worker.post(f"{case_path}/support-sessions", {**HELD_SESSION_PAYLOAD, "id": chosen_id})
    ).status_code == 409
    [planned_entry] = await list_timeline_lines(worker, case_path, "session_planned")
    held_entry, _ = await list_timeline_lines(worker, case_path, "session_held")
    [missed_entry] = await list_timeline_lines(worker, case_path, "session_missed")
    record_ids = [entry["record_id"] for entry in (planned_entry, held_entry, missed_entry)]
    assert record_ids == [planned_session["id"], held_session["id"], missed_session["id"]]
    assert held_entry["detail"] == {
        "kind": "therapy", "attendance": "attended", "at": "2026-01-13T02:00:00Z"}  # fmt: skip
    texts = (
        HELD_SESSION_PAYLOAD["summary"],
        HELD_SESSION_PAYLOAD["place"],
        MISSED_SESSION_PAYLOAD["missed_reason"],
        "ដូចក្រោយភ្លៀង",
    )
    timeline_text = (await worker.get(f"{case_path}/timeline")).text
    assert not [text for text in texts if text in timeline_text]


async def test_support_session_rejects_each_invalid_field(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    held_payload = {"kind": "therapy", "held_at": HELD_SESSION_PAYLOAD["held_at"], "attendance": "attended"}
    planned_payload = {"kind": "home_visit", "planned_at": PLANNED_VISIT_PAYLOAD["planned_at"]}
    for payload, expected_fault in (
        ({"kind": "therapy"}, ("/planned_at", "undated")),
        (
            {**held_payload, "held_at": None, "planned_at": PLANNED_VISIT_PAYLOAD["planned_at"]},
            ("/held_at", "held_form"),
        ),
        (
            {**held_payload, **MISSED_SESSION_PAYLOAD, "planned_at": PLANNED_VISIT_PAYLOAD["planned_at"]},
            ("/held_at", "held_form"),
        ),
        ({**held_payload, "missed_reason": "Rain."}, ("/missed_reason", "missed_form")),
        ({**planned_payload, "missed_reason": "Rain."}, ("/missed_reason", "missed_form")),
        ({**planned_payload, "attendance": "missed_by_child"}, ("/missed_reason", "missed_form")),
        ({"kind": "phone_call", **MISSED_SESSION_PAYLOAD}, ("/planned_at", "missed_form")),
        ({**planned_payload, "form": "art"}, ("/form", "form_without_therapy")),
        ({**held_payload, "held_at": format_time(minutes=5)}, ("/held_at", "date_in_future")),
        (
            {**planned_payload, **MISSED_SESSION_PAYLOAD, "planned_at": format_time(hours=1)},
            ("/planned_at", "date_in_future"),
        ),
        ({**planned_payload, "planned_at": format_time(days=2000)}, ("/planned_at", "date_too_late")),
        ({**planned_payload, "planned_at": "9999-12-31T23:59:59Z"}, ("/planned_at", "date_too_late")),
        ({**held_payload, "held_at": "0001-01-01T00:00:00Z"}, ("/held_at", "date_too_early")),
        ({**held_payload, "mood": {"value": 3}}, ("/mood", "mood_form")),
        ({**held_payload, "mood": {"value": 6, "of": 5}}, ("/mood", "mood_form")),
        ({**held_payload, "mood": {}}, ("/mood", "mood_form")),
        ({**held_payload, "mood": {"value": "4", "of": 5}}, ("/mood/value", "int_type")),
        ({**held_payload, "areas": ["happiness"]}, ("/areas/0", "literal_error")),
        ({**held_payload, "participants": [" "]}, ("/participants/0", "blank")),
        ({**held_payload, "participants": ["x"] * 31}, ("/participants", "too_long")),
        ({**held_payload, "goal_ids": [str(uuid.uuid4())]}, ("/goal_ids/0", "goal_unknown")),
        ({**held_payload, "status": "held"}, ("/status", "extra_forbidden")),
        ({**held_payload, "kind": "massage"}, ("/kind", "literal_error")),
    ):
        assert parse_faults(await worker.post(f"{case_path}/support-sessions", payload)) == {
            expected_fault
        }, payload
    assert expect_json(await worker.get(f"{case_path}/support-sessions"))["items"] == []


async def test_planned_session_is_editable_by_all_case_staff_until_recorded(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario, "worker_north_2")
    lead, co_worker = scenario.worker_north, scenario.worker_north_2
    planned_session = await create_support_session(lead, case_path, **PLANNED_VISIT_PAYLOAD)
    updated = expect_json(
        await patch_latest_fields(
            co_worker,
            support_session_path(planned_session),
            planned_at="2026-01-21T02:00:00Z",
            place="At school",
        )
    )
    assert (updated["planned_at"], updated["author_id"]) == ("2026-01-21T02:00:00Z", str(lead.id))
    expect_json(
        await patch_latest_fields(
            co_worker,
            support_session_path(planned_session),
            areas=["education", "education"],
            worker_id=str(co_worker.id),
        )
    )

    held_patch = {"held_at": "2026-01-21T02:10:00Z", "attendance": "attended_part", "summary": "All at home."}
    stale_response = await co_worker.patch(support_session_path(planned_session), held_patch, etag='"1"')
    assert (
        stale_response.status_code,
        (await co_worker.patch(support_session_path(planned_session), held_patch)).status_code,
    ) == (
        412,
        428,
    )
    recorded = expect_json(
        await patch_latest_fields(co_worker, support_session_path(planned_session), **held_patch)
    )
    assert (recorded["status"], recorded["author_id"], recorded["areas"]) == (
        "held", str(co_worker.id), ["education"])  # fmt: skip
    # Only the author can correct the record, and its worker cannot change.
    assert parse_unmet_pointers(
        await patch_latest_fields(lead, support_session_path(planned_session), summary="x")
    ) == {"not_yours": "/author_id"}
    assert parse_unmet_pointers(
        await patch_latest_fields(co_worker, support_session_path(planned_session), worker_id=str(lead.id))
    ) == {"frozen": "/worker_id"}
    planned_patch = {"held_at": None, "attendance": None}
    assert parse_unmet_pointers(
        await patch_latest_fields(co_worker, support_session_path(planned_session), **planned_patch)
    ) == {"status": "/status"}
    expect_json(
        await patch_latest_fields(
            co_worker, support_session_path(planned_session), summary="All but the uncle."
        )
    )
    missed_session = expect_json(
        await patch_latest_fields(
            co_worker, support_session_path(planned_session), held_at=None, **MISSED_SESSION_PAYLOAD
        )
    )
    assert (missed_session["status"], missed_session["recorded_at"]) == ("missed", recorded["recorded_at"])

    assert len(await list_timeline_lines(lead, case_path, "session_planned")) == 2, (
        "one entry for planning, one for the new time"
    )
    assert len(await list_timeline_lines(lead, case_path, "session_held")) == 1
    assert len(await list_timeline_lines(lead, case_path, "session_missed")) == 1


async def test_recorded_session_is_frozen_after_24_hours_and_accepts_addenda(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case_path = await create_case_path(scenario, "worker_north_2")
    lead, co_worker = scenario.worker_north, scenario.worker_north_2
    held_session, planned_session = (
        await create_support_session(lead, case_path, **HELD_SESSION_PAYLOAD),
        await create_support_session(lead, case_path, **PLANNED_VISIT_PAYLOAD),
    )
    backdate_sql = "UPDATE support_sessions SET recorded_at = recorded_at - $1::interval WHERE id = $2"
    await superuser_connection.execute(
        backdate_sql, timedelta(hours=23, minutes=59), uuid.UUID(held_session["id"])
    )
    expect_json(await patch_latest_fields(lead, support_session_path(held_session), next_step=None))
    await superuser_connection.execute(backdate_sql, timedelta(minutes=2), uuid.UUID(held_session["id"]))
    for caller in (lead, co_worker, scenario.supervisor_north):
        assert parse_unmet_pointers(
            await patch_latest_fields(caller, support_session_path(held_session), summary="x")
        ) == {"frozen": "/status"}

    payload = {"text": "The teacher called: back in school since Monday.", "id": str(uuid.uuid4())}
    addendum = expect_json(
        await co_worker.post(f"{support_session_path(held_session)}/addenda", payload), 201
    )
    assert (addendum["text"], addendum["tier"], addendum["author_id"]) == (
        payload["text"],
        "case",
        str(co_worker.id),
    )
    for caller in (lead, co_worker, scenario.supervisor_north, scenario.manager):
        assert expect_json(await caller.get(f"{support_session_path(held_session)}/addenda"))["items"] == [
            addendum
        ]
    assert (await co_worker.post(f"{support_session_path(held_session)}/addenda", payload)).status_code == 409
    assert parse_unmet_pointers(
        await lead.post(f"{support_session_path(planned_session)}/addenda", {"text": "x"})
    ) == {"status": "/status"}
    for invalid_payload, expected_fault in (
        ({}, ("/text", "missing")),
        ({"text": " "}, ("/text", "blank")),
        ({"text": "x", "tier": "legal"}, ("/tier", "literal_error")),
    ):
        assert parse_faults(
            await lead.post(f"{support_session_path(held_session)}/addenda", invalid_payload)
        ) == {expected_fault}
    [entry] = await list_timeline_lines(lead, case_path, "addendum_added")
    assert (entry["record_kind"], entry["record_id"]) == ("session_addendum", addendum["id"])


async def test_planned_session_is_cancelled_once_with_a_reason(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    planned_session, held_session = (
        await create_support_session(worker, case_path, **PLANNED_VISIT_PAYLOAD),
        await create_support_session(worker, case_path, **HELD_SESSION_PAYLOAD),
    )
    assert parse_faults(await worker.act(support_session_path(planned_session), "cancel", {})) == {
        ("/reason", "missing")
    }
    assert (
        await worker.post(f"{support_session_path(planned_session)}/cancel", {"reason": "x"})
    ).status_code == 428
    cancelled = expect_json(
        await worker.act(support_session_path(planned_session), "cancel", {"reason": "Water Festival."})
    )
    assert (cancelled["status"], cancelled["cancel_reason"], cancelled["recorded_at"]) == (
        "cancelled",
        "Water Festival.",
        None,
    )
    for support_session in (planned_session, held_session):
        assert parse_unmet_pointers(
            await worker.act(support_session_path(support_session), "cancel", {"reason": "x"})
        ) == {"status": "/status"}
    assert parse_unmet_pointers(
        await patch_latest_fields(worker, support_session_path(planned_session), place="x")
    ) == {"frozen": "/status"}
    assert len(await list_timeline_lines(worker, case_path, "session_cancelled")) == 1


async def test_concurrent_changes_of_one_session_leave_one_success(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario, "worker_north_2")
    planned_session = await create_support_session(scenario.worker_north, case_path, **PLANNED_VISIT_PAYLOAD)
    held_patch = {"held_at": PLANNED_VISIT_PAYLOAD["planned_at"], "attendance": "attended"}
    responses = await asyncio.gather(
        scenario.worker_north.patch(support_session_path(planned_session), held_patch, etag='"1"'),
        scenario.worker_north_2.patch(
            support_session_path(planned_session), {**MISSED_SESSION_PAYLOAD}, etag='"1"'
        ),
        scenario.worker_north.post(
            f"{support_session_path(planned_session)}/cancel", {"reason": "x"}, etag='"1"'
        ),
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412]
