"""Exchange rates that differ by more than 5 % from the last published or the confirmed rate need a second person."""

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from app.kit.dates import today
from tests.support.confirmations import confirm_pending_change, find_pending_change
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_fund,
    expect_disbursement_refused,
    khr,
    payment_payload,
    usd,
)
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

PATH = "/v1/exchange-rates"


async def publish_rate(
    scenario: Scenario, rate: str, days_ago: int = 0, source: str = "National Bank"
) -> tuple[str | None, int]:
    """Return the rate that was recorded, if any, and the number of pending changes."""
    payload = {"on": (today() - timedelta(days=days_ago)).isoformat(), "rate": rate, "source": source}
    decision = expect_json(await scenario.finance.post(PATH, payload), 201)
    effective = decision["effective"]
    return effective and effective["rate"], len(decision["pending_changes"])


async def list_rates(scenario: Scenario) -> list[str]:
    return [item["rate"] for item in expect_json(await scenario.finance.get(PATH))["items"]]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("4305.00", ("4305.00", 0)), ("3895.00", ("3895.00", 0)), ("4305.01", (None, 1)), ("3894.99", (None, 1)),
        ("41000", (None, 1)), ("41", (None, 1)),
    ],
)  # fmt: skip
async def test_rate_more_than_5_percent_from_the_last_one_waits_for_a_second_person(
    scenario: Scenario, rate: str, expected: tuple[str | None, int]
) -> None:
    # Catches: `abs(c.rate - p.rate) * 19`; the comparison with the rate of the same day only.
    assert await publish_rate(scenario, "4100.00", 1) == ("4100.00", 0)
    assert await publish_rate(scenario, rate) == expected


async def test_confirmed_rate_is_published_and_logged(scenario: Scenario) -> None:
    await publish_rate(scenario, "4100.00", 1)
    assert await publish_rate(scenario, "4500") == (None, 1)
    assert await publish_rate(scenario, "4500") == (None, 1)
    change = await find_pending_change(scenario.manager, "exchange_rate")
    assert change["exchange_rate"] == {
        "on": today().isoformat(), "rate": "4500.00", "source": "National Bank", "published_rate": "4100.00",
        "disbursement_number": None,
    }  # fmt: skip
    by_requester = await scenario.finance.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert by_requester.status_code == 403
    assert await list_rates(scenario) == ["4100.00"]
    await confirm_pending_change(scenario, "exchange_rate", by="manager")
    assert await list_rates(scenario) == ["4500.00", "4100.00"]
    newest = expect_json(await scenario.finance.get(PATH))["items"][0]
    assert newest["recorded_by"]["name"] == "Finance"
    repeated = {"on": today().isoformat(), "rate": "4100", "source": "National Bank"}
    assert (await scenario.finance.post(PATH, repeated)).status_code == 409


async def test_requester_can_withdraw_a_rate(scenario: Scenario) -> None:
    await publish_rate(scenario, "4100.00", 1)
    await publish_rate(scenario, "9999")
    change = await find_pending_change(scenario.finance, "exchange_rate")
    expect_json(await scenario.finance.act(f"/v1/pending-changes/{change['id']}", "withdraw"))
    assert await list_rates(scenario) == ["4100.00"]


async def test_rate_cannot_move_step_by_step_within_one_day(scenario: Scenario) -> None:
    # Catches: `p.day IN (c.day)` while the day has a rate.
    await publish_rate(scenario, "4100.00", 1)
    assert await publish_rate(scenario, "4300.00", 0, "A") == ("4300.00", 0)
    assert await publish_rate(scenario, "4500.00", 0, "B") == (None, 1)
    assert await publish_rate(scenario, "3900.00", 0, "C") == (None, 1)
    assert await publish_rate(scenario, "4500.00", 5, "D") == (None, 1)


async def test_concurrent_first_rates_are_compared_with_each_other(scenario: Scenario) -> None:
    results = await asyncio.gather(
        *(publish_rate(scenario, rate, 0, f"source {rate}") for rate in ("4100", "5000", "6000", "7000"))
    )
    assert sorted(number for _, number in results) == [0, 1, 1, 1]


async def test_small_steps_move_the_rate_at_most_5_percent_from_the_first_rate(scenario: Scenario) -> None:
    # Catches: the comparison with the rates of the last earlier day only.
    await publish_rate(scenario, "4100.00", 40)
    assert await publish_rate(scenario, "4300.00", 8) == ("4300.00", 0)
    assert await publish_rate(scenario, "4305.01", 7) == (None, 1)
    assert await publish_rate(scenario, "4500.00", 8, "Other") == (None, 1)
    assert await publish_rate(scenario, "3900.00", 50) == ("3900.00", 0)
    assert await publish_rate(scenario, "3750.00", 60) == (None, 1)
    assert await publish_rate(scenario, "4300.00") == ("4300.00", 0)


async def test_later_rates_are_compared_with_the_confirmed_rate(scenario: Scenario) -> None:
    # Catches: `confirmed_by_id` not stored; the first rate compared although another one is confirmed.
    await publish_rate(scenario, "4100.00", 9)
    assert await publish_rate(scenario, "4500.00", 8) == (None, 1)
    await confirm_pending_change(scenario, "exchange_rate", by="manager")
    assert await publish_rate(scenario, "4700.00", 7) == ("4700.00", 0)
    assert await publish_rate(scenario, "4720.00", 6) == ("4720.00", 0)
    assert await publish_rate(scenario, "4726.00", 5) == (None, 1)
    assert await publish_rate(scenario, "4200.00", 10) == (None, 1)
    rates = expect_json(await scenario.finance.get(PATH))["items"]
    confirmers = {item["rate"]: item["confirmed_by"] and item["confirmed_by"]["name"] for item in rates}
    assert confirmers == {"4720.00": None, "4700.00": None, "4500.00": "Manager", "4100.00": None}


@pytest.mark.parametrize("rate", ["0.00024", "0", "1", "410000"])
async def test_inverse_or_shifted_rate_is_not_published(scenario: Scenario, rate: str) -> None:
    await publish_rate(scenario, "4100.00", 1)
    payload = {"on": today().isoformat(), "rate": rate, "source": "National Bank"}
    response = await scenario.finance.post(PATH, payload)
    assert response.status_code == 422 or response.json()["effective"] is None
    assert await list_rates(scenario) == ["4100.00"]


async def test_import_rejects_a_line_with_a_far_rate(scenario: Scenario) -> None:
    await publish_rate(scenario, "4100.00", 30)
    days = [(today() - timedelta(days=count)).isoformat() for count in (1, 3, 2, 4)]
    lines = [f"{day},{rate},Bank" for day, rate in zip(days, ("4700", "4300", "4500", "4200"), strict=True)]
    text = "\n".join(["on,rate,source", *lines])
    result = expect_json(await scenario.finance.post(f"{PATH}/import", {"csv": text, "dry_run": False}))
    assert (result["entered"], [line["codes"] for line in result["lines"]]) == (
        0, [["rate_far_off"], [], ["rate_far_off"], []],
    )  # fmt: skip
    near = text.replace("4700", "4305").replace("4500", "4304")
    assert (
        expect_json(await scenario.finance.post(f"{PATH}/import", {"csv": near, "dry_run": False}))["entered"]
        == 4
    )


async def test_first_import_is_compared_with_its_first_line(scenario: Scenario) -> None:
    text = f"on,rate,source\n{today() - timedelta(days=2)},4100,X\n{today() - timedelta(days=1)},4300,X\n{today()},4500,X\n"
    result = expect_json(await scenario.finance.post(f"{PATH}/import", {"csv": text, "dry_run": False}))
    assert [line["codes"] for line in result["lines"]] == [[], [], ["rate_far_off"]]


async def test_rate_of_a_payment_is_compared_with_the_confirmed_rate(scenario: Scenario) -> None:
    # Catches: the comparison with the published rate only.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    await publish_rate(scenario, "4000.00", 1)
    await publish_rate(scenario, "4200.00")
    disbursement = await create_approved_disbursement(scenario, case, fund)
    payment = payment_payload(usd("10.00"), {**khr("11000"), "rate": "4400"})
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
        "rate_far_off"
    }
    payment = payment_payload(usd("10.00"), {**khr("10500"), "rate": "4200"})
    await act_on_disbursement(scenario.finance, disbursement, "pay", payment)


async def test_rate_of_a_payment_needs_a_second_person(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    await publish_rate(scenario, "4100.00")
    disbursement = await create_approved_disbursement(scenario, case, fund)
    path = f"/v1/disbursements/{disbursement['id']}"
    payment = payment_payload(usd("10.00"), {**khr("9500"), "rate": "3800"})
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
        "rate_far_off"
    }
    near = await scenario.finance.act(path, "request-rate", {"rate": "4000"})
    assert [unmet["code"] for unmet in near.json()["unmet"]] == ["rate_near"]
    requested = expect_json(await scenario.finance.act(path, "request-rate", {"rate": "3800"}))
    assert [change["kind"] for change in requested["pending_changes"]] == ["payment_rate"]
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
        "rate_far_off"
    }
    change = await confirm_pending_change(scenario, "payment_rate", by="manager")
    assert change["exchange_rate"] == {
        "on": today().isoformat(), "rate": "3800.00", "source": "payment", "published_rate": "4100.00",
        "disbursement_number": disbursement["number"],
    }  # fmt: skip
    other = await create_approved_disbursement(scenario, case, fund)
    assert await expect_disbursement_refused(scenario.finance, other, "pay", payment) == {"rate_far_off"}
    paid = await act_on_disbursement(scenario.finance, disbursement, "pay", payment)
    assert (paid["tenders"][1]["rate"], paid["tenders"][1]["worth"]) == ("3800", usd("2.50"))
    assert await list_rates(scenario) == ["4100.00"]
    assert (await scenario.finance.act(path, "request-rate", {"rate": "3000"})).status_code == 409
    assert (await scenario.finance.post(f"{path}/request-rate", {"rate": "3000"})).status_code == 428


async def test_sql_cannot_publish_a_far_rate(scenario: Scenario, api_connection: Any) -> None:
    await publish_rate(scenario, "4100.00", 1)
    call = "SELECT access.insert_rates_within_tolerance(ARRAY[gen_random_uuid()], ARRAY[$1::date], ARRAY[$2::bigint], ARRAY['x'])"
    direct = (
        'INSERT INTO exchange_rates (id, created_at, version, "on", riel_hundredths, source, recorded_by_id)'
        " VALUES (gen_random_uuid(), now(), 1, current_date, 1, 'x', $1)"
    )
    async with open_transaction_as(api_connection, "finance", "exchange_rate.record"):
        assert await api_connection.fetchval(call, date(2026, 11, 30), 500000) is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api_connection.execute(direct, id_of("finance"))
    async with open_transaction_as(api_connection, "worker_north", "exchange_rate.record"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api_connection.fetchval(call, date(2026, 11, 30), 410000)
