"""Permission to accept a referral for a known child."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.referrals import find_hidden_match
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

OTHER_NAMES = [{"script": "latin", "family": "Vong", "given": "Piseth"}]


@pytest.fixture
def child() -> dict[str, Any]:
    """A child that two referrals report."""
    return dict(referral_payload()["child"])


async def create_child_with_closed_case(scenario: Scenario, superuser: Any, child: dict[str, Any]) -> str:
    """Return the id of a child of the northern team whose case is closed."""
    case = await scenario.open_case(child=child)
    await superuser.execute("UPDATE cases SET status = 'closed' WHERE id = $1", UUID(case["id"]))
    return str(case["child_id"])


async def create_acknowledged_referral(
    scenario: Scenario, name: str, child: dict[str, Any] | None = None
) -> str:
    """Return the path of a referral that a staff member entered and acknowledged, of this child or of a new one."""
    referral = await scenario.create_referral(name, **({"child": child} if child else {}))
    path = f"/v1/referrals/{referral['id']}"
    expect_json(
        await scenario.client_for(name).act(
            path, "acknowledge", {"team_id": str(id_of("south"))} if "super" in name else {}
        )
    )
    return path


async def test_worker_cannot_accept_for_a_child_outside_the_caseload(
    scenario: Scenario, child: dict[str, Any], superuser_connection: Any
) -> None:
    child_id = await create_child_with_closed_case(scenario, superuser_connection, child)
    worker = scenario.worker_south
    path = await create_acknowledged_referral(scenario, "worker_south", child)
    acceptance = acceptance_payload("worker_south", child_id=await find_hidden_match(worker, path))
    assert parse_unmet_pointers(await worker.act(path, "accept", acceptance)) == {"not_yours": "/child_id"}
    assert (await worker.get(f"/v1/children/{child_id}")).status_code == 404

    path = await create_acknowledged_referral(scenario, "supervisor_south", child)
    supervisor = scenario.supervisor_south
    acceptance = acceptance_payload("worker_south", child_id=await find_hidden_match(supervisor, path))
    accepted = expect_json(await supervisor.act(path, "accept", acceptance))
    assert accepted["child_id"] == child_id
    assert (await worker.get(f"/v1/children/{child_id}")).status_code == 200


async def test_worker_can_accept_for_a_child_of_the_own_caseload(
    scenario: Scenario, child: dict[str, Any], superuser_connection: Any
) -> None:
    child_id = await create_child_with_closed_case(scenario, superuser_connection, child)
    path = await create_acknowledged_referral(scenario, "worker_north")
    accepted = expect_json(
        await scenario.worker_north.act(path, "accept", acceptance_payload(child_id=child_id))
    )
    assert accepted["child_id"] == child_id


@pytest.mark.parametrize("name", ["worker_south", "supervisor_south"])
async def test_break_glass_reader_cannot_join_a_referral_to_the_case(
    scenario: Scenario, child: dict[str, Any], name: str
) -> None:
    case = await scenario.open_case(child=child)
    reader = scenario.client_for(name)
    expect_json(await reader.post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD))
    acceptance = acceptance_payload("worker_south", child_id=case["child_id"])
    matching_path, other_path = (
        await create_acknowledged_referral(scenario, name, child),
        await create_acknowledged_referral(scenario, name, {**child, "names": OTHER_NAMES}),
    )
    expect_json(await reader.get(f"{matching_path}/matches"))
    assert parse_unmet_pointers(await reader.act(matching_path, "accept", acceptance)) == {
        "not_on_case": None
    }
    assert parse_unmet_pointers(await reader.act(other_path, "accept", acceptance)) == {
        "child_unknown": "/child_id"
    }
    timeline = expect_json(
        await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline?kind=referral_joined")
    )
    assert timeline["items"] == []
