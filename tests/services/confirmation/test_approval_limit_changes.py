"""A lower approval limit applies at once, a higher one when a second person confirms it."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.confirmations import confirm_pending_change, find_pending_change
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

PATH = "/v1/approval-limits"


def build_limit(amount: str | None, days: int = 0, **changes: Any) -> dict[str, Any]:
    money = None if amount is None else {"amount": amount, "currency": "USD"}
    day = (today() + timedelta(days=days)).isoformat()
    limit = {"role": "supervisor", "act": "approve", "currency": "USD", "amount": money, "starts_on": day}
    return {**limit, **changes}


async def set_limit(scenario: Scenario, limit: dict[str, Any]) -> tuple[str | None, int]:
    """Return the amount that applies on the first day of the limit, and the number of pending changes."""
    decision = expect_json(await scenario.admin.post(PATH, limit))
    effective = decision["effective"]
    return effective and effective["amount"]["amount"], len(decision["pending_changes"])


@pytest.mark.parametrize(("amount", "expected"), [("199.99", ("199.99", 0)), ("200.00", ("200.00", 0))])
async def test_limit_that_is_not_higher_applies_at_once(
    scenario: Scenario, amount: str, expected: tuple[str, int]
) -> None:
    assert await set_limit(scenario, build_limit(amount)) == expected


@pytest.mark.parametrize("amount", ["200.01", None])
async def test_higher_limit_waits_for_a_second_person(scenario: Scenario, amount: str | None) -> None:
    limit = build_limit(amount)
    assert await set_limit(scenario, limit) == ("200.00", 1)
    assert await set_limit(scenario, limit) == ("200.00", 1)
    change = await find_pending_change(scenario.manager)
    assert change["approval_limit"] == limit
    assert change["person"] is None
    await confirm_pending_change(scenario, by="manager")
    newest = expect_json(await scenario.admin.get(PATH))["items"][0]
    assert (newest["amount"], newest["set_by"]["name"]) == (limit["amount"], "Admin")
    assert (await scenario.admin.post(PATH, limit)).status_code == 409


async def test_limit_is_compared_with_the_one_that_applies_on_its_first_day(scenario: Scenario) -> None:
    assert await set_limit(scenario, build_limit("50.00", 10)) == ("50.00", 0)
    assert await set_limit(scenario, build_limit("100.00", 5)) == ("100.00", 0)
    assert await set_limit(scenario, build_limit("60.00", 20)) == ("50.00", 1)


async def test_first_limit_of_a_role_waits_for_a_second_person(scenario: Scenario) -> None:
    assert await set_limit(scenario, build_limit("1.00", role="social_worker")) == (None, 1)


async def test_limit_that_was_set_meanwhile_is_not_set_again(scenario: Scenario) -> None:
    assert await set_limit(scenario, build_limit("300.00")) == ("200.00", 1)
    assert await set_limit(scenario, build_limit("100.00")) == ("100.00", 0)
    change = await find_pending_change(scenario.dpo)
    refused = await scenario.dpo.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert refused.json()["unmet"][0]["code"] == "already_done"
