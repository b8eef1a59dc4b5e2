"""After a case was closed: what was under way with others comes to its end, and what still arrives is kept."""

from typing import Any

from tests.support.case_lifecycle import create_approved_exit_plan, create_closed_case, create_exiting_case
from tests.support.documents import letter_payload
from tests.support.locks import run_while_case_locked
from tests.support.payloads import HELD_SESSION_PAYLOAD, PLANNED_VISIT_PAYLOAD, POLICE_REPORT_PAYLOAD
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import (
    ACTS_TO_STATUS,
    SERVICE_REFERRAL_ACT_PAYLOADS,
    create_service_referral,
)

ENDING = {"reason_code": "goals_met", "outcome": "Well."}


async def test_what_was_asked_of_a_provider_comes_to_its_end(scenario: Scenario) -> None:
    # Before: 409 to each, and the referral stood open for good.
    case, _ = await create_exiting_case(scenario)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    ends = [
        ("sent", "accept"),
        ("sent", "decline"),
        ("sent", "cancel"),
        ("accepted", "complete"),
        ("draft", "cancel"),
    ]
    asked = []
    for status, _ in ends:
        asked.append(await create_service_referral(scenario, path))
        for earlier in ACTS_TO_STATUS[status]:
            expect_json(await worker.act(asked[-1], earlier, SERVICE_REFERRAL_ACT_PAYLOADS[earlier]))
    unsent = await create_service_referral(scenario, path)
    await create_approved_exit_plan(scenario, case["id"])
    expect_json(await worker.act(path, "close", ENDING))
    for referral, (status, act) in zip(asked, ends, strict=True):
        assert expect_json(await worker.act(referral, act, SERVICE_REFERRAL_ACT_PAYLOADS[act]))[
            "status"
        ] not in {status, "draft"}
    assert parse_unmet_pointers(await worker.act(unsent, "send")) == {"status": "/status"}
    assert (await worker.post(f"{path}/service-referrals", {})).status_code == 422
    assert parse_unmet_pointers(await worker.patch(unsent, {"need": "x"}, etag='"1"')) == {
        "status": "/status"
    }


async def test_courts_and_letters_come_when_they_come(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    step = expect_json(
        await worker.post(f"{path}/legal-steps", {**POLICE_REPORT_PAYLOAD, "kind": "court_date"}), 201
    )
    here = f"/v1/legal-steps/{step['id']}"
    assert (
        expect_json(await worker.patch(here, {"result": "Sentenced."}, etag='"1"'))["result"] == "Sentenced."
    )
    arriving: list[dict[str, Any]] = [
        {},
        {"kind": "court"},
        {"kind": "police"},
        {"kind": "medical", "tier": "legal"},
    ]
    for told in arriving:
        expect_json(await worker.post(f"{path}/documents", letter_payload(**told)), 201)
    about = {"kind": "legal_step", "id": step["id"]}
    expect_json(await worker.post(f"{path}/documents", letter_payload(kind="photo", about=about)), 201)
    assert parse_unmet_pointers(await worker.post(f"{path}/documents", letter_payload(kind="drawing"))) == {
        "status": "/status"
    }
    assert parse_unmet_pointers(await worker.post(f"{path}/support-sessions", HELD_SESSION_PAYLOAD)) == {
        "status": "/status"
    }


async def test_recording_and_assigning_at_once_wait_for_each_other_and_not_in_a_circle(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Before: the session's row first and then the case's: one of the two was a 409, "please try again".
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    worker, leader = scenario.worker_north, scenario.supervisor_north
    planned = expect_json(await worker.post(f"{path}/support-sessions", PLANNED_VISIT_PAYLOAD), 201)
    here = f"/v1/support-sessions/{planned['id']}"
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    seen = (await leader.get(path)).headers["etag"]
    held = {"held_at": "2026-01-20T02:00:00Z", "attendance": "attended"}
    answers = await run_while_case_locked(
        superuser_connection, case["id"],
        leader.post(f"{path}/assign", staff, etag=seen),
        leader.patch(here, {**held, "worker_id": str(worker.id)}, etag='"1"'),
    )  # fmt: skip
    assert answers[0] == 200
    assert answers[1] in {409, 412}
    assert expect_json(await leader.get(here))["worker_id"] == str(id_of("worker_north_2"))


async def test_nothing_is_recorded_just_after_a_close(scenario: Scenario, superuser_connection: Any) -> None:
    # Planted: `find` for `steady_case` in support_sessions_addenda.add, support_sessions_notes.write, service_referrals.change.
    case, _ = await create_exiting_case(scenario)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    contact = expect_json(await worker.post(f"{path}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    here = f"/v1/support-sessions/{contact['id']}"
    asked = await create_service_referral(scenario, path)
    await create_approved_exit_plan(scenario, case["id"])
    seen = (await worker.get(path)).headers["etag"]
    answers = await run_while_case_locked(
        superuser_connection, case["id"],
        worker.post(f"{path}/close", ENDING, etag=seen),
        worker.patch(here, {"summary": "Late."}, etag='"1"'),
        worker.post(f"{here}/addenda", {"text": "Late."}),
        worker.put(f"{here}/clinical-note", {"text": "Late."}),
        worker.patch(asked, {"need": "Late."}, etag='"1"'),
        worker.post(f"{asked}/send", etag='"1"'),
    )  # fmt: skip
    assert answers == [200, 409, 409, 409, 409, 409]
