"""The search tokens of a child cover the people in all of its cases, whoever changes a record."""

from typing import Any

import pytest

from tests.support.case_lifecycle import create_closed_case
from tests.support.joined_referrals import CHILD, MOTHER, REASON, UNCLE, join_case, with_phone
from tests.support.responses import expect_json, patch_latest_fields
from tests.support.scenario import Scenario, acceptance_payload, id_of

MOTHER_NUMBER, SHARED_NUMBER = "012 111 222", "012 333 444"


@pytest.fixture
async def cases(scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a closed case of the team South and an open case of the same child, of the team North."""
    closed = await create_closed_case(scenario, "worker_south")
    for details, number in ((MOTHER, MOTHER_NUMBER), (UNCLE, SHARED_NUMBER)):
        person = {**with_phone(details, number), "role": "family"}
        expect_json(await scenario.worker_south.post(f"/v1/cases/{closed['id']}/people", person), 201)
    referral = await scenario.create_referral(child=CHILD, caregiver=None)
    path, manager = f"/v1/referrals/{referral['id']}", scenario.manager
    expect_json(await manager.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    payload = acceptance_payload(child_id=closed["child_id"])
    accepted = expect_json(await manager.act(path, "accept", payload))
    opened = expect_json(await scenario.worker_north.get(f"/v1/cases/{accepted['case_id']}"))
    assert (await scenario.worker_north.get(f"/v1/cases/{closed['id']}")).status_code == 404
    return closed, opened


async def find_by_phone(scenario: Scenario, caller: str, number: str) -> list[str]:
    response = await scenario.client_for(caller).get("/v1/children", params={"q": number})
    return [child["id"] for child in expect_json(response)["items"]]


async def test_change_of_a_child_keeps_the_phones_of_people_in_a_hidden_case(
    scenario: Scenario, cases: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    # Catches: the tokens are computed from the people that the caller can see.
    closed, _ = cases
    response = await patch_latest_fields(
        scenario.worker_north, f"/v1/children/{closed['child_id']}", nickname="Chet"
    )
    assert expect_json(response)["nickname"] == "Chet"
    for number in (MOTHER_NUMBER, SHARED_NUMBER):
        assert await find_by_phone(scenario, "worker_south", number) == [closed["child_id"]]
        assert await find_by_phone(scenario, "worker_north", number) == []


async def test_detachment_keeps_a_number_that_a_person_in_a_hidden_case_has(
    scenario: Scenario, cases: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    # Catches: the kept tokens are computed from the people that the caller can see.
    closed, opened = cases
    path = await join_case(scenario, opened, with_phone(MOTHER, SHARED_NUMBER))
    expect_json(await scenario.supervisor_north.act(path, "detach", REASON))
    assert await find_by_phone(scenario, "worker_south", SHARED_NUMBER) == [closed["child_id"]]
    assert await find_by_phone(scenario, "worker_north", SHARED_NUMBER) == []


async def test_person_entered_in_error_keeps_the_phones_of_people_in_a_hidden_case(
    scenario: Scenario, cases: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    closed, opened = cases
    person = {**with_phone(UNCLE, "012 555 666"), "role": "supporter"}
    created = await scenario.worker_north.post(f"/v1/cases/{opened['id']}/people", person)
    person_path = f"/v1/people/{expect_json(created, 201)['id']}"
    assert await find_by_phone(scenario, "worker_north", "012 555 666") == [closed["child_id"]]
    expect_json(await scenario.worker_north.act(person_path, "enter-in-error", REASON))
    assert await find_by_phone(scenario, "worker_north", "012 555 666") == []
    assert await find_by_phone(scenario, "worker_south", MOTHER_NUMBER) == [closed["child_id"]]
