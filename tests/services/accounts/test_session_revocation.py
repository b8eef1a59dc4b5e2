"""Revocation of sessions by administrators."""

import pytest

from tests.support.calendar_feeds import create_feed, fetch_feed
from tests.support.confirmations import confirm_pending_change
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


@pytest.mark.parametrize("act", ["end-sessions", "reset-password"])
async def test_ending_all_sessions_revokes_calendar_feeds(scenario: Scenario, act: str) -> None:
    # Catches: `revoke_sessions` does not update calendar_feeds.
    feed, other_users_feed = (
        await create_feed(scenario.worker_north),
        await create_feed(scenario.worker_north_2),
    )
    assert (await fetch_feed(scenario, feed)).status_code == 200
    expect_json(await scenario.admin.act(f"/v1/users/{scenario.worker_north.id}", act))
    if act == "reset-password":
        await confirm_pending_change(scenario)
    assert (await fetch_feed(scenario, feed)).status_code == 404
    assert (await fetch_feed(scenario, other_users_feed)).status_code == 200
