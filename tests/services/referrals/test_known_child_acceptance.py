"""Accepting for a child that is known already: by whom."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

UNLIKE = [{"script": "latin", "family": "Vong", "given": "Piseth"}]


@pytest.fixture
def child() -> dict[str, Any]:
    """A child as two may tell of it."""
    return dict(referral_payload()["child"])


async def known(scenario: Scenario, superuser: Any, child: dict[str, Any]) -> str:
    """A northern child whose case is closed."""
    case = await scenario.open_case(child=child)
    await superuser.execute("UPDATE cases SET status = 'closed' WHERE id = $1", UUID(case["id"]))
    return str(case["child_id"])


async def taken(scenario: Scenario, who: str, child: dict[str, Any] | None = None) -> str:
    """A referral that somebody typed in and acknowledged: of this child, or of one that nobody knows."""
    told = await scenario.create_referral(who, **({"child": child} if child else {}))
    path = f"/v1/referrals/{told['id']}"
    expect_json(
        await scenario.client_for(who).act(
            path, "acknowledge", {"team_id": str(id_of("south"))} if "super" in who else {}
        )
    )
    return path


async def test_a_worker_alone_takes_nobody_elses_child_though_its_case_is_closed(
    scenario: Scenario, child: dict[str, Any], superuser_connection: Any
) -> None:
    # Before: whoever could describe a child of another team was shown it, by a referral of their own.
    theirs = await known(scenario, superuser_connection, child)
    worker = scenario.worker_south
    path = await taken(scenario, "worker_south", child)
    assert theirs in {
        match["child_id"] for match in expect_json(await worker.get(f"{path}/matches"))["items"]
    }
    named = acceptance_payload("worker_south", child_id=theirs)
    assert parse_unmet_pointers(await worker.act(path, "accept", named)) == {"not_yours": "/child_id"}
    assert (await worker.get(f"/v1/children/{theirs}")).status_code == 404

    path = await taken(scenario, "supervisor_south", child)
    accepted = expect_json(await scenario.supervisor_south.act(path, "accept", named))
    assert accepted["child_id"] == theirs
    assert (await worker.get(f"/v1/children/{theirs}")).status_code == 200


async def test_a_worker_takes_back_a_child_of_their_own(
    scenario: Scenario, child: dict[str, Any], superuser_connection: Any
) -> None:
    theirs = await known(scenario, superuser_connection, child)
    path = await taken(scenario, "worker_north")
    accepted = expect_json(
        await scenario.worker_north.act(path, "accept", acceptance_payload(child_id=theirs))
    )
    assert accepted["child_id"] == theirs


@pytest.mark.parametrize("name", ["worker_south", "supervisor_south"])
async def test_broken_glass_joins_nothing_to_a_case(
    scenario: Scenario, child: dict[str, Any], name: str
) -> None:
    # Before: any referral of the looker's own became part of the file.
    case = await scenario.open_case(child=child)
    stranger = scenario.client_for(name)
    expect_json(await stranger.post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD))
    named = acceptance_payload("worker_south", child_id=case["child_id"])
    alike, unlike = (
        await taken(scenario, name, child),
        await taken(scenario, name, {**child, "names": UNLIKE}),
    )
    assert parse_unmet_pointers(await stranger.act(alike, "accept", named)) == {"not_on_case": None}
    assert parse_unmet_pointers(await stranger.act(unlike, "accept", named)) == {"child_unknown": "/child_id"}
    there = expect_json(
        await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline?kind=referral_joined")
    )
    assert there["items"] == []
