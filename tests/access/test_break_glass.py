"""Tests of break-glass access: it is read-only and does not allow acts on the case or sharing of its data."""

import base64
from typing import Any

from tests.support.case_lifecycle import create_case_path, create_closed_case
from tests.support.confirmations import confirm_pending_change
from tests.support.payloads import BREAK_GLASS_PAYLOAD, VITAL_INTEREST_BASIS, reopening_consent_payload
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import create_provider


async def test_break_glass_does_not_allow_reopening_a_closed_case(scenario: Scenario) -> None:
    case = await create_closed_case(scenario)
    path, supervisor = f"/v1/cases/{case['id']}", scenario.supervisor_south
    expect_json(await supervisor.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD))
    reopening = {
        "reason": "Ours now.",
        "consent": reopening_consent_payload(),
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
    }
    assert parse_unmet_pointers(await supervisor.act(path, "reopen", reopening)) == {"not_your_team": None}
    expect_json(await scenario.manager.act(path, "reopen", reopening), 201)


async def test_break_glass_does_not_allow_sending_a_service_referral(scenario: Scenario) -> None:
    case, caller = await create_case_path(scenario), scenario.worker_south
    expect_json(await caller.post(f"{case}/break-glass", BREAK_GLASS_PAYLOAD))
    payload: dict[str, Any] = {
        "provider_id": await create_provider(scenario), "service": "medical", "need": "x",
        "shared_fields": ["names", "phone", "place"], "basis_without_consent": VITAL_INTEREST_BASIS,
    }  # fmt: skip
    draft = expect_json(await scenario.worker_north.post(f"{case}/service-referrals", payload), 201)
    await confirm_pending_change(scenario, "consent_basis")
    path = f"/v1/service-referrals/{draft['id']}"
    assert parse_unmet_pointers(await caller.act(path, "send")) == {"not_on_case": None}
    expect_json(await scenario.worker_north.act(path, "send"))


async def test_document_about_a_clinical_or_legal_record_gets_its_tier(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    held_session = {
        "kind": "therapy",
        "form": "art",
        "held_at": "2026-11-20T03:00:00Z",
        "attendance": "attended",
    }
    session = expect_json(await worker.post(f"{case}/support-sessions", held_session), 201)
    path = f"/v1/support-sessions/{session['id']}/addenda"
    file = {"kind": "drawing", "title": "A house", "content": base64.b64encode(b"A house.").decode()}
    for tier in ("clinical", "case"):
        addendum = expect_json(await worker.post(path, {"text": "x", "tier": tier}), 201)
        about = {"kind": "session_addendum", "id": addendum["id"]}
        assert (
            expect_json(await worker.post(f"{case}/documents", {**file, "about": about}), 201)["tier"] == tier
        )
    report = expect_json(await worker.post(f"{case}/documents", {**file, "kind": "police"}), 201)
    for kind in ("document", "document_content"):
        about = {"kind": kind, "id": report["id"]}
        assert (
            expect_json(await worker.post(f"{case}/documents", {**file, "about": about}), 201)["tier"]
            == "legal"
        )
