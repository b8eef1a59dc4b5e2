"""Close a fund. Its remaining money goes to another fund or back to the donor."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.records import get_for_share, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Fund
from app.models.record import utc_now
from app.schemas.funds import Fund as FundSchema
from app.schemas.funds import FundClosure
from app.services.fund import ledger
from app.services.fund.fund_responses import get_fund
from app.services.fund.funds import check_fund_open, get_fund_balance
from app.services.fund.ledger import GENERAL_LINE, NewLedgerTransaction, Posting


async def close_fund(
    session: AsyncSession, caller: Caller, fund_id: UUID, expected_version: int, payload: FundClosure
) -> FundSchema:
    """Close a fund.

    Raises:
        GateRefused: the fund is closed; it has unpaid approved requests or payments without receipts; the books of
            today are closed; or the receiving fund is closed or in another currency.
        InvalidInput: the receiving fund is the same fund.
    """
    if payload.rest_to_fund_id == fund_id:
        raise InvalidInput(
            [Fault("/rest_to_fund_id", "same_fund", "The receiving fund must be another fund.")]
        )
    fund = await get_version_for_update(session, Fund, fund_id, expected_version)
    receiving_fund = (
        await get_for_share(session, Fund, payload.rest_to_fund_id) if payload.rest_to_fund_id else None
    )
    raise_if_unmet(
        [
            *check_fund_open(fund),
            *await _check_fund_settled(session, fund),
            *await ledger.check_books_open(session, today()),
            *_check_receiving_fund(fund, receiving_fund),
        ]
    )
    postings = await _build_closing_postings(session, fund, receiving_fund)
    if postings:
        transaction = NewLedgerTransaction("closing", today(), fund.id, reference=payload.reason)
        await ledger.post_transaction(session, caller, transaction, postings)
    now = utc_now()
    fund.status, fund.closed_at, fund.closed_by_id = "closed", now, caller.id
    fund.close_reason, fund.rest_to_fund_id = payload.reason, payload.rest_to_fund_id
    fund.updated_at = now
    return await get_fund(await open_response_reader(session), fund.id)


async def _check_fund_settled(session: AsyncSession, fund: Fund) -> list[Fault]:
    unmet = []
    if await get_fund_balance(session, fund.id, "reserved"):
        detail = "The fund has approved requests that are not paid. Pay or cancel them."
        unmet.append(Fault(None, "money_reserved", detail))
    if await get_fund_balance(session, fund.id, "advanced"):
        detail = "The fund has payments without receipts. Reconcile them."
        unmet.append(Fault(None, "money_unreconciled", detail))
    return unmet


def _check_receiving_fund(fund: Fund, receiving_fund: Fund | None) -> list[Fault]:
    if receiving_fund is None:
        return []
    unmet = check_fund_open(receiving_fund)
    if receiving_fund.currency != fund.currency:
        detail = f"The currency of the receiving fund must be {fund.currency}."
        unmet.append(Fault("/rest_to_fund_id", "currency_other", detail))
    return unmet


async def _build_closing_postings(
    session: AsyncSession, fund: Fund, receiving_fund: Fund | None
) -> list[Posting]:
    """Return the postings that empty a fund, or none if it is empty.

    The postings of each fund are balanced in themselves, so that the statement for each donor is complete.
    """
    balances = await ledger.get_account_balances(session, [fund.id])
    available = {
        line: balance for (_, line, kind), balance in balances.items() if kind == "available" and balance
    }
    total = sum(available.values())
    if not total:
        return []
    postings = [Posting(fund.id, line, "available", -balance) for line, balance in available.items()]
    postings.append(Posting(fund.id, GENERAL_LINE, "donor", total))
    if receiving_fund is not None:
        postings += [
            Posting(receiving_fund.id, GENERAL_LINE, "donor", -total),
            Posting(receiving_fund.id, GENERAL_LINE, "available", total),
        ]
    return postings
