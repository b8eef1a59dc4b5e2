"""Property test: random acts on disbursements in two currencies, compared with a model of the balances after each act.

`FUND_STEPS=5000` sets the number of acts; the default is 1,500.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.kit.dates import today
from tests.support.fund import (
    create_disbursement,
    create_fund,
    disbursement_payload,
    payment_payload,
    upload_receipt,
)
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario

STEPS = int(os.environ.get("FUND_STEPS", "1500"))
STEPS_PER_RUN = 60
CASE_LIMITS = {"USD": 60_000, "KHR": 2_400_000}
"""Largest sum that a supervisor can approve for a case in a month, in minor units."""
DAY_LIMITS = {"USD": 10_000, "KHR": 400_000}
"""Largest sum that a finance officer can pay for emergencies of a case on a day, in minor units."""
RIEL_PER_DOLLAR = 4_000
RECEIPT_AMOUNTS = (None, 100_000, 100_000, 100_000, 500, 2_500)
"""US cents on each receipt; None for a receipt without an amount."""
Run = Callable[[Coroutine[Any, Any, Any]], Any]


def money(minor: int, currency: str) -> dict[str, str]:
    amount = f"{minor // 100}.{minor % 100:02}" if currency == "USD" else str(minor)
    return {"amount": amount, "currency": currency}


def convert(minor: int, currency: str, target: str) -> int:
    """Return an amount in minor units of another currency, at the only published rate."""
    if currency == target:
        return minor
    riel_per_cent = RIEL_PER_DOLLAR // 100
    return minor * riel_per_cent if currency == "USD" else (2 * minor + riel_per_cent) // (2 * riel_per_cent)


@dataclass
class ModelDisbursement:
    """The expected state of a disbursement."""

    id: str
    currency: str
    amount: int
    urgency: str
    status: str = "requested"
    approved: bool = False
    paid_first: bool = False
    rounding: int = 0
    receipt: int | None = None
    """Number of the receipt that proves the payment."""
    spent: int = 0


@dataclass
class ModelDeposit:
    """The expected state of a deposit."""

    id: str
    amount: int
    number: int
    """Number of the bank reference."""
    status: str = "recorded"


@dataclass
class ModelFund:
    """The expected balances of a fund."""

    id: str
    balances: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("given", "available", "reserved", "advanced", "spent", "rounding"), 0
        )
    )
    deposits: list["ModelDeposit"] = field(default_factory=list)

    def move(self, origin: str, target: str, amount: int) -> None:
        self.balances[origin] -= amount
        self.balances[target] += amount


@dataclass
class Context:
    """The application, and one case, that all runs share."""

    scenario: Scenario
    connection: Any
    run: Run
    case: dict[str, Any]
    fund_count: int = 0


@pytest.fixture
async def context(scenario: Scenario, superuser_connection: Any) -> Context:
    loop = asyncio.get_running_loop()
    case = await scenario.open_case()
    rate = {"on": today().isoformat(), "rate": str(RIEL_PER_DOLLAR), "source": "National Bank"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", rate), 201)
    return Context(scenario, superuser_connection, loop.run_until_complete, case)


class FundStateMachine(RuleBasedStateMachine):
    context: ClassVar[Context]
    disbursements: list[ModelDisbursement]
    funds: dict[str, ModelFund]
    receipts: list[str]

    def sum_case(self, currency: str, *, paid_first: bool) -> int:
        """Return the sum that counts for the limit of the case: of the approvals, or of the emergency payments."""
        return sum(
            convert(disbursement.amount, disbursement.currency, currency)
            for disbursement in self.disbursements
            if disbursement.status in {"approved", "paid", "reconciled"}
            and (disbursement.paid_first if paid_first else disbursement.approved)
        )

    @initialize()
    def create_funds(self) -> None:
        self.disbursements = []
        self.funds = {}
        # A case of its own for each run, because limits and receipts belong to the case.
        self.context.case = self.context.run(self.context.scenario.open_case())
        self.receipts = [
            self.context.run(
                upload_receipt(self.context.scenario, self.context.case, amount=cents and money(cents, "USD"))
            )
            for cents in RECEIPT_AMOUNTS
        ]
        for currency in ("USD", "KHR"):
            self.context.fund_count += 1
            fund = self.context.run(
                create_fund(self.context.scenario, "", currency, name=str(self.context.fund_count))
            )
            self.funds[currency] = ModelFund(fund["id"])

    @rule(
        currency=st.sampled_from(["USD", "KHR"]),
        amount=st.integers(1, 9_000),
        number=st.integers(1, 12),
        spelling=st.sampled_from(["FT-{}", "ft {}", "FT{}"]),
        duplicate_reason=st.sampled_from([None, None, "Two transfers."]),
    )
    def create_deposit(
        self, currency: str, amount: int, number: int, spelling: str, duplicate_reason: str | None
    ) -> None:
        fund = self.funds[currency]
        payload = {
            "amount": money(amount, currency), "received_on": "2026-11-02", "reference": spelling.format(f"{self.context.fund_count}-{number}"),
            "duplicate_reason": duplicate_reason,
        }  # fmt: skip
        response = self.context.run(
            self.context.scenario.finance.post(f"/v1/funds/{fund.id}/deposits", payload)
        )
        all_deposits = [deposit for each in self.funds.values() for deposit in each.deposits]
        used = {deposit.number for deposit in all_deposits if deposit.status == "recorded"}
        if number in used and duplicate_reason is None:
            assert [unmet["code"] for unmet in response.json()["unmet"]] == ["reference_used"]
            return
        fund.deposits.append(ModelDeposit(expect_json(response, 201)["id"], amount, number))
        fund.balances["given"] += amount
        fund.balances["available"] += amount

    @rule(currency=st.sampled_from(["USD", "KHR"]), index=st.integers(0))
    def reverse_deposit(self, currency: str, index: int) -> None:
        fund = self.funds[currency]
        if not fund.deposits:
            return
        deposit = fund.deposits[index % len(fund.deposits)]
        response = self.context.run(
            self.context.scenario.finance.act(
                f"/v1/deposits/{deposit.id}", "reverse", {"reason": "Wrong fund."}
            )
        )
        unmet = {"status"} if deposit.status == "reversed" else set()
        unmet |= {"deposit_used"} if fund.balances["available"] < deposit.amount else set()
        if unmet:
            assert {fault["code"] for fault in response.json()["unmet"]} == unmet
            return
        deposit.status = expect_json(response)["status"]
        fund.balances["given"] -= deposit.amount
        fund.balances["available"] -= deposit.amount

    @rule(
        currency=st.sampled_from(["USD", "KHR"]),
        amount=st.integers(1, 5_000),
        urgency=st.sampled_from(["routine", "emergency"]),
    )
    def create_disbursement(self, currency: str, amount: int, urgency: str) -> None:
        created = self.context.run(
            create_disbursement(
                self.context.scenario, self.context.case, money(amount, currency), urgency=urgency
            )
        )
        self.disbursements.append(ModelDisbursement(created["id"], currency, amount, urgency))

    @rule(index=st.integers(0), fund_currency=st.sampled_from(["USD", "KHR"]))
    def approve(self, index: int, fund_currency: str) -> None:
        if not self.disbursements:
            return
        disbursement, fund = self.disbursements[index % len(self.disbursements)], self.funds[fund_currency]
        is_first_approval = (
            disbursement.status == "requested" and fund.balances["available"] >= disbursement.amount
        )
        is_approval_after_payment = disbursement.status == "paid" and not disbursement.approved
        earlier = self.sum_case(disbursement.currency, paid_first=False)
        is_allowed = (
            fund_currency == disbursement.currency
            and (is_first_approval or is_approval_after_payment)
            and earlier + disbursement.amount <= CASE_LIMITS[disbursement.currency]
        )
        if self.act(
            self.context.scenario.supervisor_north,
            disbursement,
            "approve",
            {"fund_id": fund.id},
            is_allowed=is_allowed,
        ):
            if disbursement.status == "requested":
                fund.move("available", "reserved", disbursement.amount)
                disbursement.status = "approved"
            disbursement.approved = True

    @rule(index=st.integers(0), deviation=st.sampled_from(["none", "none", "none", "wrong", "notes"]))
    def pay(self, index: int, deviation: str) -> None:
        if not self.disbursements:
            return
        disbursement = self.disbursements[index % len(self.disbursements)]
        fund = self.funds[disbursement.currency]
        is_emergency_payment = disbursement.status == "requested" and disbursement.urgency == "emergency"
        paid = disbursement.amount + (deviation == "wrong")
        if deviation == "notes" and disbursement.currency == "KHR":
            paid = max(100, -(-disbursement.amount // 100) * 100)
        rounding = paid - disbursement.amount
        # A cent is 40 riel, which no notes give. A payment in cash can differ by it.
        is_right_amount = not rounding or disbursement.currency == "USD" or deviation == "notes"
        payload = payment_payload(money(paid, disbursement.currency), fund_id=fund.id)
        has_money = fund.balances["available"] >= max(rounding, 0) + (
            disbursement.amount if is_emergency_payment else 0
        )
        earlier = self.sum_case(disbursement.currency, paid_first=True)
        is_in_limit = (
            not is_emergency_payment or earlier + disbursement.amount <= DAY_LIMITS[disbursement.currency]
        )
        is_payable = is_emergency_payment or disbursement.status == "approved"
        is_allowed = is_right_amount and has_money and is_in_limit and is_payable
        if self.act(self.context.scenario.finance, disbursement, "pay", payload, is_allowed=is_allowed):
            fund.move("available" if is_emergency_payment else "reserved", "advanced", disbursement.amount)
            fund.move("available", "rounding", rounding)
            disbursement.status, disbursement.rounding = "paid", rounding
            disbursement.paid_first = is_emergency_payment

    @rule(index=st.integers(0), share=st.integers(0, 110), receipt=st.integers(0, len(RECEIPT_AMOUNTS) - 1))
    def reconcile(self, index: int, share: int, receipt: int) -> None:
        if not self.disbursements:
            return
        disbursement = self.disbursements[index % len(self.disbursements)]
        spent = disbursement.amount * share // 100
        payload = {
            "spent": money(spent, disbursement.currency),
            "receipt_document_ids": [self.receipts[receipt]],
        }
        is_used = any(
            other.receipt == receipt and other.status == "reconciled" for other in self.disbursements
        )
        cents = RECEIPT_AMOUNTS[receipt]
        is_covered = cents is not None and spent <= convert(cents, "USD", disbursement.currency)
        is_reconcilable = disbursement.status == "paid" and disbursement.approved
        is_allowed = is_reconcilable and spent <= disbursement.amount and not is_used and is_covered
        if self.act(self.context.scenario.finance, disbursement, "reconcile", payload, is_allowed=is_allowed):
            self.funds[disbursement.currency].move("advanced", "spent", spent)
            self.funds[disbursement.currency].move("advanced", "available", disbursement.amount - spent)
            disbursement.status, disbursement.spent, disbursement.receipt = "reconciled", spent, receipt

    @rule(index=st.integers(0))
    def reverse(self, index: int) -> None:
        if not self.disbursements:
            return
        disbursement = self.disbursements[index % len(self.disbursements)]
        is_allowed = disbursement.status in {"paid", "reconciled"}
        if self.act(
            self.context.scenario.finance, disbursement, "reverse", {"reason": "Back."}, is_allowed=is_allowed
        ):
            fund = self.funds[disbursement.currency]
            if disbursement.status == "paid":
                fund.move("advanced", "available", disbursement.amount)
            else:
                fund.move("spent", "available", disbursement.spent)
            fund.move("rounding", "available", disbursement.rounding)
            disbursement.status = "reversed"

    @rule(index=st.integers(0), verb=st.sampled_from(["cancel", "reject"]))
    def cancel_or_reject(self, index: int, verb: str) -> None:
        if not self.disbursements:
            return
        disbursement = self.disbursements[index % len(self.disbursements)]
        is_allowed = disbursement.status == "requested" or (
            verb == "cancel" and disbursement.status == "approved"
        )
        client = (
            self.context.scenario.worker_north if verb == "cancel" else self.context.scenario.supervisor_north
        )
        if self.act(client, disbursement, verb, {"reason": "Not needed."}, is_allowed=is_allowed):
            if disbursement.status == "approved":
                self.funds[disbursement.currency].move("reserved", "available", disbursement.amount)
            disbursement.status = f"{verb}led" if verb == "cancel" else "rejected"

    def act(
        self,
        client: AuthenticatedClient,
        disbursement: ModelDisbursement,
        verb: str,
        payload: Any,
        *,
        is_allowed: bool,
    ) -> bool:
        response: httpx.Response = self.context.run(
            client.act(f"/v1/disbursements/{disbursement.id}", verb, payload)
        )
        assert response.status_code == (200 if is_allowed else 409), (verb, disbursement, response.text)
        return is_allowed

    @invariant()
    def ledger_matches_model(self) -> None:
        self.context.run(self.compare_ledger())

    async def compare_ledger(self) -> None:
        connection = self.context.connection
        assert await connection.fetch("SELECT * FROM ledger.balance_differences()") == []
        unbalanced = "SELECT transaction_id FROM ledger_entries GROUP BY 1 HAVING sum(amount) <> 0"
        assert await connection.fetch(unbalanced) == []
        for currency, fund in getattr(self, "funds", {}).items():
            rows = await connection.fetch(
                "SELECT kind, sum(balance)::bigint FROM ledger_accounts WHERE fund_id = $1 GROUP BY 1",
                fund.id,
            )
            balances = dict(map(tuple, rows))
            balances["given"] = -balances.pop("donor")
            assert balances == fund.balances, currency
            assert min(balance for kind, balance in balances.items() if kind != "rounding") >= 0
            statuses = await connection.fetch(
                "SELECT id::text, status FROM disbursements WHERE fund_id = $1", fund.id
            )
            expected_statuses = {disbursement.id: disbursement.status for disbursement in self.disbursements}
            assert {row[0]: row[1] for row in statuses}.items() <= expected_statuses.items()


def test_ledger_matches_model_after_every_act(context: Context) -> None:
    context.run(send_first_request(context))
    run_state_machine_as_test(
        type("BoundFundStateMachine", (FundStateMachine,), {"context": context}),
        settings=settings(
            max_examples=max(1, STEPS // STEPS_PER_RUN),
            stateful_step_count=STEPS_PER_RUN,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def send_first_request(context: Context) -> None:
    """Send a request, so that all connections are open before the first act of the state machine."""
    response = await context.scenario.worker_north.post(
        "/v1/disbursements", disbursement_payload(context.case)
    )
    assert response.status_code == 201
