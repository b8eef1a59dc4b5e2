"""Deposits: bank references, and reversals that never overdraw a fund."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.kit.dates import today
from app.services.fund.deposits import fold_reference
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_deposit,
    create_disbursement,
    create_fund,
    get_fund_balances,
    khr,
    statement_path,
    usd,
)
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

REASON = {"reason": "The transfer belongs to another fund."}


def deposit_payload(reference: str = "FT-27012-8841", **changes: Any) -> dict[str, Any]:
    return {"amount": usd("100.00"), "received_on": today().isoformat(), "reference": reference, **changes}


async def get_unmet(response: Any) -> list[str]:
    assert response.status_code == 409, response.text
    return [unmet["code"] for unmet in response.json()["unmet"]]


async def test_reversed_deposit_leaves_the_fund_and_stays_in_the_ledger(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "", lines=[{"category": "transport", "budget": usd("300.00")}])
    kept = await create_deposit(scenario, fund, "40.00", reference="A")
    deposit = await create_deposit(scenario, fund, "100.00", reference="B", line="transport")
    path = f"/v1/deposits/{deposit['id']}"
    assert (await scenario.finance.post(f"{path}/reverse", REASON)).status_code == 428
    assert (await scenario.worker_north.post(f"{path}/reverse", REASON, etag='"1"')).status_code == 403
    etag = (await scenario.finance.get(path)).headers["etag"]
    reversed_deposit = expect_json(await scenario.finance.act(path, "reverse", REASON))
    assert (
        reversed_deposit["status"],
        reversed_deposit["reversal_reason"],
        reversed_deposit["reversed_by"],
    ) == (
        "reversed",
        REASON["reason"],
        {"id": str(scenario.finance.id), "name": "Finance"},
    )
    assert (await scenario.finance.post(f"{path}/reverse", REASON, etag=etag)).status_code == 412
    assert await get_unmet(await scenario.finance.act(path, "reverse", REASON)) == ["status", "deposit_used"]
    balances = await get_fund_balances(scenario, fund)
    assert (balances["given"], balances["available"]) == ("40.00", "40.00")
    entries = expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}/ledger"))["items"]
    assert [entry["kind"] for entry in entries].count("deposit_reversal") == 2
    statement = expect_json(await scenario.finance.get(statement_path(fund)))
    assert (statement["deposits"], statement["closing"]) == (usd("40.00"), usd("40.00"))
    items = expect_json(await scenario.manager.get(f"/v1/funds/{fund['id']}/deposits"))["items"]
    assert [(item["id"], item["status"]) for item in items] == [
        (deposit["id"], "reversed"),
        (kept["id"], "recorded"),
    ]


async def test_deposit_with_used_money_is_not_reversed(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario, "")
    deposit = await create_deposit(scenario, fund, "100.00")
    approved = await create_approved_disbursement(scenario, case, fund, usd("0.01"))
    path = f"/v1/deposits/{deposit['id']}"
    assert await get_unmet(await scenario.finance.act(path, "reverse", REASON)) == ["deposit_used"]
    await act_on_disbursement(scenario.worker_north, approved, "cancel")
    expect_json(await scenario.manager.act(path, "reverse", REASON))
    assert (await get_fund_balances(scenario, fund))["available"] == "0.00"


async def test_closed_fund_and_closed_books_reject_the_reversal(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "")
    deposit = await create_deposit(scenario, fund, "100.00")
    closure = {"reason": "It ends."}
    expect_json(await scenario.manager.get(f"/v1/funds/{fund['id']}"))
    expect_json(await scenario.manager.act(f"/v1/funds/{fund['id']}", "close", closure))
    response = await scenario.finance.act(f"/v1/deposits/{deposit['id']}", "reverse", REASON)
    assert await get_unmet(response) == ["fund_closed", "deposit_used"]


@pytest.mark.parametrize(
    "spelling",
    [
        "FT-27012-8841",
        "ft 27012 8841",
        "FT270128841",
        "Ft‑27012–8841",
        "FT ២៧០១២ ៨៨៤១",
        "\u200bFT-27012-8841 ",
    ],
)
async def test_bank_reference_is_used_once_in_all_funds(scenario: Scenario, spelling: str) -> None:
    # Catches: `reference_key` without `fold_identifier`.
    fund, other_fund = await create_fund(scenario, ""), await create_fund(scenario, "", "KHR", name="other")
    path, other_path = (f"/v1/funds/{each['id']}/deposits" for each in (fund, other_fund))
    first = expect_json(await scenario.finance.post(path, deposit_payload()), 201)
    repeated, in_riel = deposit_payload(spelling), deposit_payload(spelling, amount=khr("400000"))
    for response in (
        await scenario.finance.post(path, repeated),
        await scenario.finance.post(other_path, in_riel),
    ):
        (unmet,) = response.json()["unmet"]
        named = {"deposit_id": first["id"], "fund": fund["name"]}
        assert (unmet["code"], unmet["pointer"], unmet["params"]) == ("reference_used", "/reference", named)
    reason = {"duplicate_reason": "Two transfers on one day."}
    second = expect_json(await scenario.finance.post(other_path, {**in_riel, **reason}), 201)
    assert second["duplicate_reason"] == reason["duplicate_reason"]
    for deposit in (first, second):
        expect_json(await scenario.finance.act(f"/v1/deposits/{deposit['id']}", "reverse", REASON))
    expect_json(await scenario.finance.post(path, repeated), 201)


async def test_reason_for_a_repeated_reference_is_in_the_access_log(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "")
    payload = deposit_payload(duplicate_reason="Two transfers on one day.")
    response = await scenario.finance.post(f"/v1/funds/{fund['id']}/deposits", payload)
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert entry["changes"]["duplicate_reason"] == {"old": None, "new": "Two transfers on one day."}


async def test_concurrent_deposits_with_one_reference_are_recorded_once(scenario: Scenario) -> None:
    funds = [await create_fund(scenario, "", name=name) for name in ("first", "second")]
    paths = [f"/v1/funds/{fund['id']}/deposits" for fund in funds]
    responses = await asyncio.gather(*(scenario.finance.post(path, deposit_payload()) for path in paths * 3))
    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409, 409, 409]
    available = [(await get_fund_balances(scenario, fund))["available"] for fund in funds]
    assert sorted(available) == ["0.00", "100.00"]


async def test_concurrent_reversals_and_approvals_never_overdraw_the_fund(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario, "")
    deposits = [await create_deposit(scenario, fund, "10.00", reference=str(number)) for number in range(4)]
    disbursements = [await create_disbursement(scenario, case, usd("10.00")) for _ in range(4)]
    responses = await asyncio.gather(
        *(scenario.finance.act(f"/v1/deposits/{deposit['id']}", "reverse", REASON) for deposit in deposits),
        *(
            scenario.supervisor_north.act(
                f"/v1/disbursements/{item['id']}", "approve", {"fund_id": fund["id"]}
            )
            for item in disbursements
        ),
    )
    assert sorted(response.status_code for response in responses) == [200] * 4 + [409] * 4
    refused = {
        unmet["code"]
        for response in responses
        if response.status_code == 409
        for unmet in response.json()["unmet"]
    }
    assert refused <= {"deposit_used", "fund_exhausted"}
    balances = await get_fund_balances(scenario, fund)
    assert (balances["available"], balances["given"]) == ("0.00", balances["reserved"])


async def execute_and_check(connection: Any, statement: str, *arguments: object) -> None:
    """Execute a statement and the checks that are otherwise deferred to the commit."""
    async with connection.transaction():
        await connection.execute(statement, *arguments)
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


async def test_sql_cannot_reverse_a_deposit_without_its_money(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the trigger require_posted_deposit missing from deposits or from ledger_transactions.
    fund = await create_fund(scenario, "")
    deposit = await create_deposit(scenario, fund, "100.00")
    finance = id_of("finance")
    reverse = (
        "UPDATE deposits SET status = 'reversed', reversed_by_id = $1, reversed_at = now(), reversal_reason = 'x'"
        " WHERE id = $2"
    )
    insert = (
        "INSERT INTO deposits (id, created_at, updated_at, version, fund_id, line, amount, received_on, reference,"
        " reference_key, status, recorded_by_id)"
        " SELECT gen_random_uuid(), now(), now(), 1, fund_id, line, 900, received_on, 'y', $1, 'recorded', $2"
        " FROM deposits LIMIT 1"
    )
    post_again = (
        'INSERT INTO ledger_transactions (id, created_at, kind, "on", fund_id, deposit_id, by_id)'
        " SELECT gen_random_uuid(), now(), $1, current_date, fund_id, id, $2 FROM deposits LIMIT 1"
    )
    for statement, arguments, error in (
        (reverse, (finance, deposit["id"]), "deposit once"),
        (insert, ("y", finance), "deposit once"),
        (insert, (fold_reference(deposit["reference"]), finance), "uq_deposits_reference"),
        (post_again, ("deposit", finance), "uq_ledger_transactions_deposit"),
        (post_again, ("deposit_reversal", finance), "does not balance|deposit once"),
        ("UPDATE deposits SET amount = 1", (), "permission denied"),
        ("DELETE FROM deposits", (), "permission denied"),
    ):
        async with open_transaction_as(api_connection, "finance"):
            with pytest.raises(asyncpg.PostgresError, match=error):
                await execute_and_check(api_connection, statement, *arguments)
