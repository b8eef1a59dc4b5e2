"""Simulate funds, deposits and disbursements."""

import base64
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import people as demo_people
from app.demo.case_records import build_pdf
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.demo.organisation import DemoContext
from app.kit.dates import CAMBODIA_TIMEZONE, add_months
from app.models.record import freeze_time
from app.schemas.disbursement_lists import DisbursementFilters
from app.schemas.disbursements import (
    Disbursement as DisbursementSchema,
)
from app.schemas.disbursements import (
    DisbursementApproval,
    DisbursementCreate,
    DisbursementPayment,
    DisbursementReconciliation,
    DisbursementRejection,
)
from app.schemas.documents import DocumentCreate
from app.schemas.funds import DepositCreate, FundCreate
from app.schemas.ledger import ExchangeRateCreate
from app.schemas.money import Money, PositiveMoney
from app.services.fund import approve, disbursement_responses, disbursements, exchange_rates, funds, pay
from app.services.support import documents

FUND_HISTORY_MONTHS = 27
"""Age of the funds in months. They are older than the first case."""
AREA_AND_AMOUNT_BY_CATEGORY = {
    "education": ("education", "24.00"),
    "transport": ("education", "12.50"),
    "sports": ("relationships", "15.00"),
    "health_care": ("physical_health", "82000"),
    "nutrition": ("physical_health", "61500"),
    "safe_space": ("shelter_safety", "123000"),
    "court_attendance": ("legal", "18.00"),
}
"""Area of the care plan and amount of a request, by category."""
RIEL_PER_DOLLAR = 4100
RECONCILIATION_DELAY = timedelta(days=14)
"""Time between the release of an instalment and its reconciliation."""
UNSPENT_AMOUNTS = {"USD": 125, "KHR": 1500}
"""Amount that is returned if a payment was not spent completely, in minor units."""
PAYMENT_METHODS = ("cash", "cash", "mobile", "bank")


async def create_demo_funds(context: DemoContext, day: date) -> None:
    """Create the funds with half-yearly deposits and quarterly exchange rates."""
    starts_on = to_workday(add_months(day, -FUND_HISTORY_MONTHS))
    async with context.run_as(demo_people.FINANCE_OFFICER, Permission.fund_manage) as (session, caller):
        with _freeze_day(starts_on):
            for fund in demo_people.FUNDS:
                payload = _build_fund(context, fund, starts_on, add_months(day, 9))
                await funds.create_fund(session, payload)
        for months in range(0, FUND_HISTORY_MONTHS, 3):
            on = to_workday(add_months(starts_on, months))
            with _freeze_day(on):
                rate = {
                    "on": on.isoformat(),
                    "rate": str(RIEL_PER_DOLLAR + months % 5 * 4),
                    "source": "National Bank",
                }
                await exchange_rates.create_exchange_rate(
                    session, caller, ExchangeRateCreate.model_validate(rate)
                )
                for fund in demo_people.FUNDS if months % 6 == 0 else ():
                    deposit = _build_deposit(fund, on, f"Gift {months // 6 + 1}")
                    await funds.create_fund_deposit(session, caller, context.ids.fund_ids[fund.name], deposit)


def _build_fund(
    context: DemoContext, fund: demo_people.DemoFund, starts_on: date, ends_on: date
) -> FundCreate:
    return FundCreate.model_validate(
        {
            "id": str(context.ids.fund_ids[fund.name]),
            "name": fund.name,
            "donor": fund.donor,
            "currency": fund.currency,
            "categories": fund.categories,
            "starts_on": starts_on.isoformat(),
            "ends_on": ends_on.isoformat(),
            "grant_code": f"FS-{starts_on.year}-{fund.donor[:2].upper()}",
        }
    )


def _build_deposit(fund: demo_people.DemoFund, received_on: date, reference: str) -> DepositCreate:
    return DepositCreate.model_validate(
        {
            "amount": {"amount": fund.deposit, "currency": fund.currency},
            "received_on": received_on.isoformat(),
            "reference": reference,
        }
    )


def _freeze_day(day: date) -> AbstractContextManager[None]:
    return freeze_time(datetime.combine(day, time(8), CAMBODIA_TIMEZONE))


async def simulate_disbursement(simulation: CaseSimulation, day: date, index: int) -> None:
    """Simulate a request, its approval, payment and reconciliation, as far as the simulated time allows."""
    number = simulation.scenario.number
    rng = Random(f"money {number} {index}")
    fund = demo_people.FUNDS[(number + index) % len(demo_people.FUNDS)]
    category = rng.choice(
        [category for category in fund.categories if category in AREA_AND_AMOUNT_BY_CATEGORY]
    )
    requested_on, decided_on, payable_on = [day + timedelta(days=offset) for offset in (0, 2, 4)]
    is_emergency = (number + 3 * index) % 20 == 9
    disbursement = await _request_disbursement(
        simulation, requested_on, category, fund.currency, is_emergency=is_emergency
    )
    if is_emergency:
        disbursement = await _pay(
            simulation, disbursement, requested_on, simulation.context.ids.fund_ids[fund.name]
        )
    if decided_on > simulation.scenario.last_day or (is_emergency and not index and number % 3 == 0):
        return
    is_rejected = not is_emergency and rng.random() < 0.08
    disbursement = await _decide(simulation, disbursement, decided_on, fund.name, is_rejected=is_rejected)
    for instalment in await _list_instalments(simulation, disbursement):
        paid_on = max(payable_on, instalment.release_on + timedelta(days=2))  # later than a weekend
        settled_on = instalment.release_on + RECONCILIATION_DELAY
        is_due = instalment.status == "approved" and paid_on <= simulation.scenario.last_day
        paid = await _pay(simulation, instalment, paid_on) if is_due else instalment
        if paid.status == "paid" and settled_on <= simulation.scenario.last_day:
            await _reconcile(simulation, paid, settled_on, is_fully_spent=rng.random() < 0.7)


async def _list_instalments(
    simulation: CaseSimulation, disbursement: DisbursementSchema
) -> Sequence[DisbursementSchema]:
    """Return the monthly instalments of a recurring request in order, or a single request itself."""
    if disbursement.series_id is None:
        return [disbursement]
    async with simulation.context.run_as(demo_people.FINANCE_OFFICER, Permission.disbursement_read) as (
        session,
        caller,
    ):
        filters = DisbursementFilters(series_id=disbursement.series_id)
        page = await disbursement_responses.list_disbursements(session_reader(session), caller, filters)
        instalments = [DisbursementSchema.model_validate(item) for item in page.items]
        return sorted(instalments, key=lambda instalment: instalment.instalment)


async def _request_disbursement(
    simulation: CaseSimulation, day: date, category: str, currency: str, *, is_emergency: bool
) -> DisbursementSchema:
    area, amount = AREA_AND_AMOUNT_BY_CATEGORY[category]
    payload = {
        "case_id": simulation.case_id,
        "beneficiary": "child",
        "category": category,
        "amount": {"amount": amount, "currency": currency},
        "purpose": simulation.choose_text("money", category),
        "area": area,
        "other_support_sought": simulation.choose_text("money", "sought"),
        "urgency": "emergency" if is_emergency else "routine",
        "months": 3 if category == "transport" and not is_emergency else 1,
    }
    async with simulation.run_as(simulation.worker, Permission.disbursement_request, day) as (
        session,
        caller,
    ):
        return await disbursements.create_disbursement(
            session, caller, DisbursementCreate.model_validate(payload)
        )


async def _decide(
    simulation: CaseSimulation,
    disbursement: DisbursementSchema,
    day: date,
    fund_name: str,
    *,
    is_rejected: bool,
) -> DisbursementSchema:
    async with simulation.run_as(simulation.supervisor, Permission.disbursement_decide, day) as (
        session,
        caller,
    ):
        if is_rejected:
            rejection = DisbursementRejection(reason=simulation.choose_text("money", "rejected"))
            return await approve.reject_disbursement(
                session, caller, disbursement.id, disbursement.version, rejection
            )
        approval = DisbursementApproval(fund_id=simulation.context.ids.fund_ids[fund_name])
        return await approve.approve_disbursement(
            session, caller, disbursement.id, disbursement.version, approval
        )


async def _pay(
    simulation: CaseSimulation, disbursement: DisbursementSchema, day: date, fund_id: UUID | None = None
) -> DisbursementSchema:
    async with simulation.run_as(demo_people.FINANCE_OFFICER, Permission.disbursement_pay, day) as (
        session,
        caller,
    ):
        payload = {
            "method": PAYMENT_METHODS[simulation.scenario.number % len(PAYMENT_METHODS)],
            "paid_on": to_workday(min(day, simulation.scenario.last_day)).isoformat(),
            "payee": simulation.choose_text("money", "payee"),
            "tenders": _build_tenders(disbursement.amount),
            "fund_id": fund_id,
        }
        return await pay.pay_disbursement(
            session,
            caller,
            disbursement.id,
            disbursement.version,
            DisbursementPayment.model_validate(payload),
        )


def _build_tenders(amount: Money) -> list[dict[str, Any]]:
    """Return the tenders of a payment. Amounts in riel are paid mostly in dollars, as is usual in Cambodia."""
    if amount.currency == "USD":
        return [amount.model_dump()]
    dollars, riel = divmod(int(amount.amount), RIEL_PER_DOLLAR)
    tenders = [{"amount": f"{dollars}.00", "currency": "USD", "rate": str(RIEL_PER_DOLLAR)}]
    return tenders + ([{"amount": str(riel), "currency": "KHR"}] if riel else [])


async def _reconcile(
    simulation: CaseSimulation, disbursement: DisbursementSchema, day: date, *, is_fully_spent: bool
) -> None:
    """Add the receipt and reconcile the payment. Unspent money returns to the fund."""
    async with simulation.run_as(simulation.worker, Permission.document_add, day) as (session, caller):
        payload = {
            "kind": "receipt",
            "title": simulation.choose_text("documents", "receipt"),
            "content": base64.b64encode(build_pdf()).decode(),
        }
        receipt = await documents.create_case_document(
            session, caller, simulation.case_id, DocumentCreate.model_validate(payload)
        )
    paid = PositiveMoney.model_validate(disbursement.amount.model_dump())
    unspent = 0 if is_fully_spent else UNSPENT_AMOUNTS[paid.currency]
    spent = Money.from_minor_units(paid.minor_units - unspent, paid.currency)
    async with simulation.run_as(demo_people.FINANCE_OFFICER, Permission.disbursement_reconcile, day) as (
        session,
        caller,
    ):
        reconciliation = DisbursementReconciliation.model_validate(
            {"spent": spent.model_dump(), "receipt_document_ids": [receipt.id]}
        )
        await pay.reconcile_disbursement(
            session, caller, disbursement.id, disbursement.version, reconciliation
        )
