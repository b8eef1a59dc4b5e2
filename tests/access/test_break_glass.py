"""Broken glass shows a case for four hours: it does not make it one's own, and does not tell others of it."""

import base64
from typing import Any

from tests.support.case_lifecycle import create_case_path, create_closed_case
from tests.support.payloads import BREAK_GLASS_PAYLOAD, VITAL_INTEREST_BASIS
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import create_provider


async def test_a_supervisor_who_broke_the_glass_does_not_take_a_closed_case_over(scenario: Scenario) -> None:
    # Before: 201, and the child was the other team's for good.
    case = await create_closed_case(scenario)
    path, stranger = f"/v1/cases/{case['id']}", scenario.supervisor_south
    expect_json(await stranger.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD))
    mine = {
        "reason": "Ours now.",
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
    }
    assert parse_unmet_pointers(await stranger.act(path, "reopen", mine)) == {"not_your_team": None}
    expect_json(await scenario.manager.act(path, "reopen", mine), 201)


async def test_broken_glass_shares_nothing_with_a_provider(scenario: Scenario) -> None:
    # Before: 200, with the child's names, phone and place, on a basis of the sender's own.
    case, stranger = await create_case_path(scenario), scenario.worker_south
    expect_json(await stranger.post(f"{case}/break-glass", BREAK_GLASS_PAYLOAD))
    told: dict[str, Any] = {
        "provider_id": await create_provider(scenario), "service": "medical", "need": "x",
        "shared_fields": ["names", "phone", "place"], "basis_without_consent": VITAL_INTEREST_BASIS,
    }  # fmt: skip
    draft = expect_json(await scenario.worker_north.post(f"{case}/service-referrals", told), 201)
    path = f"/v1/service-referrals/{draft['id']}"
    assert parse_unmet_pointers(await stranger.act(path, "send")) == {"not_on_case": None}
    expect_json(await scenario.worker_north.act(path, "send"))


async def test_what_is_about_a_clinical_or_legal_record_is_of_its_tier(scenario: Scenario) -> None:
    # Before: `case`, to whoever sees the case.
    case, worker = await create_case_path(scenario), scenario.worker_north
    held = {
        "kind": "therapy",
        "form": "art",
        "held_at": "2026-11-20T03:00:00Z",
        "attendance": "attended",
    }
    contact = expect_json(await worker.post(f"{case}/support-sessions", held), 201)
    here = f"/v1/support-sessions/{contact['id']}/addenda"
    file = {"kind": "drawing", "title": "A house", "content": base64.b64encode(b"A house.").decode()}
    for tier in ("clinical", "case"):
        addendum = expect_json(await worker.post(here, {"text": "x", "tier": tier}), 201)
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
