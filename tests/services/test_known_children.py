"""Accepting for a child that is known already: by whom."""

from typing import Any
from uuid import UUID

import pytest

from tests.access.test_glass import GLASS
from tests.pathway import done
from tests.services.test_referral_life import unmet
from tests.world import World, acceptance, id_of, referral

UNLIKE = [{"script": "latin", "family": "Vong", "given": "Piseth"}]


@pytest.fixture
def child() -> dict[str, Any]:
    """A child as two may tell of it."""
    return dict(referral()["child"])


async def known(world: World, superuser: Any, child: dict[str, Any]) -> str:
    """A northern child whose case is closed."""
    case = await world.case(child=child)
    await superuser.execute("UPDATE cases SET status = 'closed' WHERE id = $1", UUID(case["id"]))
    return str(case["child_id"])


async def taken(world: World, who: str, child: dict[str, Any] | None = None) -> str:
    """A referral that somebody typed in and acknowledged: of this child, or of one that nobody knows."""
    told = await world.referral(who, **({"child": child} if child else {}))
    path = f"/v1/referrals/{told['id']}"
    done(
        await world.as_(who).act(
            path, "acknowledge", {"team_id": str(id_of("south"))} if "super" in who else {}
        )
    )
    return path


async def test_a_worker_alone_takes_nobody_elses_child_though_its_case_is_closed(
    world: World, child: dict[str, Any], superuser: Any
) -> None:
    # Before: whoever could describe a child of another team was shown it, by a referral of their own.
    theirs = await known(world, superuser, child)
    worker = world.worker_south
    path = await taken(world, "worker_south", child)
    assert theirs in {match["child_id"] for match in done(await worker.get(f"{path}/matches"))["items"]}
    named = acceptance("worker_south", child_id=theirs)
    assert unmet(await worker.act(path, "accept", named)) == {"not_yours": "/child_id"}
    assert (await worker.get(f"/v1/children/{theirs}")).status_code == 404

    path = await taken(world, "supervisor_south", child)
    accepted = done(await world.supervisor_south.act(path, "accept", named))
    assert accepted["child_id"] == theirs
    assert (await worker.get(f"/v1/children/{theirs}")).status_code == 200


async def test_a_worker_takes_back_a_child_of_their_own(
    world: World, child: dict[str, Any], superuser: Any
) -> None:
    theirs = await known(world, superuser, child)
    path = await taken(world, "worker_north")
    accepted = done(await world.worker_north.act(path, "accept", acceptance(child_id=theirs)))
    assert accepted["child_id"] == theirs


@pytest.mark.parametrize("name", ["worker_south", "supervisor_south"])
async def test_broken_glass_joins_nothing_to_a_case(world: World, child: dict[str, Any], name: str) -> None:
    # Before: any referral of the looker's own became part of the file.
    case = await world.case(child=child)
    stranger = world.as_(name)
    done(await stranger.post(f"/v1/cases/{case['id']}/break-glass", GLASS))
    named = acceptance("worker_south", child_id=case["child_id"])
    alike, unlike = await taken(world, name, child), await taken(world, name, {**child, "names": UNLIKE})
    assert unmet(await stranger.act(alike, "accept", named)) == {"not_on_case": None}
    assert unmet(await stranger.act(unlike, "accept", named)) == {"child_unknown": "/child_id"}
    there = done(await world.worker_north.get(f"/v1/cases/{case['id']}/timeline?kind=referral_joined"))
    assert there["items"] == []
