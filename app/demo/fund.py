"""The money of the demonstration: who gave, what it is asked for, how it is approved, paid and accounted for."""

import base64
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_records import build_pdf
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.demo.organisation import DemoContext
from app.kit.dates import CAMBODIA_TIMEZONE, add_months
from app.models.record import freeze_time
from app.schemas.disbursements import (
    Disbursement as DisbursementSchema,
)
from app.schemas.disbursements import (
    DisbursementApproval,
    DisbursementCreate,
    DisbursementFilters,
    DisbursementPayment,
    DisbursementReconciliation,
    DisbursementRejection,
)
from app.schemas.documents import DocumentCreate
from app.schemas.funds import DepositCreate, FundCreate
from app.schemas.ledger import ExchangeRateCreate
from app.schemas.money import Money, PositiveMoney
from app.services.fund import approve as disbursements_decide
from app.services.fund import disbursements, exchange_rates, funds
from app.services.fund import pay as disbursements_pay
from app.services.support import documents

FUND_HISTORY_MONTHS = 27
"""That the funds have been there: longer than the first case."""
AREA_AND_AMOUNT_BY_CATEGORY = {
    "education": ("education", "24.00"),
    "transport": ("education", "12.50"),
    "sports": ("relationships", "15.00"),
    "health_care": ("physical_health", "82000"),
    "nutrition": ("physical_health", "61500"),
    "safe_space": ("shelter_safety", "123000"),
    "court_attendance": ("legal", "18.00"),
}
"""By category: the area of life that it serves, and what it costs."""
RIEL_PER_DOLLAR = 4100
RECONCILIATION_DELAY = timedelta(days=14)
"""After the money was due, its receipts are there."""
UNSPENT_AMOUNTS = {"USD": 125, "KHR": 1500}
"""Cents, or riel, that some bring back."""
PAYMENT_METHODS = ("cash", "cash", "mobile", "bank")


async def create_demo_funds(stage: DemoContext, day: date) -> None:
    """Have the donors give, every half year, and the rates be written down, every quarter."""
    begin = to_workday(add_months(day, -FUND_HISTORY_MONTHS))
    async with stage.run_as(demo_people.FINANCE_OFFICER, Permission.fund_manage) as (session, actor):
        with _freeze_day(begin):
            for name, donor, currency, categories, _ in demo_people.FUNDS:
                told = {"name": name, "donor": donor, "currency": currency, "categories": categories}
                period = {"starts_on": begin.isoformat(), "ends_on": add_months(day, 9).isoformat()}
                made = {
                    "id": str(stage.ids.fund_ids[name]),
                    "grant_code": f"FS-{begin.year}-{donor[:2].upper()}",
                }
                await funds.create_fund(session, FundCreate.model_validate(told | period | made))
        for months in range(0, FUND_HISTORY_MONTHS, 3):
            on = to_workday(add_months(begin, months))
            with _freeze_day(on):
                rate = {
                    "on": on.isoformat(),
                    "rate": str(RIEL_PER_DOLLAR + months % 5 * 4),
                    "source": "National Bank",
                }
                await exchange_rates.create_exchange_rate(
                    session, actor, ExchangeRateCreate.model_validate(rate)
                )
                for name, _, currency, _, amount in demo_people.FUNDS if months % 6 == 0 else ():
                    gift = {"amount": {"amount": amount, "currency": currency}, "received_on": on.isoformat()}
                    deposit = DepositCreate.model_validate(gift | {"reference": f"Gift {months // 6 + 1}"})
                    await funds.create_fund_deposit(session, actor, stage.ids.fund_ids[name], deposit)


def _freeze_day(day: date) -> Any:
    return freeze_time(datetime.combine(day, time(8), CAMBODIA_TIMEZONE))


async def simulate_disbursement(life: CaseSimulation, day: date, turn: int) -> None:
    """Play one request: asked for, decided, paid and accounted for, or as far as it has come."""
    draw = Random(f"money {life.scenario.number} {turn}")
    name, _, currency, categories, _ = demo_people.FUNDS[
        (life.scenario.number + turn) % len(demo_people.FUNDS)
    ]
    category = draw.choice([one for one in categories if one in AREA_AND_AMOUNT_BY_CATEGORY])
    days = [day + timedelta(days=after) for after in (0, 2, 4)]
    is_emergency = (life.scenario.number + 3 * turn) % 20 == 9
    asked = await _request_disbursement(life, days[0], category, currency, is_emergency=is_emergency)
    if is_emergency:
        asked = await _pay(life, asked, days[0], life.context.ids.fund_ids[name])
    if days[1] > life.scenario.last_day or (is_emergency and not turn and life.scenario.number % 3 == 0):
        return
    asked = await _decide(life, asked, days[1], name, is_rejected=not is_emergency and draw.random() < 0.08)
    for month in await _list_instalments(life, asked):
        paid_on = max(days[2], month.release_on + timedelta(days=2))  # over a weekend, if need be
        settled_on = month.release_on + RECONCILIATION_DELAY
        is_due = month.status == "approved" and paid_on <= life.scenario.last_day
        paid = await _pay(life, month, paid_on) if is_due else month
        if paid.status == "paid" and settled_on <= life.scenario.last_day:
            await _reconcile(life, paid, settled_on, is_fully_spent=draw.random() < 0.7)


async def _list_instalments(life: CaseSimulation, asked: DisbursementSchema) -> Sequence[DisbursementSchema]:
    """Return a request, or each month of a recurring one, the first one first."""
    if asked.series_id is None:
        return [asked]
    async with life.context.run_as(demo_people.FINANCE_OFFICER, Permission.disbursement_read) as (
        session,
        actor,
    ):
        wanted = DisbursementFilters(series_id=asked.series_id)
        listed = (await disbursements.list_disbursements(session, actor, wanted)).items
        return sorted(listed, key=lambda month: month.instalment)


async def _request_disbursement(
    life: CaseSimulation, day: date, category: str, currency: str, *, is_emergency: bool
) -> DisbursementSchema:
    area, amount = AREA_AND_AMOUNT_BY_CATEGORY[category]
    told = {
        "case_id": life.case_id,
        "beneficiary": "child",
        "category": category,
        "amount": {"amount": amount, "currency": currency},
        "purpose": life.choose_text("money", category),
        "area": area,
        "other_support_sought": life.choose_text("money", "sought"),
        "urgency": "emergency" if is_emergency else "routine",
        "months": 3 if category == "transport" and not is_emergency else 1,
    }
    async with life.run_as(life.worker, Permission.disbursement_request, day) as (session, actor):
        return await disbursements.create_disbursement(
            session, actor, DisbursementCreate.model_validate(told)
        )


async def _decide(
    life: CaseSimulation, asked: DisbursementSchema, day: date, fund: str, *, is_rejected: bool
) -> DisbursementSchema:
    async with life.run_as(life.supervisor, Permission.disbursement_decide, day) as (session, actor):
        if is_rejected:
            why = DisbursementRejection(reason=life.choose_text("money", "rejected"))
            return await disbursements_decide.reject_disbursement(
                session, actor, asked.id, asked.version, why
            )
        approval = DisbursementApproval(fund_id=life.context.ids.fund_ids[fund])
        return await disbursements_decide.approve_disbursement(
            session, actor, asked.id, asked.version, approval
        )


async def _pay(
    life: CaseSimulation, asked: DisbursementSchema, day: date, fund_id: UUID | None = None
) -> DisbursementSchema:
    async with life.run_as(demo_people.FINANCE_OFFICER, Permission.disbursement_pay, day) as (session, actor):
        told = {
            "method": PAYMENT_METHODS[life.scenario.number % len(PAYMENT_METHODS)],
            "paid_on": to_workday(min(day, life.scenario.last_day)).isoformat(),
            "payee": life.choose_text("money", "payee"),
            "tenders": _build_tenders(asked.amount),
            "fund_id": fund_id,
        }
        return await disbursements_pay.pay_disbursement(
            session, actor, asked.id, asked.version, DisbursementPayment.model_validate(told)
        )


def _build_tenders(amount: Money) -> list[dict[str, Any]]:
    """Return the notes: riel are often handed over as dollars, and some riel."""
    if amount.currency == "USD":
        return [amount.model_dump()]
    dollars, riel = divmod(int(amount.amount), RIEL_PER_DOLLAR)
    notes = [{"amount": f"{dollars}.00", "currency": "USD", "rate": str(RIEL_PER_DOLLAR)}]
    return notes + ([{"amount": str(riel), "currency": "KHR"}] if riel else [])


async def _reconcile(
    life: CaseSimulation, asked: DisbursementSchema, day: date, *, is_fully_spent: bool
) -> None:
    """Bring the receipt, and have the rest go back to its fund."""
    async with life.run_as(life.worker, Permission.document_add, day) as (session, actor):
        title = life.choose_text("documents", "receipt")
        told = {"kind": "receipt", "title": title, "content": base64.b64encode(build_pdf()).decode()}
        receipt = await documents.create_case_document(
            session, actor, life.case_id, DocumentCreate.model_validate(told)
        )
    paid = PositiveMoney.model_validate(asked.amount.model_dump())
    spent = Money.from_minor_units(
        paid.minor_units - (0 if is_fully_spent else UNSPENT_AMOUNTS[paid.currency]), paid.currency
    )
    async with life.run_as(demo_people.FINANCE_OFFICER, Permission.disbursement_reconcile, day) as (
        session,
        actor,
    ):
        account = {"spent": spent.model_dump(), "receipt_document_ids": [receipt.id]}
        found = DisbursementReconciliation.model_validate(account)
        await disbursements_pay.reconcile_disbursement(session, actor, asked.id, asked.version, found)
