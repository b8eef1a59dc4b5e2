"""Detaching a referral that was accepted for the wrong child, and the people of a case that a referral joins."""

import asyncio
from typing import Any

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
from tests.support.locks import run_while_case_locked
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload

ROUNDS = 200
"""Number of concurrent acceptances and detachments of one referral."""


async def test_caregiver_and_phones_of_a_joined_referral_are_added_for_confirmation(
    scenario: Scenario,
) -> None:
    # Catches: `_join_or_open_case` without `add_referral_people`.
    case = await scenario.open_case(child=CHILD, caregiver=with_phone(MOTHER, "012 111 222"))
    path = await join_case(
        scenario, case, with_phone(UNCLE, "012 333 444"), phone={"number": "012 555 666", "owner": "self"}
    )
    people = {
        person["relationship"]: person
        for person in await fetch_items(scenario.worker_north, f"/v1/cases/{case['id']}/people")
    }
    assert set(people) == {"mother", "uncle"}
    assert people["uncle"]["referral_to_confirm_id"] == path.split("/")[-1]
    assert people["uncle"]["phone"]["e164"] == "+85512333444"
    assert people["mother"]["referral_to_confirm_id"] is None
    child = expect_json(await scenario.worker_north.get(f"/v1/children/{case['child_id']}"))
    assert "+85512555666" in [phone["e164"] for phone in child["phones"]]
    for number in ("012 333 444", "012 555 666"):
        assert case["child_id"] in await list_matching_ids(scenario, number)
    confirmed = expect_json(await scenario.worker_north.act(f"/v1/people/{people['uncle']['id']}", "confirm"))
    assert confirmed["referral_to_confirm_id"] is None


async def test_known_caregiver_of_a_joined_referral_gets_the_new_phone_and_script(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=with_phone(MOTHER, "012 111 222"))
    khmer_mother = {**MOTHER, "names": [{"script": "khmer", "family": "ជា", "given": "ស្រីមុំ"}]}
    await join_case(scenario, case, with_phone(khmer_mother, "012 333 444"))
    await join_case(scenario, case, with_phone(khmer_mother, "012 333 444"))
    (mother,) = await fetch_items(scenario.worker_north, f"/v1/cases/{case['id']}/people")
    assert [phone["e164"] for phone in mother["phones"]] == ["+85512111222", "+85512333444"]
    assert [name["script"] for name in mother["names"]] == ["latin", "khmer"]
    assert mother["referral_to_confirm_id"] is not None


async def test_number_that_a_joined_referral_calls_unsafe_is_unsafe_for_the_whole_circle(
    scenario: Scenario,
) -> None:
    # Catches: only unknown phones are added. The known number then stays safe to call.
    number = {"number": "012 777 888", "owner": "family"}
    case = await scenario.open_case(
        child={**CHILD, "phone": {**number, "safe_to_call": True}},
        caregiver={**MOTHER, "phone": {**number, "safe_to_call": True}, "address_detail": "House 4"},
    )
    unsafe = {**number, "safe_to_call": False, "note": "Stepfather answers"}
    path = await join_case(scenario, case, {**MOTHER, "phone": unsafe, "address_detail": "House 9"})
    await join_case(scenario, case, {**UNCLE, "phone": {**number, "safe_to_call": True}})
    people = await fetch_items(scenario.worker_north, f"/v1/cases/{case['id']}/people")
    mother, uncle = sorted(people, key=lambda person: person["relationship"])
    child = expect_json(await scenario.worker_north.get(f"/v1/children/{case['child_id']}"))
    for phone in (mother["phone"], child["phone"], uncle["phone"]):
        assert (phone["safe_to_call"], phone["note"]) == (False, "Stepfather answers")
    assert mother["address_detail"] == "House 4; House 9"
    assert mother["referral_to_confirm_id"] == path.split("/")[-1]


async def test_caregiver_of_another_relationship_is_another_person(scenario: Scenario) -> None:
    # Catches: `find_person` ignores the relationship. The father then becomes a part of the mother.
    case = await scenario.open_case(child=CHILD, caregiver=with_phone(MOTHER, "012 111 222"))
    await join_case(scenario, case, {**with_phone(MOTHER, "012 333 444"), "relationship": "father"})
    await join_case(scenario, case, {**with_phone(MOTHER, "012 555 666"), "relationship": "unknown"})
    people = await fetch_items(scenario.worker_north, f"/v1/cases/{case['id']}/people")
    assert sorted((person["relationship"], len(person["phones"])) for person in people) in (
        [("father", 1), ("mother", 2)],
        [("father", 2), ("mother", 1)],
    )


async def test_detached_referral_is_acknowledged_again_and_can_be_accepted_for_another_child(
    scenario: Scenario,
) -> None:
    # Catches: `detach_referral` without `mark_search_tokens_received`.
    case = await scenario.open_case(child=CHILD)
    path = await join_case(scenario, case, UNCLE)
    supervisor = scenario.supervisor_north
    detached = expect_json(await supervisor.act(path, "detach", REASON))
    assert (detached["status"], detached["case_id"], detached["child_id"]) == ("acknowledged", None, None)
    assert (detached["decided_at"], detached["decided_by"]) == (None, None)
    for_partner = expect_json(await scenario.partner_two.get(path))
    assert for_partner["status"] == "acknowledged"
    assert for_partner["decision_reversed_at"] == detached["decision_reversed_at"]
    assert [reversal["status"] for reversal in detached["reversals"]] == ["accepted"]
    timeline = f"/v1/cases/{case['id']}/timeline?kind=referral_detached"
    (entry,) = expect_json(await supervisor.get(timeline))["items"]
    assert entry["record_id"] == case["id"]
    other = await scenario.create_referral(child=CHILD)
    matches = expect_json(await supervisor.get(f"/v1/referrals/{other['id']}/matches"))["items"]
    assert path.split("/")[-1] in {match["id"] for match in matches}
    accepted = expect_json(await supervisor.act(path, "accept", acceptance_payload()))
    assert accepted["child_id"] != case["child_id"]


async def test_detachment_logs_an_access_to_the_child(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD)
    path = await join_case(scenario, case, UNCLE)
    response = await scenario.supervisor_north.act(path, "detach", REASON)
    expect_json(response)
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert case["child_id"] in {entry["child_id"] for entry in entries}


async def test_only_one_of_concurrent_detachments_succeeds(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD)
    path = await join_case(scenario, case, UNCLE)
    etag = (await scenario.supervisor_north.get(path)).headers["etag"]
    responses = await asyncio.gather(
        *(scenario.supervisor_north.post(f"{path}/detach", REASON, etag=etag) for _ in range(3))
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412]


async def test_only_supervisors_of_the_team_detach(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD)
    path = f"/v1/referrals/{case['referral_id']}"
    assert (await scenario.worker_north.act(path, "detach", REASON)).status_code == 403
    etag = (await scenario.supervisor_north.get(path)).headers["etag"]
    hidden = await scenario.client_for("supervisor_south").post(f"{path}/detach", REASON, etag=etag)
    assert hidden.status_code == 404
    expect_json(await scenario.manager.act(path, "detach", REASON))
    refused = parse_unmet_pointers(await scenario.manager.act(path, "detach", REASON))
    assert refused == {"status": "/status"}


async def test_acceptance_and_detachment_of_one_referral_lock_the_case_first(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the acceptance locks the referral before the case. The two acts then wait for each other.
    case = await scenario.open_case(child=CHILD)
    path = await join_case(scenario, case, MOTHER)
    supervisor = scenario.supervisor_north
    etag = (await supervisor.get(path)).headers["etag"]
    acceptance = acceptance_payload(child_id=case["child_id"])
    statuses = await run_while_case_locked(
        superuser_connection,
        case["id"],
        supervisor.post(f"{path}/detach", REASON, etag=etag),
        supervisor.post(f"{path}/accept", acceptance, etag=etag),
    )
    assert statuses == [200, 412]


async def test_concurrent_acceptances_and_detachments_never_deadlock(scenario: Scenario) -> None:
    # Catches: the acceptance locks the referral before the case. Some rounds then end with a deadlock (409 `conflict`).
    case = await scenario.open_case(child=CHILD)
    path = await join_case(scenario, case, MOTHER)
    supervisor, acceptance = scenario.supervisor_north, acceptance_payload(child_id=case["child_id"])
    for number in range(ROUNDS):
        etag = (await supervisor.get(path)).headers["etag"]
        detached, accepted = await asyncio.gather(
            supervisor.post(f"{path}/detach", REASON, etag=etag),
            supervisor.post(f"{path}/accept", acceptance, etag=etag),
        )
        assert detached.status_code == 200, (number, detached.text)
        assert accepted.status_code in {409, 412}, (number, accepted.text)
        assert "unmet" in accepted.json() or accepted.status_code == 412, (number, accepted.text)
        expect_json(await supervisor.act(path, "accept", acceptance))
