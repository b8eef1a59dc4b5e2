"""Conditions of the acts on disbursements: the terms of the fund, the payment and its proofs."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import CAMBODIA_TIMEZONE, get_age_range, today
from app.kit.records import get_record
from app.kit.state_machine import check_status
from app.models import Case, Child, Disbursement, Fund
from app.schemas.disbursements import DisbursementPayment
from app.services.fund import approval_limits, ledger
from app.services.fund.funds import check_fund_open
from app.services.fund.states import PAY
from app.text_folding import fold_text


def check_fund_terms(fund: Fund, disbursement: Disbursement, last_release_on: date) -> list[Fault]:
    """Return a fault for each term of the fund that the request does not meet: status, currency, category and period."""
    unmet = check_fund_open(fund)
    if fund.currency != disbursement.currency:
        unmet.append(
            Fault(
                "/fund_id",
                "currency_other",
                f"The request must be in {fund.currency}, the currency of the fund.",
            )
        )
    if disbursement.category not in fund.categories:
        unmet.append(Fault("/fund_id", "category_not_funded", "The fund does not pay for this category."))
    last_day = max(today(), last_release_on)
    if today() < fund.starts_on or (fund.ends_on is not None and last_day > fund.ends_on):
        detail = "Today and every release date must be within the period of the fund."
        unmet.append(Fault("/fund_id", "outside_period", detail))
    return unmet


async def check_child_eligible(session: AsyncSession, fund: Fund, case: Case) -> list[Fault]:
    """Return a fault for each restriction of the fund that the child does not meet: province and age.

    An uncertain age is accepted if any age in its range is accepted, and so is an unknown age.
    """
    unmet = []
    if fund.province_codes and case.province_code not in fund.province_codes:
        unmet.append(
            Fault("/fund_id", "province_not_funded", "The fund does not support children of this province.")
        )
    if fund.youngest is not None or fund.oldest is not None:
        child = await get_record(session, Child, case.child_id)
        ages = get_age_range(child.identity["birth"], today())
        if ages and (
            (fund.youngest is not None and ages[1] < fund.youngest)
            or (fund.oldest is not None and ages[0] > fund.oldest)
        ):
            unmet.append(
                Fault("/fund_id", "age_not_funded", "The fund does not support children of this age.")
            )
    return unmet


def check_approved_payment(disbursement: Disbursement, payload: DisbursementPayment) -> list[Fault]:
    """Return the unmet conditions for the payment of an approved request."""
    unmet = [*check_status(PAY, disbursement.status), *_check_payee(disbursement, payload.payee)]
    approved_on = (
        disbursement.approved_at.astimezone(CAMBODIA_TIMEZONE).date()
        if disbursement.approved_at
        else payload.paid_on
    )
    if payload.paid_on < max(approved_on, min(disbursement.release_on, today())):
        detail = "`paid_on` must not be before the approval or the release date."
        unmet.append(Fault("/paid_on", "before_approval", detail))
    if payload.fund_id is not None and payload.fund_id != disbursement.fund_id:
        unmet.append(Fault("/fund_id", "fund_other", "The request was approved from another fund."))
    if disbursement.release_on > today():
        unmet.append(Fault("/release_on", "not_released", "The release date is in the future."))
    return unmet


def _check_payee(disbursement: Disbursement, payee: str) -> list[Fault]:
    """Return a fault if the request names another payee. The folded names are compared."""
    approved_payee = disbursement.payee
    if approved_payee is None or fold_text(approved_payee) == fold_text(payee):
        return []
    detail = "The request names another payee. Create a new request for this payee."
    return [Fault("/payee", "payee_other", detail)]


async def check_emergency_payment(
    session: AsyncSession, caller: Caller, disbursement: Disbursement, fund: Fund
) -> list[Fault]:
    """Return the unmet conditions for an emergency payment before the approval.

    Funds with age or province restrictions are refused, because finance officers can see neither the age nor the
    province of the child.
    """
    is_restricted = fund.province_codes or fund.youngest is not None or fund.oldest is not None
    detail = "A fund with age or province restrictions cannot pay an emergency. Use another fund."
    line = ledger.get_line_for_category(fund, disbursement.category)
    return [
        *await approval_limits.check_approval_limit(
            session, caller, "pay_first", disbursement.amount, disbursement.currency
        ),
        *await approval_limits.check_case_limit(
            session, disbursement, "pay_first_case_day", disbursement.amount
        ),
        *check_fund_terms(fund, disbursement, today()),
        *([Fault("/fund_id", "fund_restricted", detail)] if is_restricted else []),
        *await ledger.check_available_balance(session, fund, line, disbursement.amount),
    ]


def check_approval_not_pending(disbursement: Disbursement) -> list[Fault]:
    """Return a fault if an emergency payment has not been approved yet."""
    if disbursement.status != "paid" or disbursement.approved_by_id is not None:
        return []
    return [Fault(None, "not_approved", "The emergency payment has not been approved yet.")]


def check_spent_amount(disbursement: Disbursement, spent: int) -> list[Fault]:
    """Return a fault if more was spent than paid."""
    if spent <= disbursement.amount:
        return []
    detail = "The spent amount exceeds the paid amount. Create a new request for the difference."
    return [Fault("/spent", "above_paid", detail)]
