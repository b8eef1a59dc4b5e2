"""A limit on the comparison with hidden children neither prevents an acceptance nor reveals a hidden match."""

from typing import Any

import pytest

from tests.support.agenda import list_agenda
from tests.support.matching import HIDDEN_CHILD, MAX_BY_CALLER, build_child, enter_referral
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of


async def reach_limit(client: AuthenticatedClient) -> None:
    """List the matches of as many identities as a caller may compare on one day."""
    for number in range(MAX_BY_CALLER):
        path = await enter_referral(client, build_child(nickname=f"Nickname {number}"))
        assert expect_json(await client.get(f"{path}/matches"))["withheld"] is None


async def acknowledge(client: AuthenticatedClient, path: str, team: str) -> None:
    expect_json(await client.act(path, "acknowledge", {"team_id": str(id_of(team))}))


async def accept(client: AuthenticatedClient, path: str, team: str, lead: str) -> dict[str, Any]:
    payload = acceptance_payload(
        lead, team_id=str(id_of(team)), screening={"meets_criteria": True, "reason": "Known."}
    )
    accepted: dict[str, Any] = expect_json(await client.act(path, "accept", dict(payload)))
    return accepted


async def list_matching_ids(client: AuthenticatedClient) -> list[str]:
    return [entry["record"]["id"] for entry in await list_agenda(client, kind="matching")]


async def test_ninth_referral_of_a_day_is_accepted_and_compared_by_another_supervisor(
    scenario: Scenario,
) -> None:
    hidden = await scenario.open_case(child=HIDDEN_CHILD)
    caller = scenario.supervisor_south
    await reach_limit(caller)
    path = await enter_referral(caller, HIDDEN_CHILD)
    referral_id = path.rpartition("/")[2]
    await acknowledge(caller, path, "south")
    listed = expect_json(await caller.get(f"{path}/matches"))
    assert (listed["items"], listed["withheld"]["limit"]) == ([], "caller_limit")
    assert [person["id"] for person in listed["withheld"]["ask"]] == [str(id_of("supervisor_both"))]
    accepted = await accept(caller, path, "south", "worker_south")
    assert accepted["status"] == "accepted"

    assert await list_matching_ids(caller) == [], "the caller who reached the limit"
    assert await list_matching_ids(scenario.manager) == [], "the team has another supervisor"
    (entry,) = await list_agenda(scenario.supervisor_both, kind="matching")
    assert (entry["record"], entry["case_id"]) == (
        {"kind": "referral", "id": referral_id},
        accepted["case_id"],
    )
    (match,) = expect_json(await scenario.supervisor_both.get(f"{path}/matches"))["items"]
    assert match["id"] == hidden["child_id"]
    assert await list_matching_ids(scenario.supervisor_both) == [], "the identity was compared"


async def test_comparison_is_on_the_agenda_of_the_programme_manager_without_another_supervisor(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", id_of("supervisor_both")
    )
    caller = scenario.supervisor_south
    await reach_limit(caller)
    path = await enter_referral(caller, HIDDEN_CHILD)
    await acknowledge(caller, path, "south")
    withheld = expect_json(await caller.get(f"{path}/matches"))["withheld"]
    assert [person["id"] for person in withheld["ask"]] == [str(id_of("manager"))]
    assert await list_matching_ids(scenario.manager) == [path.rpartition("/")[2]]
    response = await scenario.manager.get("/v1/me/agenda?kind=matching")
    logged = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["record"]["id"] for entry in logged if entry["record"]} == {path.rpartition("/")[2]}


@pytest.mark.parametrize("is_duplicate", [True, False])
async def test_limited_list_is_the_same_with_and_without_a_hidden_match(
    scenario: Scenario, is_duplicate: bool
) -> None:
    await scenario.open_case(child=HIDDEN_CHILD)
    caller = scenario.worker_south
    await reach_limit(caller)
    child = (
        HIDDEN_CHILD if is_duplicate else {**HIDDEN_CHILD, "names": [{"script": "latin", "given": "Bopha"}]}
    )
    listed = expect_json(await caller.get(f"{await enter_referral(caller, child)}/matches"))
    listed["withheld"].pop("ask")
    assert listed == {"items": [], "next_cursor": None, "withheld": {"limit": "caller_limit"}}


async def test_limited_list_contains_the_records_that_the_caller_can_see(scenario: Scenario) -> None:
    own = await scenario.open_case("worker_south", child=HIDDEN_CHILD)
    await scenario.open_case(child=HIDDEN_CHILD)
    caller = scenario.worker_south
    await reach_limit(caller)
    listed = expect_json(await caller.get(f"{await enter_referral(caller, HIDDEN_CHILD)}/matches"))
    assert own["child_id"] in [item["id"] for item in listed["items"]]
    assert {item["is_visible"] for item in listed["items"]} == {True}


async def test_limited_list_does_not_show_which_child_a_hidden_match_is(scenario: Scenario) -> None:
    hidden = await scenario.open_case(child=HIDDEN_CHILD)
    caller = scenario.supervisor_south
    await reach_limit(caller)
    path = await enter_referral(caller, HIDDEN_CHILD)
    await acknowledge(caller, path, "south")
    await caller.get(f"{path}/matches")
    payload = acceptance_payload(
        "worker_south", team_id=str(id_of("south")), child_id=hidden["child_id"],
        screening={"meets_criteria": True, "reason": "Known."},
    )  # fmt: skip
    refused = await caller.act(path, "accept", dict(payload))
    assert [fault["code"] for fault in refused.json()["unmet"]] == ["child_unknown"]
