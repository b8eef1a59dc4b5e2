"""Documents by tier: who reads which, who may add to which."""

from typing import Any

from tests.support.case_lifecycle import create_case_path
from tests.support.documents import letter_payload, upload_document
from tests.support.payloads import HELD_SESSION_PAYLOAD, POLICE_REPORT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, id_of


async def statuses(caller: AuthenticatedClient, document: dict[str, Any]) -> list[int]:
    """How somebody finds a document: by itself, and its file."""
    here = f"/v1/documents/{document['id']}"
    return [(await caller.get(path)).status_code for path in (here, f"{here}/content")]


async def test_who_reads_which_tier(scenario: Scenario) -> None:
    case, supervisor = await create_case_path(scenario), scenario.supervisor_north
    assigned = {"lead_worker_id": str(id_of("worker_north")), "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await supervisor.act(case, "assign", assigned))
    glass = await scenario.worker_south.post(
        f"{case}/break-glass", {"reason": "The child is at our door now."}
    )
    assert glass.status_code == 200
    documents = {
        tier: await upload_document(scenario, case, tier=tier) for tier in ("case", "legal", "clinical")
    }
    for name, tiers in (
        ("worker_north", {"case", "legal", "clinical"}),
        ("supervisor_north", {"case", "legal", "clinical"}),
        ("supervisor_both", {"case", "legal", "clinical"}),
        ("worker_north_2", {"case", "legal"}),
        ("manager", {"case", "legal"}),
        ("worker_south", {"case"}),
        ("supervisor_south", set()),
        ("dpo", None), ("finance", None), ("admin", None), ("me_officer", None), ("partner_one", None), ("reporting", None),
    ):  # fmt: skip
        caller = scenario.client_for(name)
        listed, lines = await caller.get(f"{case}/documents"), await caller.get(f"{case}/timeline")
        for tier, document in documents.items():
            expected = 403 if tiers is None else (200 if tier in tiers else 404)
            assert await statuses(caller, document) == [expected, expected], (name, tier)
        if not tiers:
            assert listed.status_code == (403 if tiers is None else 404), name
            continue
        assert {item["tier"] for item in expect_json(listed)["items"]} == tiers, name
        told = [line["record_id"] for line in expect_json(lines)["items"] if line["kind"] == "document_added"]
        assert set(told) == {documents[tier]["id"] for tier in tiers}, name


async def test_whoever_adds_a_document_is_among_those_who_read_it(scenario: Scenario) -> None:
    case = await create_case_path(scenario)
    glass = await scenario.worker_south.post(
        f"{case}/break-glass", {"reason": "The child is at our door now."}
    )
    assert glass.status_code == 200
    refused = await scenario.manager.post(f"{case}/documents", letter_payload(tier="clinical"))
    assert parse_unmet_pointers(refused) == {"not_your_tier": "/tier"}
    assert (await upload_document(scenario, case, by="manager"))["tier"] == "case"
    tries: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {"not_on_case"}),
        ({"tier": "legal"}, {"not_on_case", "not_your_tier"}),
    ]
    for told, codes in tries:
        assert (
            parse_unmet_pointers(
                await scenario.worker_south.post(f"{case}/documents", letter_payload(**told))
            ).keys()
            == codes
        )
    for kind in ("court", "police"):
        assert (await upload_document(scenario, case, kind=kind))["tier"] == "legal"
        assert (await upload_document(scenario, case, kind=kind, tier="case"))["tier"] == "case"
    for name, status in (("supervisor_south", 404), ("worker_north_2", 404), ("dpo", 403), ("finance", 403)):
        answer = await scenario.client_for(name).post(f"{case}/documents", letter_payload())
        assert answer.status_code == status, name


async def test_a_document_is_read_by_no_more_than_what_it_is_about(scenario: Scenario) -> None:
    # Before: 201, and its title told of the legal step to whoever broke the glass.
    case, worker = await create_case_path(scenario), scenario.worker_north
    step = expect_json(await worker.post(f"{case}/legal-steps", POLICE_REPORT_PAYLOAD), 201)
    contact = expect_json(await worker.post(f"{case}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    expect_json(await worker.put(f"/v1/support-sessions/{contact['id']}/clinical-note", {"text": "Quiet."}))
    addendum = {"text": "x", "tier": "clinical"}
    addendum = expect_json(await worker.post(f"/v1/support-sessions/{contact['id']}/addenda", addendum), 201)
    report = await upload_document(scenario, case, kind="police")
    for kind, record, wide, narrow in (
        ("legal_step", step, {"case"}, {"legal", "clinical"}),
        ("document", report, {"case"}, {"legal", "clinical"}),
        ("session_addendum", addendum, {"case", "legal"}, {"clinical"}),
        ("support_session", contact, set(), {"case", "legal", "clinical"}),
    ):
        about = {"kind": kind, "id": record["id"]}
        for tier in wide:
            answer = await worker.post(f"{case}/documents", letter_payload(tier=tier, about=about))
            assert parse_faults(answer) == {("/tier", "tier_too_wide")}, (kind, tier)
        for tier in narrow:
            assert (await upload_document(scenario, case, tier=tier, about=about))["tier"] == tier
