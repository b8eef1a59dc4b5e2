"""Limits for one child: all currencies, all cases, and the time at which the server recorded an act."""

import asyncio
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.child_merges import close_case, merge
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    expect_disbursement_refused,
    khr,
    payment_payload,
    usd,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


async def publish_rate(scenario: Scenario, rate: str = "4000.00", days_ago: int = 0) -> None:
    payload = {"on": str(today() - timedelta(days=days_ago)), "rate": rate, "source": "National Bank"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", payload), 201)


async def list_awaiting(scenario: Scenario, caller: str) -> list[str]:
    response = await scenario.client_for(caller).get("/v1/disbursements", params={"awaiting": "me"})
    return [item["id"] for item in expect_json(response)["items"]]


async def test_approvals_in_both_currencies_count_for_the_limit_of_the_month(scenario: Scenario) -> None:
    # Catches: `d.currency = p_currency` in access.find_case_limit_fault().
    case = await scenario.open_case()
    dollars, riel = await create_fund(scenario), await create_fund(scenario, "9000000", "KHR")
    await publish_rate(scenario)
    for _ in range(2):
        await create_approved_disbursement(scenario, case, dollars, usd("200.00"))
    above = await create_disbursement(scenario, case, khr("800000"))
    await act_on_disbursement(scenario.supervisor_north, above, "approve", {"fund_id": riel["id"]})
    last = await create_disbursement(scenario, case, khr("100"))
    approval = {"fund_id": riel["id"]}
    assert await expect_disbursement_refused(scenario.supervisor_north, last, "approve", approval) == {
        "above_case_limit"
    }
    assert await list_awaiting(scenario, "supervisor_north") == []
    await act_on_disbursement(scenario.manager, last, "approve", approval)


async def test_other_currency_without_a_rate_is_refused(scenario: Scenario) -> None:
    # Catches: the amounts without a rate missing from the sum.
    case = await scenario.open_case()
    dollars, riel = await create_fund(scenario), await create_fund(scenario, "9000000", "KHR")
    await create_approved_disbursement(scenario, case, dollars, usd("1.00"))
    request = await create_disbursement(scenario, case, khr("4000"))
    approval = {"fund_id": riel["id"]}
    assert await expect_disbursement_refused(scenario.supervisor_north, request, "approve", approval) == {
        "rate_missing"
    }
    await publish_rate(scenario)
    await act_on_disbursement(scenario.supervisor_north, request, "approve", approval)


async def test_amounts_are_converted_at_the_rate_of_their_day(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the rate of today for all amounts.
    case = await scenario.open_case()
    dollars, riel = await create_fund(scenario), await create_fund(scenario, "9000000", "KHR")
    await publish_rate(scenario, "4000.00", 1)
    for _ in range(2):
        await create_approved_disbursement(scenario, case, riel, khr("800000"))
    # The rate of today would make the riel worth 420 dollars.
    await superuser_connection.execute(
        "UPDATE disbursements SET approved_at = date_trunc('month', now() AT TIME ZONE 'Asia/Phnom_Penh')"
        " AT TIME ZONE 'Asia/Phnom_Penh'"
    )
    if today().day == 1:
        return
    await superuser_connection.execute(
        'INSERT INTO exchange_rates (id, created_at, version, "on", riel_hundredths, source, recorded_by_id)'
        " SELECT gen_random_uuid(), now(), 1, $1, 500000, 'first day', id FROM users LIMIT 1",
        today().replace(day=1),
    )
    await create_approved_disbursement(scenario, case, dollars, usd("200.00"))
    within = await create_disbursement(scenario, case, usd("80.00"))
    await act_on_disbursement(scenario.supervisor_north, within, "approve", {"fund_id": dollars["id"]})
    above = await create_disbursement(scenario, case, usd("0.01"))
    assert await expect_disbursement_refused(
        scenario.supervisor_north, above, "approve", {"fund_id": dollars["id"]}
    ) == {"above_case_limit"}


async def test_concurrent_approvals_in_two_cases_and_currencies_stay_within_the_limit_of_the_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the lock on the case; `d.case_id = p_case` in access.find_case_limit_fault().
    case, other = await scenario.open_case(), await scenario.open_case()
    dollars, riel = await create_fund(scenario), await create_fund(scenario, "9000000", "KHR")
    await publish_rate(scenario)
    requests = [
        (await create_disbursement(scenario, each, amount), fund)
        for each in (case, other)
        for amount, fund in ((usd("150.00"), dollars), (khr("600000"), riel)) * 2
    ]
    await close_case(superuser_connection, other)
    await merge(scenario, case["child_id"], other["child_id"])
    responses = await asyncio.gather(
        *(
            scenario.supervisor_north.act(
                f"/v1/disbursements/{item['id']}", "approve", {"fund_id": fund["id"]}
            )
            for item, fund in requests
        )
    )
    assert sorted(response.status_code for response in responses) == [200] * 4 + [409] * 4


async def test_emergencies_count_on_the_day_on_which_they_are_recorded(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the sum by `paid_on`.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    requests = [
        await create_disbursement(scenario, case, usd("40.00"), urgency="emergency") for _ in range(3)
    ]
    await superuser_connection.execute("UPDATE disbursements SET created_at = created_at - interval '5 days'")
    for days_ago, request in enumerate(requests):
        paid_on = (today() - timedelta(days=days_ago)).isoformat()
        payment = payment_payload(usd("40.00"), fund_id=fund["id"], paid_on=paid_on)
        if days_ago < 2:
            await act_on_disbursement(scenario.finance, request, "pay", payment)
        else:
            assert await expect_disbursement_refused(scenario.finance, request, "pay", payment) == {
                "above_case_limit"
            }
            assert await list_awaiting(scenario, "finance") == []
