"""Two people prepare or publish a release at the same time. One succeeds, the other one gets the reason."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from tests.support.responses import expect_json, parse_unmet_conditions
from tests.support.scenario import Scenario, id_of

PERIODS = ("2025-Q1", "2025-Q2")


def list_unmet(responses: Iterable[httpx.Response]) -> list[set[tuple[str | None, str]]]:
    return [parse_unmet_conditions(response) for response in responses if response.status_code == 409]


async def prepare(scenario: Scenario, period: str) -> httpx.Response:
    return await scenario.me_officer.post("/v1/releases", {"period": period, "tables": ["exits"]})


async def test_second_of_two_concurrent_drafts_of_a_period_is_refused(scenario: Scenario) -> None:
    # Catches: no lock, so that the second request fails with `already_exists` at the unique index.
    for period in PERIODS:
        responses = await asyncio.gather(*(prepare(scenario, period) for _ in range(4)))
        assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]
        assert list_unmet(responses) == [{("/period", "draft_exists")}] * 3
    assert len(expect_json(await scenario.me_officer.get("/v1/releases"))["items"]) == len(PERIODS)


@pytest.fixture
async def second_manager(scenario: Scenario, superuser_connection: Any) -> Any:
    """A supervisor who also manages the programme."""
    statement = "UPDATE users SET roles = '{supervisor,programme_manager}' WHERE id = $1"
    await superuser_connection.execute(statement, id_of("supervisor_both"))
    return scenario.supervisor_both


async def test_second_of_two_concurrent_publications_of_a_release_is_refused(
    scenario: Scenario, second_manager: Any
) -> None:
    release = expect_json(await prepare(scenario, PERIODS[0]), 201)
    path = f"/v1/releases/{release['id']}/publish"
    responses = await asyncio.gather(
        *(client.post(path, etag='"1"') for client in (scenario.manager, second_manager) for _ in range(2))
    )
    assert sorted(response.status_code for response in responses) == [202, 412, 412, 412]
    stale = {response.json()["type"] for response in responses if response.status_code == 412}
    assert stale == {"urn:firststep:problem:stale"}


async def test_second_of_two_concurrent_publications_of_two_releases_is_refused(
    scenario: Scenario, second_manager: Any
) -> None:
    # Catches: no lock, so that the second request fails with `already_exists` at the unique index.
    paths = [
        f"/v1/releases/{expect_json(await prepare(scenario, period), 201)['id']}/publish"
        for period in PERIODS
    ]
    responses = await asyncio.gather(
        scenario.manager.post(paths[0], etag='"1"'), second_manager.post(paths[1], etag='"1"')
    )
    assert sorted(response.status_code for response in responses) == [202, 409]
    assert list_unmet(responses) == [{(None, "audit_running")}]
