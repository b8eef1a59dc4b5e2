"""The linked-case wall: who works on one of two linked cases never learns of the other; a supervisor of both sees both."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

REASON = "The child is at our door and her worker is away."
WORKERS = ("worker_north", "worker_south")


@dataclass(frozen=True)
class Linked:
    """Two brothers, each in the other's case; `sides` by who works on it."""

    sides: dict[str, dict[str, Any]]
    names: dict[str, str]

    def path(self, worker: str) -> str:
        return f"/v1/cases/{self.sides[worker]['id']}"

    def everything(self, worker: str) -> list[str]:
        case = self.sides[worker]
        own = self.path(worker)
        return [
            own, f"{own}/timeline", f"{own}/people", f"/v1/children/{case['child_id']}",
            f"/v1/referrals/{case['referral_id']}", f"{own}/consents",
        ]  # fmt: skip


def brother(given: str) -> dict[str, Any]:
    """A child of one household: brothers look like duplicates."""
    child = referral_payload()["child"]
    return {**child, "names": [{"script": "latin", "family": "Keo", "given": given}]}


@pytest.fixture
async def linked(scenario: Scenario) -> Linked:
    names = dict(zip(WORKERS, ("Sopheak", "Sopheap"), strict=True))
    sides = {worker: await scenario.open_case(worker, child=brother(names[worker])) for worker in WORKERS}
    here, there = sides.values()
    linking = {"linked_case_id": there["id"], "reason": "One was harmed by the other."}
    made = await scenario.supervisor_both.post(f"/v1/cases/{here['id']}/links", linking)
    assert made.status_code == 201, made.text
    return Linked(sides, names)


def far(worker: str) -> str:
    return WORKERS[1 - WORKERS.index(worker)]


async def test_a_worker_of_one_side_finds_no_trace_of_the_other(linked: Linked, scenario: Scenario) -> None:
    for worker in WORKERS:
        caller = scenario.client_for(worker)
        other = linked.sides[far(worker)]
        hidden = {
            other["id"],
            other["child_id"],
            other["referral_id"],
            other["number"],
            linked.names[far(worker)],
        }
        shown = []
        for path in linked.everything(far(worker)):
            assert (await caller.get(path)).status_code == 404, path
        for path in (
            *linked.everything(worker), "/v1/cases", "/v1/children", "/v1/children?q=Keo", "/v1/referrals",
            f"/v1/children?q={linked.names[far(worker)]}", "/v1/consents", "/v1/audit/break-glass",
            f"/v1/referrals/{linked.sides[worker]['referral_id']}/matches",
        ):  # fmt: skip
            answer = await caller.get(path)
            assert answer.status_code == 200, path
            shown += [(path, value) for value in hidden if value in answer.text]
        assert shown == []
        assert (await caller.get(f"{linked.path(worker)}/links")).status_code == 403


async def test_no_reason_breaks_the_wall(
    linked: Linked, scenario: Scenario, superuser_connection: Any
) -> None:
    for worker in WORKERS:
        broken = await scenario.client_for(worker).post(
            f"{linked.path(far(worker))}/break-glass", {"reason": REASON}
        )
        assert broken.status_code == 404
    assert await superuser_connection.fetchval("SELECT count(*) FROM break_glass") == 0


async def test_a_wall_hides_a_case_whose_glass_was_broken_before(scenario: Scenario) -> None:
    north, south = [await scenario.open_case(worker) for worker in WORKERS]
    path = f"/v1/cases/{south['id']}"
    opened = await scenario.worker_north.post(f"{path}/break-glass", {"reason": REASON})
    assert opened.status_code == 200
    assert (await scenario.worker_north.get(path)).status_code == 200
    linking = {"linked_case_id": south["id"], "reason": "Brothers."}
    made = await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", linking)
    assert made.status_code == 201
    assert (await scenario.worker_north.get(path)).status_code == 404


async def glass(scenario: Scenario, name: str, case: dict[str, Any]) -> int:
    broken = await scenario.client_for(name).post(f"/v1/cases/{case['id']}/break-glass", {"reason": REASON})
    return broken.status_code


async def seen(scenario: Scenario, name: str, *cases: dict[str, Any]) -> list[bool]:
    """Which cases somebody finds, and whether the list agrees."""
    listed = (await scenario.client_for(name).get("/v1/cases")).text
    found = []
    for case in cases:
        answer = await scenario.client_for(name).get(f"/v1/cases/{case['id']}")
        assert (answer.status_code == 200) == (case["number"] in listed), (name, case["number"])
        found.append(answer.status_code == 200)
    return found


async def test_who_sees_one_side_breaks_no_glass_on_the_other(
    linked: Linked, scenario: Scenario, superuser_connection: Any
) -> None:
    # Before: only leads and co-workers were "near"; the supervisor of one side read both, and the link.
    north, south = linked.sides.values()
    for name, own, other in (("supervisor_north", north, south), ("supervisor_south", south, north)):
        assert await glass(scenario, name, other) == 404
        assert await seen(scenario, name, own, other) == [True, False]
        assert (await scenario.client_for(name).get(f"/v1/cases/{own['id']}/links")).json()["items"] == []
    stranger = "worker_north_2"
    assert [await glass(scenario, stranger, case) for case in (north, south)] == [200, 404]
    assert await seen(scenario, stranger, north, south) == [True, False], "the first stays open"
    for path in linked.everything("worker_south"):
        assert (await scenario.client_for(stranger).get(path)).status_code == 404, path
    assert await superuser_connection.fetchval("SELECT count(*) FROM break_glass") == 1, (
        "no grant for what it did not open"
    )
    await superuser_connection.execute("UPDATE break_glass SET expires_at = now() - interval '1 second'")
    assert [await glass(scenario, stranger, case) for case in (south, north)] == [200, 404]


async def test_both_sides_opened_at_once_are_never_both_seen(linked: Linked, scenario: Scenario) -> None:
    sides = list(linked.sides.values())
    for _ in range(3):
        await asyncio.gather(*(glass(scenario, "worker_north_2", case) for case in sides))
        assert sum(await seen(scenario, "worker_north_2", *sides)) <= 1


async def test_a_wall_built_later_closes_the_glass_of_who_sees_both(scenario: Scenario) -> None:
    north, south, apart = [await scenario.open_case(worker) for worker in (*WORKERS, "worker_south")]
    for name, opened in (("supervisor_north", [south]), ("worker_north_2", [north, south, apart])):
        assert {await glass(scenario, name, case) for case in opened} == {200}
        assert await seen(scenario, name, north, south) == [True, True]
    linking = {"linked_case_id": south["id"], "reason": "Brothers."}
    made = await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", linking)
    assert made.status_code == 201
    assert await seen(scenario, "supervisor_north", north, south) == [True, False]
    assert await seen(scenario, "worker_north_2", north, south, apart) == [False, False, True]
    assert await seen(scenario, "supervisor_both", north, south) == [True, True]
    assert await seen(scenario, "manager", north, south) == [True, True]


async def test_glass_hides_nothing_of_ones_own(
    linked: Linked, scenario: Scenario, superuser_connection: Any
) -> None:
    """Grants on one's own side, and of who supervises both, take nothing away."""
    north, south = linked.sides.values()
    grant = """INSERT INTO break_glass (id, case_id, child_id, user_id, opened_at, expires_at, reason_encrypted)
               SELECT gen_random_uuid(), id, child_id, $2, now(), now() + interval '1 hour', '' FROM cases WHERE id = $1"""
    for name in ("worker_north", "supervisor_north", "supervisor_both"):
        for case in (north, south):
            await superuser_connection.execute(grant, uuid.UUID(case["id"]), id_of(name))
    assert await seen(scenario, "worker_north", north, south) == [True, False]
    assert await seen(scenario, "supervisor_north", north, south) == [True, False]
    assert await seen(scenario, "supervisor_both", north, south) == [True, True]
    roles = "UPDATE users SET roles = '{supervisor,programme_manager}' WHERE id = $1"
    await superuser_connection.execute(roles, id_of("supervisor_north"))
    assert await seen(scenario, "supervisor_north", north, south) == [True, True], "a manager sees every case"


async def test_a_supervisor_of_both_sees_both_and_that_they_are_linked(
    linked: Linked, scenario: Scenario
) -> None:
    for name in ("supervisor_both", "manager"):
        for worker in WORKERS:
            assert {
                (await scenario.client_for(name).get(path)).status_code for path in linked.everything(worker)
            } == {200}
            links = (await scenario.client_for(name).get(f"{linked.path(worker)}/links")).json()["items"]
            assert len(links) == 1
            assert {links[0]["case_id"], links[0]["linked_case_id"]} == {
                c["id"] for c in linked.sides.values()
            }
    for name, worker in (("supervisor_north", "worker_north"), ("supervisor_south", "worker_south")):
        own = await scenario.client_for(name).get(f"{linked.path(worker)}/links")
        assert (own.status_code, own.json()["items"]) == (200, []), "who sees one side learns of no link"
        assert (await scenario.client_for(name).get(linked.path(far(worker)))).status_code == 404


async def test_nobody_is_put_on_both_sides(
    linked: Linked, scenario: Scenario, superuser_connection: Any
) -> None:
    """By assignment, as lead or beside; by transfer; and not by linking what one person works on either."""
    member = "INSERT INTO team_members (team_id, user_id, is_supervisor) VALUES ($1, $2, false)"
    await superuser_connection.execute(member, id_of("south"), id_of("worker_north"))
    side = linked.path("worker_south")
    for lead, beside in (("worker_north", []), ("worker_south", ["worker_north"])):
        staff = {"lead_worker_id": str(id_of(lead)), "co_worker_ids": [str(id_of(name)) for name in beside]}
        refused = await scenario.supervisor_both.act(side, "assign", staff)
        assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (409, ["wall"])
    move = {
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_north")),
        "reason": "Near her.",
    }
    moved = await scenario.manager.act(side, "transfer", move)
    assert (moved.status_code, [unmet["code"] for unmet in moved.json()["unmet"]]) == (409, ["wall"])
    one, two = [await scenario.open_case("worker_north") for _ in range(2)]
    linking = {"linked_case_id": two["id"], "reason": "Sisters."}
    shared = await scenario.supervisor_both.post(f"/v1/cases/{one['id']}/links", linking)
    assert (shared.status_code, [unmet["code"] for unmet in shared.json()["unmet"]]) == (
        409,
        ["shared_worker"],
    )


async def test_a_link_is_made_once_between_two_children_by_who_sees_both(
    linked: Linked, scenario: Scenario
) -> None:
    one, two = linked.sides["worker_north"], linked.sides["worker_south"]
    path = f"{linked.path('worker_south')}/links"
    again = await scenario.supervisor_both.post(path, {"linked_case_id": one["id"], "reason": "Brothers."})
    assert again.status_code == 409
    itself = await scenario.supervisor_both.post(path, {"linked_case_id": two["id"], "reason": "Brothers."})
    assert itself.status_code == 422
    for name, status in (("supervisor_north", 404), ("supervisor_south", 404), ("worker_south", 403)):
        refused = await scenario.client_for(name).post(
            path, {"linked_case_id": one["id"], "reason": "Brothers."}
        )
        assert refused.status_code == status, name


async def test_a_manager_who_works_on_one_side_does_not_see_the_other(
    linked: Linked, scenario: Scenario, superuser_connection: Any
) -> None:
    roles = "UPDATE users SET roles = '{social_worker,programme_manager}' WHERE id = $1"
    await superuser_connection.execute(roles, id_of("worker_north"))
    for path in linked.everything("worker_north"):
        assert (await scenario.worker_north.get(path)).status_code == 200, path
    for path in linked.everything("worker_south"):
        assert (await scenario.worker_north.get(path)).status_code == 404, path


async def test_matches_show_brothers_to_who_stands_on_neither_side(
    linked: Linked, scenario: Scenario
) -> None:
    """What the wall hides from a worker's matches would be there: a new referral of the same household shows both."""
    told = await scenario.create_referral(child=brother("Sophea"))
    path = f"/v1/referrals/{told['id']}"
    assert (
        await scenario.supervisor_both.act(path, "acknowledge", {"team_id": str(id_of("north"))})
    ).status_code == 200
    found = (await scenario.supervisor_both.get(f"{path}/matches")).json()["items"]
    assert {match["child_id"] for match in found} == {case["child_id"] for case in linked.sides.values()}
    handed = await scenario.supervisor_both.get(path)
    handing = {"handed_to_id": str(id_of("worker_north"))}
    given = await scenario.supervisor_both.patch(path, handing, etag=handed.headers["etag"])
    assert given.status_code == 200
    own = (await scenario.worker_north.get(f"{path}/matches")).json()["items"]
    assert {match["child_id"] for match in own} == {linked.sides["worker_north"]["child_id"]}
    behind = acceptance_payload(child_id=linked.sides["worker_south"]["child_id"])
    refused = await scenario.worker_north.act(path, "accept", behind)
    assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (
        409,
        ["child_unknown"],
    )
