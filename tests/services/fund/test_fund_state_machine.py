"""The whole life of money in two currencies, step by step as chance has it, against a model that keeps its own books.

`FUND_STEPS=5000` walks that many steps instead of fifteen hundred.
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
A_WALK = 60
Run = Callable[[Coroutine[Any, Any, Any]], Any]
WHOLE = {"USD": 100, "KHR": 1}


def money(minor: int, currency: str) -> dict[str, str]:
    amount = f"{minor // 100}.{minor % 100:02}" if currency == "USD" else str(minor)
    return {"amount": amount, "currency": currency}


@dataclass
class Wish:
    """What the model knows of a disbursement."""

    id: str
    currency: str
    amount: int
    urgency: str
    status: str = "requested"
    approved: bool = False
    spent: int = 0


@dataclass
class Purse:
    """What the model knows of a fund."""

    id: str
    held: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("given", "available", "reserved", "advanced", "spent"), 0)
    )

    def move(self, origin: str, target: str, amount: int) -> None:
        self.held[origin] -= amount
        self.held[target] += amount


@dataclass
class Scene:
    """One First Step for all walks."""

    world: Scenario
    superuser: Any
    run: Run
    case: dict[str, Any]
    receipt: str
    count: int = 0


@pytest.fixture
async def scene(scenario: Scenario, superuser_connection: Any) -> Scene:
    loop = asyncio.get_running_loop()
    case = await scenario.open_case()
    return Scene(
        scenario, superuser_connection, loop.run_until_complete, case, await upload_receipt(scenario, case)
    )


class Life(RuleBasedStateMachine):
    scene: ClassVar[Scene]
    wishes: list[Wish]
    purses: dict[str, Purse]

    @initialize()
    def begin(self) -> None:
        self.wishes = []
        self.purses = {}
        for currency in ("USD", "KHR"):
            self.scene.count += 1
            made = self.scene.run(create_fund(self.scene.world, "", currency, name=str(self.scene.count)))
            self.purses[currency] = Purse(made["id"])

    @rule(currency=st.sampled_from(["USD", "KHR"]), amount=st.integers(1, 9_000))
    def deposit(self, currency: str, amount: int) -> None:
        purse = self.purses[currency]
        told = {"amount": money(amount, currency), "received_on": "2026-11-02", "reference": "x"}
        expect_json(
            self.scene.run(self.scene.world.finance.post(f"/v1/funds/{purse.id}/deposits", told)), 201
        )
        purse.held["given"] += amount
        purse.held["available"] += amount

    @rule(
        currency=st.sampled_from(["USD", "KHR"]),
        amount=st.integers(1, 5_000),
        urgency=st.sampled_from(["routine", "emergency"]),
    )
    def ask(self, currency: str, amount: int, urgency: str) -> None:
        told = self.scene.run(
            create_disbursement(self.scene.world, self.scene.case, money(amount, currency), urgency=urgency)
        )
        self.wishes.append(Wish(told["id"], currency, amount, urgency))

    @rule(which=st.integers(0), where=st.sampled_from(["USD", "KHR"]))
    def approve(self, which: int, where: str) -> None:
        if not self.wishes:
            return
        wish, purse = self.wishes[which % len(self.wishes)], self.purses[where]
        first = wish.status == "requested" and purse.held["available"] >= wish.amount
        after = wish.status == "paid" and not wish.approved
        right = where == wish.currency and (first or after)
        if self.tried(self.scene.world.supervisor_north, wish, "approve", {"fund_id": purse.id}, right=right):
            if wish.status == "requested":
                purse.move("available", "reserved", wish.amount)
                wish.status = "approved"
            wish.approved = True

    @rule(which=st.integers(0), right_amount=st.sampled_from([True, True, True, False]))
    def pay(self, which: int, right_amount: bool) -> None:
        if not self.wishes:
            return
        wish = self.wishes[which % len(self.wishes)]
        purse = self.purses[wish.currency]
        first = wish.status == "requested" and wish.urgency == "emergency"
        told = payment_payload(money(wish.amount + (not right_amount), wish.currency), fund_id=purse.id)
        enough = not first or purse.held["available"] >= wish.amount
        right = right_amount and enough and (first or wish.status == "approved")
        if self.tried(self.scene.world.finance, wish, "pay", told, right=right):
            purse.move("available" if first else "reserved", "advanced", wish.amount)
            wish.status = "paid"

    @rule(which=st.integers(0), share=st.integers(0, 110))
    def reconcile(self, which: int, share: int) -> None:
        if not self.wishes:
            return
        wish = self.wishes[which % len(self.wishes)]
        spent = wish.amount * share // 100
        told = {"spent": money(spent, wish.currency), "receipt_document_ids": [self.scene.receipt]}
        right = wish.status == "paid" and wish.approved and spent <= wish.amount
        if self.tried(self.scene.world.finance, wish, "reconcile", told, right=right):
            self.purses[wish.currency].move("advanced", "spent", spent)
            self.purses[wish.currency].move("advanced", "available", wish.amount - spent)
            wish.status, wish.spent = "reconciled", spent

    @rule(which=st.integers(0))
    def reverse(self, which: int) -> None:
        if not self.wishes:
            return
        wish = self.wishes[which % len(self.wishes)]
        right = wish.status in {"paid", "reconciled"}
        if self.tried(self.scene.world.finance, wish, "reverse", {"reason": "Back."}, right=right):
            purse = self.purses[wish.currency]
            if wish.status == "paid":
                purse.move("advanced", "available", wish.amount)
            else:
                purse.move("spent", "available", wish.spent)
            wish.status = "reversed"

    @rule(which=st.integers(0), verb=st.sampled_from(["cancel", "reject"]))
    def end(self, which: int, verb: str) -> None:
        if not self.wishes:
            return
        wish = self.wishes[which % len(self.wishes)]
        right = wish.status == "requested" or (verb == "cancel" and wish.status == "approved")
        who = self.scene.world.worker_north if verb == "cancel" else self.scene.world.supervisor_north
        if self.tried(who, wish, verb, {"reason": "Not needed."}, right=right):
            if wish.status == "approved":
                self.purses[wish.currency].move("reserved", "available", wish.amount)
            wish.status = f"{verb}led" if verb == "cancel" else "rejected"

    def tried(self, who: AuthenticatedClient, wish: Wish, verb: str, told: Any, *, right: bool) -> bool:
        answer: httpx.Response = self.scene.run(who.act(f"/v1/disbursements/{wish.id}", verb, told))
        assert answer.status_code == (200 if right else 409), (verb, wish, answer.text)
        return right

    @invariant()
    def the_books_agree(self) -> None:
        self.scene.run(self.agree())

    async def agree(self) -> None:
        hand = self.scene.superuser
        assert await hand.fetch("SELECT * FROM ledger.balance_differences()") == []
        unbalanced = "SELECT transaction_id FROM ledger_entries GROUP BY 1 HAVING sum(amount) <> 0"
        assert await hand.fetch(unbalanced) == []
        for currency, purse in getattr(self, "purses", {}).items():
            rows = await hand.fetch(
                "SELECT kind, sum(balance)::bigint FROM ledger_accounts WHERE fund_id = $1 GROUP BY 1",
                purse.id,
            )
            found = dict(map(tuple, rows))
            found["given"] = -found.pop("donor")
            assert found == purse.held, currency
            assert min(found.values()) >= 0
            statuses = await hand.fetch(
                "SELECT id::text, status FROM disbursements WHERE fund_id = $1", purse.id
            )
            known = {wish.id: wish.status for wish in self.wishes}
            assert {row[0]: row[1] for row in statuses}.items() <= known.items()


def test_the_books_agree_with_the_model_after_every_step(scene: Scene) -> None:
    scene.run(warm(scene))
    run_state_machine_as_test(
        type("LifeHere", (Life,), {"scene": scene}),
        settings=settings(
            max_examples=max(1, STEPS // A_WALK),
            stateful_step_count=A_WALK,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


async def warm(scene: Scene) -> None:
    """A first request, so that the walk begins with everything connected."""
    answer = await scene.world.worker_north.post("/v1/disbursements", disbursement_payload(scene.case))
    assert answer.status_code == 201
