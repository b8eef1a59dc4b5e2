"""The money of the demonstration: who gave, what it is asked for, how it is approved, paid and accounted for."""

import base64
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.actors import Stage
from app.demo.child import Life
from app.demo.services import page
from app.demo.storylines import workday
from app.kit.dates import LOCAL, add_months
from app.models.record import at
from app.schemas.disbursements import (
    DisbursementApproval,
    DisbursementFilters,
    DisbursementIn,
    DisbursementOut,
    DisbursementRejection,
    Payment,
    Reconciliation,
)
from app.schemas.documents import DocumentIn
from app.schemas.funds import DepositIn, FundIn
from app.schemas.ledger import ExchangeRateIn
from app.schemas.money import Money, MoneyIn
from app.services.fund import approve as disbursements_decide
from app.services.fund import disbursements, exchange_rates, funds
from app.services.fund import pay as disbursements_pay
from app.services.support import documents

MONTHS = 27
"""That the funds have been there: longer than the first case."""
NEEDS = {
    "education": ("education", "24.00"),
    "transport": ("education", "12.50"),
    "sports": ("relationships", "15.00"),
    "health_care": ("physical_health", "82000"),
    "nutrition": ("physical_health", "61500"),
    "safe_space": ("shelter_safety", "123000"),
    "court_attendance": ("legal", "18.00"),
}
"""By category: the area of life that it serves, and what it costs."""
RIEL = 4100
SETTLED = timedelta(days=14)
"""After the money was due, its receipts are there."""
LEFT_OVER = {"USD": 125, "KHR": 1500}
"""Cents, or riel, that some bring back."""
BY_HAND = ("cash", "cash", "mobile", "bank")


async def endow(stage: Stage, day: date) -> None:
    """Have the donors give, every half year, and the rates be written down, every quarter."""
    begin = workday(add_months(day, -MONTHS))
    async with stage.playing(demo_people.PAYS, Permission.fund_manage) as (session, actor):
        with _on(begin):
            for name, donor, currency, categories, _ in demo_people.FUNDS:
                told = {"name": name, "donor": donor, "currency": currency, "categories": categories}
                period = {"starts_on": begin.isoformat(), "ends_on": add_months(day, 9).isoformat()}
                made = {
                    "id": str(stage.cast.funds[name]),
                    "grant_code": f"FS-{begin.year}-{donor[:2].upper()}",
                }
                await funds.register(session, FundIn.model_validate(told | period | made))
        for months in range(0, MONTHS, 3):
            on = workday(add_months(begin, months))
            with _on(on):
                rate = {"on": on.isoformat(), "rate": str(RIEL + months % 5 * 4), "source": "National Bank"}
                await exchange_rates.record(session, actor, ExchangeRateIn.model_validate(rate))
                for name, _, currency, _, amount in demo_people.FUNDS if months % 6 == 0 else ():
                    gift = {"amount": {"amount": amount, "currency": currency}, "received_on": on.isoformat()}
                    deposit = DepositIn.model_validate(gift | {"reference": f"Gift {months // 6 + 1}"})
                    await funds.deposit(session, actor, stage.cast.funds[name], deposit)


def _on(day: date) -> Any:
    return at(datetime.combine(day, time(8), LOCAL))


async def help_with_money(life: Life, day: date, turn: int) -> None:
    """Play one request: asked for, decided, paid and accounted for, or as far as it has come."""
    draw = Random(f"money {life.story.number} {turn}")
    name, _, currency, categories, _ = demo_people.FUNDS[(life.story.number + turn) % len(demo_people.FUNDS)]
    category = draw.choice([one for one in categories if one in NEEDS])
    days = [day + timedelta(days=after) for after in (0, 2, 4)]
    is_emergency = (life.story.number + 3 * turn) % 20 == 9
    asked = await _ask(life, days[0], category, currency, is_emergency=is_emergency)
    if is_emergency:
        asked = await _pay(life, asked, days[0], life.stage.cast.funds[name])
    if days[1] > life.story.last or (is_emergency and not turn and life.story.number % 3 == 0):
        return
    asked = await _decide(life, asked, days[1], name, rejected=not is_emergency and draw.random() < 0.08)
    for month in await _months(life, asked):
        paid_on = max(days[2], month.release_on + timedelta(days=2))  # over a weekend, if need be
        settled_on = month.release_on + SETTLED
        is_due = month.status == "approved" and paid_on <= life.story.last
        paid = await _pay(life, month, paid_on) if is_due else month
        if paid.status == "paid" and settled_on <= life.story.last:
            await _account(life, paid, settled_on, spent_all=draw.random() < 0.7)


async def _months(life: Life, asked: DisbursementOut) -> Sequence[DisbursementOut]:
    """Return a request, or each month of a recurring one, the first one first."""
    if asked.series_id is None:
        return [asked]
    async with life.stage.playing(demo_people.PAYS, Permission.disbursement_read) as (session, actor):
        wanted = DisbursementFilters(series_id=asked.series_id)
        listed = (await disbursements.listed(session, actor, wanted)).items
        return sorted(listed, key=lambda month: month.instalment)


async def _ask(life: Life, day: date, category: str, currency: str, *, is_emergency: bool) -> DisbursementOut:
    area, amount = NEEDS[category]
    told = {
        "case_id": life.case_id,
        "beneficiary": "child",
        "category": category,
        "amount": {"amount": amount, "currency": currency},
        "purpose": life.say("money", category),
        "area": area,
        "other_support_sought": life.say("money", "sought"),
        "urgency": "emergency" if is_emergency else "routine",
        "months": 3 if category == "transport" and not is_emergency else 1,
    }
    async with life.acting(life.worker, Permission.disbursement_request, day) as (session, actor):
        return await disbursements.request(session, actor, DisbursementIn.model_validate(told))


async def _decide(
    life: Life, asked: DisbursementOut, day: date, fund: str, *, rejected: bool
) -> DisbursementOut:
    async with life.acting(life.supervisor, Permission.disbursement_decide, day) as (session, actor):
        if rejected:
            why = DisbursementRejection(reason=life.say("money", "rejected"))
            return await disbursements_decide.reject(session, actor, asked.id, asked.version, why)
        approval = DisbursementApproval(fund_id=life.stage.cast.funds[fund])
        return await disbursements_decide.approve(session, actor, asked.id, asked.version, approval)


async def _pay(life: Life, asked: DisbursementOut, day: date, fund_id: UUID | None = None) -> DisbursementOut:
    async with life.acting(demo_people.PAYS, Permission.disbursement_pay, day) as (session, actor):
        told = {
            "method": BY_HAND[life.story.number % len(BY_HAND)],
            "paid_on": workday(min(day, life.story.last)).isoformat(),
            "payee": life.say("money", "payee"),
            "tenders": _tenders(asked.amount),
            "fund_id": fund_id,
        }
        return await disbursements_pay.pay(
            session, actor, asked.id, asked.version, Payment.model_validate(told)
        )


def _tenders(amount: Money) -> list[dict[str, Any]]:
    """Return the notes: riel are often handed over as dollars, and some riel."""
    if amount.currency == "USD":
        return [amount.model_dump()]
    dollars, riel = divmod(int(amount.amount), RIEL)
    notes = [{"amount": f"{dollars}.00", "currency": "USD", "rate": str(RIEL)}]
    return notes + ([{"amount": str(riel), "currency": "KHR"}] if riel else [])


async def _account(life: Life, asked: DisbursementOut, day: date, *, spent_all: bool) -> None:
    """Bring the receipt, and have the rest go back to its fund."""
    async with life.acting(life.worker, Permission.document_add, day) as (session, actor):
        title = life.say("documents", "receipt")
        told = {"kind": "receipt", "title": title, "content": base64.b64encode(page()).decode()}
        receipt = await documents.add(session, actor, life.case_id, DocumentIn.model_validate(told))
    paid = MoneyIn.model_validate(asked.amount.model_dump())
    spent = Money.of(paid.minor - (0 if spent_all else LEFT_OVER[paid.currency]), paid.currency)
    async with life.acting(demo_people.PAYS, Permission.disbursement_reconcile, day) as (session, actor):
        account = {"spent": spent.model_dump(), "receipt_document_ids": [receipt.id]}
        found = Reconciliation.model_validate(account)
        await disbursements_pay.reconcile(session, actor, asked.id, asked.version, found)
