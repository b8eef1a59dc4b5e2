"""Create the funds of the demonstration with deposits and exchange rates."""

from contextlib import AbstractContextManager
from datetime import date, datetime, time

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import to_workday
from app.demo.organisation import DemoContext
from app.kit.dates import CAMBODIA_TIMEZONE, add_months
from app.models.record import freeze_time
from app.schemas.deposits import DepositCreate, DepositReversal
from app.schemas.donor_grants import DonorGrantCreate
from app.schemas.funds import FundCreate
from app.schemas.ledger import ExchangeRateCreate
from app.services import donor_grants
from app.services.fund import deposits, exchange_rates, funds

FUND_HISTORY_MONTHS = 27
"""Age of the funds in months. They are older than the first case."""
RIEL_PER_DOLLAR = 4100


async def create_demo_funds(context: DemoContext, day: date) -> None:
    """Create the funds with half-yearly deposits, a reversed deposit and quarterly exchange rates."""
    starts_on = to_workday(add_months(day, -FUND_HISTORY_MONTHS))
    async with context.run_as(demo_people.FINANCE_OFFICER, Permission.fund_manage) as (session, caller):
        with _freeze_day(starts_on):
            for fund in demo_people.FUNDS:
                await donor_grants.create_donor_grant(session, _build_grant(fund, starts_on))
                payload = _build_fund(context, fund, starts_on, add_months(day, 9))
                await funds.create_fund(session, payload)
        for months in range(0, FUND_HISTORY_MONTHS, 6):
            on = to_workday(add_months(starts_on, months))
            with _freeze_day(on):
                for fund in demo_people.FUNDS:
                    deposit = _build_deposit(fund, on, f"{fund.name}, gift {months // 6 + 1}")
                    fund_id = context.ids.fund_ids[fund.name]
                    await deposits.create_fund_deposit(session, caller, fund_id, deposit)
        with _freeze_day(on):
            await _reverse_mistaken_deposit(session, caller, context, on)
    async with context.run_as(demo_people.FINANCE_OFFICER, Permission.exchange_rate_record) as (session, _):
        for months in range(0, FUND_HISTORY_MONTHS, 3):
            rate = {
                "on": to_workday(add_months(starts_on, months)).isoformat(),
                "rate": str(RIEL_PER_DOLLAR + months % 5 * 4),
                "source": "National Bank",
            }
            await exchange_rates.create_exchange_rate(session, ExchangeRateCreate.model_validate(rate))


def _build_grant_code(fund: demo_people.DemoFund, starts_on: date) -> str:
    return f"FS-{starts_on.year}-{fund.donor[:2].upper()}"


def _build_grant(fund: demo_people.DemoFund, starts_on: date) -> DonorGrantCreate:
    return DonorGrantCreate(
        code=_build_grant_code(fund, starts_on), name=f"Grant of {fund.name}", donor=fund.donor
    )


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
            "grant_code": _build_grant_code(fund, starts_on),
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


async def _reverse_mistaken_deposit(
    session: AsyncSession, caller: Caller, context: DemoContext, day: date
) -> None:
    """Record a deposit of the second fund in the first fund, and reverse it."""
    fund = demo_people.FUNDS[0]
    payload = _build_deposit(fund, day, "Gift of another donor")
    deposit = await deposits.create_fund_deposit(session, caller, context.ids.fund_ids[fund.name], payload)
    reversal = DepositReversal(reason="The transfer belongs to another fund.")
    await deposits.reverse_deposit(session, caller, deposit.id, deposit.version, reversal)
