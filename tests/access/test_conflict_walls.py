"""Tests of conflict walls: a worker of one of two linked children cannot see the other child or the link."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

REASON = "The child is at our door and her worker is away."
WORKERS = ("worker_north", "worker_south")


@dataclass(frozen=True)
class LinkedCases:
    """The linked cases of two brothers, and the given names of the brothers, by the lead worker of the case."""

    cases: dict[str, dict[str, Any]]
    names: dict[str, str]

    def path(self, worker: str) -> str:
        return f"/v1/cases/{self.cases[worker]['id']}"

    def list_paths(self, worker: str) -> list[str]:
        case = self.cases[worker]
        path = self.path(worker)
        return [
            path, f"{path}/timeline", f"{path}/people", f"/v1/children/{case['child_id']}",
            f"/v1/referrals/{case['referral_id']}", f"{path}/consents",
        ]  # fmt: skip


def build_brother_payload(given: str) -> dict[str, Any]:
    """Return a child of one household; the duplicate search matches brothers."""
    child = referral_payload()["child"]
    return {**child, "names": [{"script": "latin", "family": "Keo", "given": given}]}


@pytest.fixture
async def linked_cases(scenario: Scenario) -> LinkedCases:
    names = dict(zip(WORKERS, ("Sopheak", "Sopheap"), strict=True))
    cases = {
        worker: await scenario.open_case(worker, child=build_brother_payload(names[worker]))
        for worker in WORKERS
    }
    first, second = cases.values()
    link = {"linked_case_id": second["id"], "reason": "One was harmed by the other."}
    response = await scenario.supervisor_both.post(f"/v1/cases/{first['id']}/links", link)
    assert response.status_code == 201, response.text
    return LinkedCases(cases, names)


def other_worker(worker: str) -> str:
    return WORKERS[1 - WORKERS.index(worker)]


async def test_worker_of_one_linked_child_cannot_see_the_other_child(
    linked_cases: LinkedCases, scenario: Scenario
) -> None:
    for worker in WORKERS:
        caller = scenario.client_for(worker)
        other = linked_cases.cases[other_worker(worker)]
        hidden = {
            other["id"],
            other["child_id"],
            other["referral_id"],
            other["number"],
            linked_cases.names[other_worker(worker)],
        }
        leaks = []
        for path in linked_cases.list_paths(other_worker(worker)):
            assert (await caller.get(path)).status_code == 404, path
        for path in (
            *linked_cases.list_paths(worker), "/v1/cases", "/v1/children", "/v1/children?q=Keo", "/v1/referrals",
            f"/v1/children?q={linked_cases.names[other_worker(worker)]}", "/v1/consents", "/v1/audit/break-glass",
            f"/v1/referrals/{linked_cases.cases[worker]['referral_id']}/matches",
        ):  # fmt: skip
            response = await caller.get(path)
            assert response.status_code == 200, path
            leaks += [(path, value) for value in hidden if value in response.text]
        assert leaks == []
        assert (await caller.get(f"{linked_cases.path(worker)}/links")).status_code == 403


async def test_break_glass_is_refused_behind_a_conflict_wall(
    linked_cases: LinkedCases, scenario: Scenario, superuser_connection: Any
) -> None:
    for worker in WORKERS:
        response = await scenario.client_for(worker).post(
            f"{linked_cases.path(other_worker(worker))}/break-glass", {"reason": REASON}
        )
        assert response.status_code == 404
    assert await superuser_connection.fetchval("SELECT count(*) FROM break_glass") == 0


async def test_new_link_hides_a_case_opened_by_break_glass_before(scenario: Scenario) -> None:
    north, south = [await scenario.open_case(worker) for worker in WORKERS]
    path = f"/v1/cases/{south['id']}"
    grant = await scenario.worker_north.post(f"{path}/break-glass", {"reason": REASON})
    assert grant.status_code == 200
    assert (await scenario.worker_north.get(path)).status_code == 200
    link = {"linked_case_id": south["id"], "reason": "Brothers."}
    response = await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", link)
    assert response.status_code == 201
    assert (await scenario.worker_north.get(path)).status_code == 404


async def break_glass(scenario: Scenario, name: str, case: dict[str, Any]) -> int:
    response = await scenario.client_for(name).post(f"/v1/cases/{case['id']}/break-glass", {"reason": REASON})
    return response.status_code


async def list_visibility(scenario: Scenario, name: str, *cases: dict[str, Any]) -> list[bool]:
    """Return which cases a caller can get, and check that the list of cases agrees."""
    list_text = (await scenario.client_for(name).get("/v1/cases")).text
    visible = []
    for case in cases:
        response = await scenario.client_for(name).get(f"/v1/cases/{case['id']}")
        assert (response.status_code == 200) == (case["number"] in list_text), (name, case["number"])
        visible.append(response.status_code == 200)
    return visible


async def test_break_glass_does_not_show_both_linked_cases_to_one_caller(
    linked_cases: LinkedCases, scenario: Scenario, superuser_connection: Any
) -> None:
    # The conflict wall applies to supervisors of one team too.
    north, south = linked_cases.cases.values()
    for name, own, other in (("supervisor_north", north, south), ("supervisor_south", south, north)):
        assert await break_glass(scenario, name, other) == 404
        assert await list_visibility(scenario, name, own, other) == [True, False]
        assert (await scenario.client_for(name).get(f"/v1/cases/{own['id']}/links")).json()["items"] == []
    other_caller = "worker_north_2"
    assert [await break_glass(scenario, other_caller, case) for case in (north, south)] == [200, 404]
    assert await list_visibility(scenario, other_caller, north, south) == [True, False], (
        "the first grant stays valid"
    )
    for path in linked_cases.list_paths("worker_south"):
        assert (await scenario.client_for(other_caller).get(path)).status_code == 404, path
    assert await superuser_connection.fetchval("SELECT count(*) FROM break_glass") == 1, (
        "a refused request creates no grant"
    )
    await superuser_connection.execute("UPDATE break_glass SET expires_at = now() - interval '1 second'")
    assert [await break_glass(scenario, other_caller, case) for case in (south, north)] == [200, 404]


async def test_concurrent_break_glass_on_both_linked_cases_shows_at_most_one(
    linked_cases: LinkedCases, scenario: Scenario
) -> None:
    cases = list(linked_cases.cases.values())
    for _ in range(3):
        await asyncio.gather(*(break_glass(scenario, "worker_north_2", case) for case in cases))
        assert sum(await list_visibility(scenario, "worker_north_2", *cases)) <= 1


async def test_new_link_ends_break_glass_access_of_callers_who_see_both_cases(scenario: Scenario) -> None:
    north, south, unlinked = [await scenario.open_case(worker) for worker in (*WORKERS, "worker_south")]
    for name, opened_cases in (("supervisor_north", [south]), ("worker_north_2", [north, south, unlinked])):
        assert {await break_glass(scenario, name, case) for case in opened_cases} == {200}
        assert await list_visibility(scenario, name, north, south) == [True, True]
    link = {"linked_case_id": south["id"], "reason": "Brothers."}
    response = await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", link)
    assert response.status_code == 201
    assert await list_visibility(scenario, "supervisor_north", north, south) == [True, False]
    assert await list_visibility(scenario, "worker_north_2", north, south, unlinked) == [False, False, True]
    assert await list_visibility(scenario, "supervisor_both", north, south) == [True, True]
    assert await list_visibility(scenario, "manager", north, south) == [True, True]


async def test_break_glass_grants_hide_no_case_of_the_callers_own_scope(
    linked_cases: LinkedCases, scenario: Scenario, superuser_connection: Any
) -> None:
    north, south = linked_cases.cases.values()
    insert_grant = """INSERT INTO break_glass (id, case_id, child_id, user_id, opened_at, expires_at, reason_encrypted)
               SELECT gen_random_uuid(), id, child_id, $2, now(), now() + interval '1 hour', '' FROM cases WHERE id = $1"""
    for name in ("worker_north", "supervisor_north", "supervisor_both"):
        for case in (north, south):
            await superuser_connection.execute(insert_grant, uuid.UUID(case["id"]), id_of(name))
    assert await list_visibility(scenario, "worker_north", north, south) == [True, False]
    assert await list_visibility(scenario, "supervisor_north", north, south) == [True, False]
    assert await list_visibility(scenario, "supervisor_both", north, south) == [True, True]
    roles = "UPDATE users SET roles = '{supervisor,programme_manager}' WHERE id = $1"
    await superuser_connection.execute(roles, id_of("supervisor_north"))
    assert await list_visibility(scenario, "supervisor_north", north, south) == [True, True], (
        "a programme manager sees every case"
    )


async def test_supervisor_of_both_teams_sees_both_cases_and_the_link(
    linked_cases: LinkedCases, scenario: Scenario
) -> None:
    for name in ("supervisor_both", "manager"):
        for worker in WORKERS:
            assert {
                (await scenario.client_for(name).get(path)).status_code
                for path in linked_cases.list_paths(worker)
            } == {200}
            links = (await scenario.client_for(name).get(f"{linked_cases.path(worker)}/links")).json()[
                "items"
            ]
            assert len(links) == 1
            assert {links[0]["case_id"], links[0]["linked_case_id"]} == {
                case["id"] for case in linked_cases.cases.values()
            }
    for name, worker in (("supervisor_north", "worker_north"), ("supervisor_south", "worker_south")):
        response = await scenario.client_for(name).get(f"{linked_cases.path(worker)}/links")
        assert (response.status_code, response.json()["items"]) == (200, []), (
            "a supervisor of one team cannot see the link"
        )
        assert (
            await scenario.client_for(name).get(linked_cases.path(other_worker(worker)))
        ).status_code == 404


async def test_worker_cannot_be_assigned_to_both_linked_children(
    linked_cases: LinkedCases, scenario: Scenario, superuser_connection: Any
) -> None:
    # Assignment as lead or co-worker, transfer, and linking of two cases of one worker.
    member = "INSERT INTO team_members (team_id, user_id, is_supervisor) VALUES ($1, $2, false)"
    await superuser_connection.execute(member, id_of("south"), id_of("worker_north"))
    path = linked_cases.path("worker_south")
    for lead, co_workers in (("worker_north", []), ("worker_south", ["worker_north"])):
        staff = {
            "lead_worker_id": str(id_of(lead)),
            "co_worker_ids": [str(id_of(name)) for name in co_workers],
        }
        refused = await scenario.supervisor_both.act(path, "assign", staff)
        assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (409, ["wall"])
    transfer = {
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_north")),
        "reason": "Near her.",
    }
    refused = await scenario.manager.act(path, "transfer", transfer)
    assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (409, ["wall"])
    first, second = [await scenario.open_case("worker_north") for _ in range(2)]
    link = {"linked_case_id": second["id"], "reason": "Sisters."}
    refused = await scenario.supervisor_both.post(f"/v1/cases/{first['id']}/links", link)
    assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (
        409,
        ["shared_worker"],
    )


async def test_link_needs_two_children_and_a_caller_who_sees_both_cases(
    linked_cases: LinkedCases, scenario: Scenario
) -> None:
    first, second = linked_cases.cases["worker_north"], linked_cases.cases["worker_south"]
    path = f"{linked_cases.path('worker_south')}/links"
    duplicate = await scenario.supervisor_both.post(
        path, {"linked_case_id": first["id"], "reason": "Brothers."}
    )
    assert duplicate.status_code == 409
    self_link = await scenario.supervisor_both.post(
        path, {"linked_case_id": second["id"], "reason": "Brothers."}
    )
    assert self_link.status_code == 422
    for name, status in (("supervisor_north", 404), ("supervisor_south", 404), ("worker_south", 403)):
        refused = await scenario.client_for(name).post(
            path, {"linked_case_id": first["id"], "reason": "Brothers."}
        )
        assert refused.status_code == status, name


async def test_programme_manager_who_works_on_one_linked_case_cannot_see_the_other(
    linked_cases: LinkedCases, scenario: Scenario, superuser_connection: Any
) -> None:
    roles = "UPDATE users SET roles = '{social_worker,programme_manager}' WHERE id = $1"
    await superuser_connection.execute(roles, id_of("worker_north"))
    for path in linked_cases.list_paths("worker_north"):
        assert (await scenario.worker_north.get(path)).status_code == 200, path
    for path in linked_cases.list_paths("worker_south"):
        assert (await scenario.worker_north.get(path)).status_code == 404, path


async def test_matches_behind_a_conflict_wall_are_hidden_from_workers_only(
    linked_cases: LinkedCases, scenario: Scenario
) -> None:
    # A new referral of the same household matches both brothers.
    referral = await scenario.create_referral(child=build_brother_payload("Sophea"))
    path = f"/v1/referrals/{referral['id']}"
    assert (
        await scenario.supervisor_both.act(path, "acknowledge", {"team_id": str(id_of("north"))})
    ).status_code == 200
    matches = (await scenario.supervisor_both.get(f"{path}/matches")).json()["items"]
    assert {match["id"] for match in matches} == {case["child_id"] for case in linked_cases.cases.values()}
    response = await scenario.supervisor_both.get(path)
    assignment = {"handed_to_id": str(id_of("worker_north"))}
    patched = await scenario.supervisor_both.patch(path, assignment, etag=response.headers["etag"])
    assert patched.status_code == 200
    visible_matches = (await scenario.worker_north.get(f"{path}/matches")).json()["items"]
    assert {match["id"] for match in visible_matches} == {linked_cases.cases["worker_north"]["child_id"]}
    acceptance = acceptance_payload(child_id=linked_cases.cases["worker_south"]["child_id"])
    refused = await scenario.worker_north.act(path, "accept", acceptance)
    assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (
        409,
        ["child_unknown"],
    )
