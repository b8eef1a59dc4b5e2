"""Broken glass shows a case for four hours: it does not make it one's own, and does not tell others of it."""

import base64
from typing import Any

from tests.pathway import closed, done
from tests.services.test_referral_life import unmet
from tests.services.test_service_referrals import BASIS, case_of, provider
from tests.world import World, id_of

GLASS = {"reason": "The worker is away, the child is at the door."}


async def test_a_supervisor_who_broke_the_glass_does_not_take_a_closed_case_over(world: World) -> None:
    # Before: 201, and the child was the other team's for good.
    case = await closed(world)
    path, stranger = f"/v1/cases/{case['id']}", world.supervisor_south
    done(await stranger.post(f"{path}/break-glass", GLASS))
    mine = {
        "reason": "Ours now.",
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
    }
    assert unmet(await stranger.act(path, "reopen", mine)) == {"not_your_team": None}
    done(await world.manager.act(path, "reopen", mine), 201)


async def test_broken_glass_shares_nothing_with_a_provider(world: World) -> None:
    # Before: 200, with the child's names, phone and place, on a basis of the sender's own.
    case, stranger = await case_of(world), world.worker_south
    done(await stranger.post(f"{case}/break-glass", GLASS))
    told: dict[str, Any] = {
        "provider_id": await provider(world), "service": "medical", "need": "x",
        "shared_fields": ["names", "phone", "place"], "basis_without_consent": BASIS,
    }  # fmt: skip
    draft = done(await world.worker_north.post(f"{case}/service-referrals", told), 201)
    path = f"/v1/service-referrals/{draft['id']}"
    assert unmet(await stranger.act(path, "send")) == {"not_on_case": None}
    done(await world.worker_north.act(path, "send"))


async def test_what_is_about_a_clinical_or_legal_record_is_of_its_tier(world: World) -> None:
    # Before: `case`, to whoever sees the case.
    case, worker = await case_of(world), world.worker_north
    held = {
        "kind": "therapy",
        "form": "art",
        "held_at": "2026-11-20T03:00:00Z",
        "attendance": "attended",
    }
    contact = done(await worker.post(f"{case}/support-sessions", held), 201)
    here = f"/v1/support-sessions/{contact['id']}/addenda"
    file = {"kind": "drawing", "title": "A house", "content": base64.b64encode(b"A house.").decode()}
    for tier in ("clinical", "case"):
        addendum = done(await worker.post(here, {"text": "x", "tier": tier}), 201)
        about = {"kind": "session_addendum", "id": addendum["id"]}
        assert done(await worker.post(f"{case}/documents", {**file, "about": about}), 201)["tier"] == tier
    report = done(await worker.post(f"{case}/documents", {**file, "kind": "police"}), 201)
    for kind in ("document", "document_content"):
        about = {"kind": kind, "id": report["id"]}
        assert done(await worker.post(f"{case}/documents", {**file, "about": about}), 201)["tier"] == "legal"
