"""A calendar feed ends with what might have been broken into."""

import pytest

from tests.pathway import done
from tests.services.test_calendar_feeds import fetched, opened
from tests.world import World


@pytest.mark.parametrize("act", ["end-sessions", "reset-password"])
async def test_ending_every_session_ends_the_feeds(world: World, act: str) -> None:
    # Planted: the update of calendar_feeds taken out of `sessions.end`.
    feed, other = await opened(world.worker_north), await opened(world.worker_north_2)
    assert (await fetched(world, feed)).status_code == 200
    done(await world.admin.act(f"/v1/users/{world.worker_north.id}", act))
    assert (await fetched(world, feed)).status_code == 404
    assert (await fetched(world, other)).status_code == 200
