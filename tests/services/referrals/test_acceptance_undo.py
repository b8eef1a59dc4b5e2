"""A detachment undoes what the acceptance added, except what staff confirmed or another referral contains."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kit.dates import today
from tests.support.case_lifecycle import create_closed_case
from tests.support.child_merges import close_case, merge
from tests.support.confirmations import find_pending_change
from tests.support.joined_referrals import (
    CHILD,
    MOTHER,
    REASON,
    UNCLE,
    join_case,
    list_matching_ids,
    with_phone,
)
from tests.support.list_pages import fetch_items
from tests.support.payloads import HELD_SESSION_PAYLOAD, VITAL_INTEREST_BASIS
from tests.support.responses import expect_json, parse_unmet_pointers, patch_latest_fields
from tests.support.scenario import Scenario, acceptance_payload, id_of
from tests.support.service_referrals import create_consent, create_service_referral
from tests.support.support_sessions import create_support_session

PHONE = {"number": "012 555 666", "owner": "self"}


async def detach(scenario: Scenario, path: str) -> dict[str, Any]:
    detached: dict[str, Any] = expect_json(await scenario.supervisor_north.act(path, "detach", REASON))
    return detached


async def list_people(scenario: Scenario, case: dict[str, Any], **filters: str) -> dict[str, dict[str, Any]]:
    """Return the people of a case by their relationship."""
    people = await fetch_items(scenario.worker_north, f"/v1/cases/{case['id']}/people", **filters)
    return {person["relationship"]: person for person in people}


async def list_child_numbers(scenario: Scenario, case: dict[str, Any]) -> list[str]:
    child = expect_json(await scenario.worker_north.get(f"/v1/children/{case['child_id']}"))
    return [phone["e164"] for phone in child["phones"]]


async def test_detachment_removes_the_people_and_phones_that_a_joined_referral_added(
    scenario: Scenario,
) -> None:
    phone = {"number": "012 999 000", "owner": "self", "safe_to_call": True}
    case = await scenario.open_case(
        child={**CHILD, "phone": phone}, caregiver=with_phone(MOTHER, "012 111 222")
    )
    khmer_name = {"script": "khmer", "family": "ជា", "given": "ស្រីមុំ"}
    mother = {**with_phone(MOTHER, "012 777 888"), "names": [*MOTHER["names"], khmer_name]}
    unsafe = {**phone, "safe_to_call": False}
    first = await join_case(scenario, case, with_phone(UNCLE, "012 333 444"), phones=[PHONE, unsafe])
    second = await join_case(scenario, case, mother)
    assert (await detach(scenario, second))["records_to_check"] == []
    key, etag = "detach-once", (await scenario.supervisor_north.get(first)).headers["etag"]
    detached = await scenario.supervisor_north.post(f"{first}/detach", REASON, etag=etag, key=key)
    assert expect_json(detached)["records_to_check"] == []
    repeated = await scenario.supervisor_north.post(f"{first}/detach", REASON, etag=etag, key=key)
    assert expect_json(repeated) == detached.json()

    people = await list_people(scenario, case)
    assert set(people) == {"mother"}
    assert [item["script"] for item in people["mother"]["names"]] == ["latin"]
    assert [item["e164"] for item in people["mother"]["phones"]] == ["+85512111222"]
    assert people["mother"]["referral_to_confirm_id"] is None
    marked = await list_people(scenario, case, entered_in_error="true")
    assert {name: person["entered_in_error"]["reason"] for name, person in marked.items()} == {
        "uncle": REASON["reason"]
    }
    child = expect_json(await scenario.worker_north.get(f"/v1/children/{case['child_id']}"))
    assert [(item["e164"], item["safe_to_call"]) for item in child["phones"]] == [("+85512999000", True)]
    for number, is_found in (("012 333 444", False), ("012 555 666", False), ("012 777 888", False)):
        assert (case["child_id"] in await list_matching_ids(scenario, number)) is is_found
    assert case["child_id"] in await list_matching_ids(scenario, "012 111 222")


async def test_history_shows_values_that_a_joined_referral_added_and_a_detachment_removed(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=MOTHER)
    path = await join_case(scenario, case, with_phone(UNCLE, "012 333 444"), phone=PHONE)
    history = f"/v1/children/{case['child_id']}/history"
    added = await fetch_items(scenario.worker_north, history)
    assert sorted(entry["record_kind"] for entry in added) == ["child", "consent", "person"]
    accepted = expect_json(await scenario.supervisor_north.get(path))
    for entry in added:
        assert (entry["referral_id"], entry["at"]) == (accepted["id"], accepted["decided_at"])
        assert entry["by_id"] == str(id_of("supervisor_north"))
        expect_json(await scenario.worker_north.get(entry["link"]))
    fields = {entry["record_kind"]: {item["field"] for item in entry["changes"]} for entry in added}
    assert fields["child"] == {"phones"}
    assert {"names", "phones", "relationship", "role"} <= fields["person"]
    assert {"given_by", "scope", "on"} <= fields["consent"]
    await detach(scenario, path)
    entries = await fetch_items(scenario.worker_north, history)
    undone = {entry["record_kind"]: entry["changes"] for entry in entries[:3]}
    assert {name: [item["field"] for item in changes] for name, changes in undone.items()} == {
        "child": ["phones"],
        "consent": ["entered_in_error"],
        "person": ["entered_in_error"],
    }
    assert undone["person"][0]["after"] == REASON["reason"]
    assert undone["child"][0]["after"] == []
    assert entries[3:] == added
    consents = await fetch_items(scenario.worker_north, history, record_kind="consent")
    assert len(consents) == 2


async def test_detachment_keeps_and_lists_records_that_staff_confirmed_or_changed(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=with_phone(MOTHER, "012 111 222"))
    worker = scenario.worker_north
    first = await join_case(scenario, case, with_phone(UNCLE, "012 333 444"), phone=PHONE)
    second = await join_case(scenario, case, with_phone(MOTHER, "012 777 888"))
    people = await list_people(scenario, case)
    for person in people.values():
        expect_json(await worker.act(f"/v1/people/{person['id']}", "confirm"))
    child_path = f"/v1/children/{case['child_id']}"
    expect_json(await patch_latest_fields(worker, child_path, phones=[{**PHONE, "note": "Own phone"}]))
    kept = [
        {"record_kind": kind, "record_id": record_id, "link": link, "why": "changed_since"}
        for kind, record_id, link in (
            ("child", case["child_id"], child_path),
            ("person", people["uncle"]["id"], f"/v1/people/{people['uncle']['id']}"),
        )
    ]
    assert (await detach(scenario, first))["records_to_check"] == kept
    (mother,) = (await detach(scenario, second))["records_to_check"]
    assert (mother["record_id"], mother["why"]) == (people["mother"]["id"], "changed_since")
    assert set(await list_people(scenario, case)) == {"mother", "uncle"}
    assert await list_child_numbers(scenario, case) == ["+85512555666"]


async def test_detachment_keeps_records_that_another_referral_of_the_case_contains(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=MOTHER)
    unsafe = {**PHONE, "safe_to_call": False}
    first = await join_case(scenario, case, with_phone(UNCLE, "012 333 444"), phone=unsafe)
    second = await join_case(scenario, case, with_phone(UNCLE, "012 333 444"), phone=unsafe)
    kept = {item["record_kind"]: item["why"] for item in (await detach(scenario, first))["records_to_check"]}
    assert kept == {"child": "in_another_referral", "person": "in_another_referral"}
    assert "uncle" in await list_people(scenario, case)
    child = expect_json(await scenario.worker_north.get(f"/v1/children/{case['child_id']}"))
    assert [item["safe_to_call"] for item in child["phones"]] == [False]
    await detach(scenario, second)


async def test_consent_of_a_detached_referral_permits_nothing_for_the_wrong_child(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=MOTHER)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    yesterday = (today() - timedelta(days=1)).isoformat()
    consent_id = await create_consent(scenario, case_path)
    await create_consent(scenario, case_path, status="refused", given_by=["child"], on=yesterday)
    draft = await create_service_referral(scenario, case_path, consent_id=consent_id)
    assert parse_unmet_pointers(await worker.act(draft, "send")) == {"consent_refused": "/consent_id"}
    consent = {
        "given_by": ["child", "caregiver"], "method": "oral", "on": today().isoformat(),
        "scope": ["services", "share_with_fsc", "share_with_providers"],
    }  # fmt: skip
    path = await join_case(scenario, case, UNCLE, referral={"consent": consent})
    joined = expect_json(await worker.get(f"{case_path}/consents"))["items"][0]
    shared = await create_service_referral(scenario, case_path, consent_id=joined["id"])
    expect_json(await worker.act(shared, "send"))
    await detach(scenario, path)
    marked = expect_json(await worker.get(f"/v1/consents/{joined['id']}"))
    assert marked["entered_in_error"]["reason"] == REASON["reason"]
    assert parse_unmet_pointers(await worker.act(draft, "send")) == {"consent_refused": "/consent_id"}
    assert expect_json(await worker.get(shared))["recall_requested_at"] is not None


async def test_confirmation_of_a_legal_basis_ends_with_the_detachment(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=MOTHER)
    consent = {"scope": ["services", "share_with_providers"], "basis_without_consent": VITAL_INTEREST_BASIS}
    path = await join_case(scenario, case, UNCLE, referral={"consent": consent})
    change = await find_pending_change(scenario.dpo, "consent_basis")
    await detach(scenario, path)
    assert (
        expect_json(await scenario.dpo.get(f"/v1/pending-changes/{change['id']}"))["status"] == "superseded"
    )


async def open_case_of_returning_child(scenario: Scenario) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Accept a referral for a child with a closed case. Return its path, the closed case and the new case."""
    closed = await create_closed_case(scenario)
    referral = await scenario.create_referral()
    path, supervisor = f"/v1/referrals/{referral['id']}", scenario.supervisor_north
    expect_json(await supervisor.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    accepted = expect_json(
        await supervisor.act(path, "accept", acceptance_payload(child_id=closed["child_id"]))
    )
    return path, closed, expect_json(await supervisor.get(f"/v1/cases/{accepted['case_id']}"))


async def list_follow_up_statuses(scenario: Scenario, case: dict[str, Any]) -> set[str]:
    path = f"/v1/cases/{case['id']}/follow-ups"
    return {item["status"] for item in await fetch_items(scenario.worker_north, path)}


async def test_detachment_closes_the_case_of_a_returning_child_and_restores_its_follow_ups(
    scenario: Scenario,
) -> None:
    path, closed, case = await open_case_of_returning_child(scenario)
    assert await list_follow_up_statuses(scenario, closed) == {"cancelled"}
    worker, case_path = scenario.worker_north, f"/v1/cases/{case['id']}"
    session = await create_support_session(worker, case_path, **HELD_SESSION_PAYLOAD)
    refused = await scenario.supervisor_north.act(path, "detach", REASON)
    assert parse_unmet_pointers(refused) == {"support_given": "/case_id"}
    assert refused.json()["unmet"][0]["params"] == {"found": ["held support sessions"]}
    session_path = f"/v1/support-sessions/{session['id']}"
    expect_json(await worker.act(session_path, "enter-in-error", REASON))
    joined = await join_case(scenario, case, UNCLE)
    refused = await scenario.supervisor_north.act(path, "detach", REASON)
    assert parse_unmet_pointers(refused) == {"other_referrals": "/case_id"}
    await detach(scenario, joined)

    await detach(scenario, path)
    withdrawn = expect_json(await worker.get(case_path))
    assert (withdrawn["status"], withdrawn["close_reason"]) == ("closed", "opened_in_error")
    assert await list_follow_up_statuses(scenario, closed) == {"due"}
    assert await list_people(scenario, case) == {}
    supervisor = scenario.supervisor_north
    accepted = expect_json(
        await supervisor.act(path, "accept", acceptance_payload(child_id=closed["child_id"]))
    )
    assert accepted["case_id"] != case["id"]
    assert await list_follow_up_statuses(scenario, closed) == {"cancelled"}


async def test_follow_up_that_the_family_refused_after_the_acceptance_stays_cancelled(
    scenario: Scenario,
) -> None:
    path, closed, _ = await open_case_of_returning_child(scenario)
    refusal = {"status": "refused", "scope": ["follow_up_contact"], "on": today().isoformat()}
    await create_consent(scenario, f"/v1/cases/{closed['id']}", **refusal)
    await detach(scenario, path)
    assert await list_follow_up_statuses(scenario, closed) == {"cancelled"}


async def test_detachment_restores_the_search_tokens(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=with_phone(MOTHER, "012 111 222"))
    query = "SELECT token FROM name_tokens WHERE owner_id = $1 ORDER BY token"
    before = await superuser_connection.fetch(query, UUID(case["child_id"]))
    path = await join_case(scenario, case, with_phone(UNCLE, "012 333 444"), phone=PHONE)
    assert await superuser_connection.fetch(query, UUID(case["child_id"])) != before
    await detach(scenario, path)
    assert await superuser_connection.fetch(query, UUID(case["child_id"])) == before


async def test_detachment_keeps_the_search_tokens_of_a_merged_record(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `remove_phone_search_tokens` without the merged records. A search for their phone then finds no child.
    case = await scenario.open_case(child=CHILD)
    other = await scenario.open_case(child={**CHILD, "phone": PHONE})
    await close_case(superuser_connection, other)
    await merge(scenario, case["child_id"], other["child_id"])
    path = await join_case(scenario, case, UNCLE, phone=PHONE)
    await detach(scenario, path)
    found = await fetch_items(scenario.manager, "/v1/children", q="012 555 666")
    assert [child["id"] for child in found] == [case["child_id"]]
