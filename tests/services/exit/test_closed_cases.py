"""Changes to closed cases: pending service referrals are ended, and late documents and legal steps are accepted."""

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

CLOSURE = {"reason_code": "goals_met", "outcome": "Well."}


async def test_service_referral_can_be_completed_or_cancelled_after_closing(scenario: Scenario) -> None:
    # Catches: the acts require an open case. The referrals could then never be ended.
    case, _ = await create_exiting_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    acts = [
        ("sent", "accept"),
        ("sent", "decline"),
        ("sent", "cancel"),
        ("accepted", "complete"),
        ("draft", "cancel"),
    ]
    referral_paths = []
    for status, _ in acts:
        referral_paths.append(await create_service_referral(scenario, case_path))
        for previous_act in ACTS_TO_STATUS[status]:
            expect_json(
                await worker.act(
                    referral_paths[-1], previous_act, SERVICE_REFERRAL_ACT_PAYLOADS[previous_act]
                )
            )
    draft_path = await create_service_referral(scenario, case_path)
    await create_approved_exit_plan(scenario, case["id"])
    expect_json(await worker.act(case_path, "close", CLOSURE))
    for referral_path, (status, act) in zip(referral_paths, acts, strict=True):
        assert expect_json(await worker.act(referral_path, act, SERVICE_REFERRAL_ACT_PAYLOADS[act]))[
            "status"
        ] not in {status, "draft"}
    assert parse_unmet_pointers(await worker.act(draft_path, "send")) == {"status": "/status"}
    assert (await worker.post(f"{case_path}/service-referrals", {})).status_code == 422
    assert parse_unmet_pointers(await worker.patch(draft_path, {"need": "x"}, etag='"1"')) == {
        "status": "/status"
    }


async def test_legal_steps_and_letters_are_accepted_after_closing(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    legal_step = expect_json(
        await worker.post(f"{case_path}/legal-steps", {**POLICE_REPORT_PAYLOAD, "kind": "court_date"}), 201
    )
    step_path = f"/v1/legal-steps/{legal_step['id']}"
    assert (
        expect_json(await worker.patch(step_path, {"result": "Sentenced."}, etag='"1"'))["result"]
        == "Sentenced."
    )
    accepted_uploads: list[dict[str, Any]] = [
        {},
        {"kind": "court"},
        {"kind": "police"},
        {"kind": "medical", "tier": "legal"},
    ]
    for fields in accepted_uploads:
        expect_json(await worker.post(f"{case_path}/documents", letter_payload(**fields)), 201)
    about = {"kind": "legal_step", "id": legal_step["id"]}
    expect_json(
        await worker.post(f"{case_path}/documents", letter_payload(kind="identity", about=about)), 201
    )
    assert parse_unmet_pointers(
        await worker.post(f"{case_path}/documents", letter_payload(kind="drawing"))
    ) == {"status": "/status"}
    assert parse_unmet_pointers(await worker.post(f"{case_path}/support-sessions", HELD_SESSION_PAYLOAD)) == {
        "status": "/status"
    }


async def test_concurrent_recording_and_assignment_do_not_deadlock(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the session is locked before the case, because one of the two requests then ends in a deadlock.
    case = await scenario.open_case()
    case_path = f"/v1/cases/{case['id']}"
    worker, supervisor = scenario.worker_north, scenario.supervisor_north
    planned_session = expect_json(
        await worker.post(f"{case_path}/support-sessions", PLANNED_VISIT_PAYLOAD), 201
    )
    session_path = f"/v1/support-sessions/{planned_session['id']}"
    assignment = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    case_etag = (await supervisor.get(case_path)).headers["etag"]
    held_patch = {"held_at": "2026-01-20T02:00:00Z", "attendance": "attended"}
    statuses = await run_while_case_locked(
        superuser_connection, case["id"],
        supervisor.post(f"{case_path}/assign", assignment, etag=case_etag),
        supervisor.patch(session_path, {**held_patch, "worker_id": str(worker.id)}, etag='"1"'),
    )  # fmt: skip
    assert statuses[0] == 200
    assert statuses[1] in {409, 412}
    assert expect_json(await supervisor.get(session_path))["worker_id"] == str(id_of("worker_north_2"))


async def test_changes_that_wait_for_a_closure_are_refused(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `get_record` instead of `get_case_for_share` in create_support_session_addendum, replace_clinical_note
    # and update_service_referral.
    case, _ = await create_exiting_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    support_session = expect_json(
        await worker.post(f"{case_path}/support-sessions", HELD_SESSION_PAYLOAD), 201
    )
    session_path = f"/v1/support-sessions/{support_session['id']}"
    referral_path = await create_service_referral(scenario, case_path)
    await create_approved_exit_plan(scenario, case["id"])
    case_etag = (await worker.get(case_path)).headers["etag"]
    statuses = await run_while_case_locked(
        superuser_connection, case["id"],
        worker.post(f"{case_path}/close", CLOSURE, etag=case_etag),
        worker.patch(session_path, {"summary": "Late."}, etag='"1"'),
        worker.post(f"{session_path}/addenda", {"text": "Late."}),
        worker.put(f"{session_path}/clinical-note", {"text": "Late."}),
        worker.patch(referral_path, {"need": "Late."}, etag='"1"'),
        worker.post(f"{referral_path}/send", etag='"1"'),
    )  # fmt: skip
    assert statuses == [200, 409, 409, 409, 409, 409]
