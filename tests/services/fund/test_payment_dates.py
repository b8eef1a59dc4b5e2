"""The day of a payment: between the approval and today, recent or confirmed, and never in closed books."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.confirmations import confirm_pending_change
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    expect_disbursement_refused,
    payment_payload,
    usd,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


async def create_approved_days_ago(scenario: Scenario, superuser: Any, days: int) -> dict[str, Any]:
    disbursement = await create_approved_disbursement(
        scenario, await scenario.open_case(), await create_fund(scenario)
    )
    await superuser.execute(
        "UPDATE disbursements SET created_at = created_at - make_interval(days => $1),"
        " approved_at = approved_at - make_interval(days => $1), release_on = release_on - $1::int",
        days,
    )
    return disbursement


def pay_days_ago(days: int, **changes: Any) -> dict[str, Any]:
    return payment_payload(paid_on=(today() - timedelta(days=days)).isoformat(), **changes)


async def test_payment_more_than_seven_days_ago_needs_a_second_person(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `check_payment_date` without the period; the confirmation of any day accepted.
    disbursement = await create_approved_days_ago(scenario, superuser_connection, 20)
    path = f"/v1/disbursements/{disbursement['id']}"
    old, older = pay_days_ago(8), pay_days_ago(9)
    for payment in (old, older):
        assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
            "payment_date_old"
        }
    recent = {"paid_on": pay_days_ago(7)["paid_on"]}
    refused = await scenario.finance.act(path, "request-payment-date", recent)
    assert [unmet["code"] for unmet in refused.json()["unmet"]] == ["payment_date_recent"]
    requested = await scenario.finance.act(path, "request-payment-date", {"paid_on": old["paid_on"]})
    assert [change["kind"] for change in expect_json(requested)["pending_changes"]] == ["payment_date"]
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", old) == {
        "payment_date_old"
    }
    listed = await scenario.manager.get("/v1/pending-changes")
    entries = await scenario.list_access_entries(listed.headers["x-request-id"])
    assert disbursement["id"] in {entry["record"]["id"] for entry in entries}
    change = await confirm_pending_change(scenario, "payment_date", by="manager")
    named = {"paid_on": old["paid_on"], "disbursement_number": disbursement["number"]}
    assert change["payment_date"] == named
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", older) == {
        "payment_date_old"
    }
    paid = await act_on_disbursement(scenario.finance, disbursement, "pay", old)
    assert paid["paid_on"] == old["paid_on"]


async def test_payment_seven_days_ago_needs_no_confirmation(
    scenario: Scenario, superuser_connection: Any
) -> None:
    disbursement = await create_approved_days_ago(scenario, superuser_connection, 20)
    await act_on_disbursement(scenario.finance, disbursement, "pay", pay_days_ago(7))


@pytest.mark.parametrize(("days", "code"), [(3, "before_approval"), (-1, None)])
async def test_payment_before_the_approval_or_in_the_future_is_rejected(
    scenario: Scenario, superuser_connection: Any, days: int, code: str | None
) -> None:
    disbursement = await create_approved_days_ago(scenario, superuser_connection, 2)
    await superuser_connection.execute("UPDATE disbursements SET created_at = created_at - interval '9 days'")
    payment = pay_days_ago(days)
    if code:
        assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {code}
    else:
        path = f"/v1/disbursements/{disbursement['id']}"
        assert (await scenario.finance.act(path, "pay", payment)).status_code == 422


async def test_payment_on_a_confirmed_day_is_rejected_if_its_books_are_closed(
    scenario: Scenario, superuser_connection: Any
) -> None:
    disbursement = await create_approved_days_ago(scenario, superuser_connection, 20)
    path, old = f"/v1/disbursements/{disbursement['id']}", pay_days_ago(10)
    expect_json(await scenario.finance.act(path, "request-payment-date", {"paid_on": old["paid_on"]}))
    await confirm_pending_change(scenario, "payment_date", by="manager")
    closing = {"until": pay_days_ago(9)["paid_on"]}
    expect_json(await scenario.finance.post("/v1/books-closings", closing), 201)
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", old) == {"books_closed"}
    refused = await scenario.finance.act(path, "request-payment-date", {"paid_on": old["paid_on"]})
    assert [unmet["code"] for unmet in refused.json()["unmet"]] == ["books_closed"]


async def test_old_emergency_payment_also_needs_a_second_person(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_disbursement(scenario, case, usd("12.50"), urgency="emergency")
    await superuser_connection.execute("UPDATE disbursements SET created_at = created_at - interval '9 days'")
    payment = pay_days_ago(8, fund_id=fund["id"])
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
        "payment_date_old"
    }
