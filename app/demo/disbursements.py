"""Simulate disbursements of cases."""

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import people as demo_people
from app.demo.case_records import build_pdf
from app.demo.case_scenarios import to_workday
from app.demo.case_simulation import CaseSimulation
from app.demo.funds import RIEL_PER_DOLLAR
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
    FinanceDocumentsUpdate,
)
from app.schemas.documents import DocumentCreate
from app.schemas.money import Money, PositiveMoney
from app.services.fund import approve, disbursement_responses, disbursements, finance_documents, pay
from app.services.fund.tenders import SMALLEST_NOTE
from app.services.support import documents

AREA_AND_AMOUNT_BY_CATEGORY = {
    "education": ("education", "24.00"),
    "transport": ("education", "12.50"),
    "sports": ("relationships", "15.00"),
    "health_care": ("physical_health", "82000"),
    "nutrition": ("physical_health", "61550"),
    "safe_space": ("shelter_safety", "123000"),
    "court_attendance": ("legal", "18.00"),
}
"""Area of the care plan and amount of a request, by category."""
RECONCILIATION_DELAY = timedelta(days=14)
"""Time between the release of an instalment and its reconciliation."""
UNSPENT_AMOUNTS = {"USD": 125, "KHR": 1500}
"""Amount that is returned if a payment was not spent completely, in minor units."""
PAYMENT_METHODS = ("cash", "cash", "mobile", "bank")


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
        method = PAYMENT_METHODS[simulation.scenario.number % len(PAYMENT_METHODS)]
        payload = {
            "method": method,
            "paid_on": to_workday(min(day, simulation.scenario.last_day)).isoformat(),
            "payee": simulation.choose_text("money", "payee"),
            "tenders": _build_tenders(disbursement.amount, method),
            "fund_id": fund_id,
        }
        return await pay.pay_disbursement(
            session,
            caller,
            disbursement.id,
            disbursement.version,
            DisbursementPayment.model_validate(payload),
        )


def _build_tenders(amount: Money, method: str) -> list[dict[str, Any]]:
    """Return the tenders of a payment. Amounts in riel are paid mostly in dollars, as is usual in Cambodia.

    In cash, the riel are rounded up to whole notes.
    """
    if amount.currency == "USD":
        return [amount.model_dump()]
    dollars, riel = divmod(int(amount.amount), RIEL_PER_DOLLAR)
    riel = -(-riel // SMALLEST_NOTE) * SMALLEST_NOTE if method == "cash" else riel
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
            # A receipt proves one payment, so the file of each is different.
            "content": base64.b64encode(build_pdf(f"Receipt of {disbursement.number}.")).decode(),
            "amount": disbursement.amount.model_dump(),
        }
        receipt = await documents.create_case_document(
            session, caller, simulation.case_id, DocumentCreate.model_validate(payload)
        )
    async with simulation.run_as(simulation.worker, Permission.disbursement_request, day) as (
        session,
        caller,
    ):
        named = FinanceDocumentsUpdate(document_ids=[receipt.id], shows_no_name_or_diagnosis=True)
        disbursement = await finance_documents.replace_finance_documents(
            session, caller, disbursement.id, disbursement.version, named
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
