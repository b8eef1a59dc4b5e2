"""Closing a fund: nothing of it is promised or unaccounted for, and its rest goes to another fund or back to the donor."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.records import get_for_share, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Fund
from app.models.record import utc_now
from app.schemas.funds import Fund as FundSchema
from app.schemas.funds import FundClosure
from app.services.fund import ledger
from app.services.fund.funds import check_fund_open, get_fund_balance, load_fund_schemas
from app.services.fund.ledger import GENERAL_LINE, NewLedgerTransaction, Posting


async def close_fund(
    session: AsyncSession, caller: Caller, fund_id: UUID, expected_version: int, closing: FundClosure
) -> FundSchema:
    """Close a fund.

    Raises:
        GateRefused: it is closed; money is promised, or paid without receipts; the books of today are closed; the other
            fund is closed, or in another currency.
        InvalidInput: the other fund is this one.
    """
    if closing.rest_to_fund_id == fund_id:
        raise InvalidInput([Fault("/rest_to_fund_id", "same_fund", "The rest goes to another fund.")])
    fund = await get_version_for_update(session, Fund, fund_id, expected_version)
    heir = await get_for_share(session, Fund, closing.rest_to_fund_id) if closing.rest_to_fund_id else None
    raise_if_unmet(
        [
            *check_fund_open(fund),
            *await _check_fund_settled(session, fund),
            *await ledger.check_books_open(session, today()),
            *_check_receiving_fund(fund, heir),
        ]
    )
    moves = await _build_closing_postings(session, fund, heir)
    if moves:
        happening = NewLedgerTransaction("closing", today(), fund.id, reference=closing.reason)
        await ledger.post_transaction(session, caller, happening, moves)
    fund.status, fund.closed_at, fund.closed_by_id = "closed", utc_now(), caller.id
    fund.close_reason, fund.rest_to_fund_id = closing.reason, closing.rest_to_fund_id
    fund.updated_at = utc_now()
    await session.flush()  # the answer shows what was stored
    return (await load_fund_schemas(session, [fund]))[0]


async def _check_fund_settled(session: AsyncSession, fund: Fund) -> list[Fault]:
    unmet = []
    if await get_fund_balance(session, fund.id, "reserved"):
        unmet.append(Fault(None, "money_reserved", "Money is promised: pay or cancel it first."))
    if await get_fund_balance(session, fund.id, "advanced"):
        unmet.append(Fault(None, "money_unreconciled", "Money is paid without receipts: reconcile it first."))
    return unmet


def _check_receiving_fund(fund: Fund, heir: Fund | None) -> list[Fault]:
    if heir is None:
        return []
    other = [Fault("/rest_to_fund_id", "currency_other", "The other fund is in another currency.")]
    return [*check_fund_open(heir), *(other if heir.currency != fund.currency else [])]


async def _build_closing_postings(session: AsyncSession, fund: Fund, heir: Fund | None) -> list[Posting]:
    """Return what empties a fund: each fund stays balanced in itself, so that its donor's statement is whole."""
    found = await ledger.get_account_balances(session, [fund.id])
    rest = {line: balance for (_, line, kind), balance in found.items() if kind == "available" and balance}
    total = sum(rest.values())
    moves = [Posting(fund.id, line, "available", -balance) for line, balance in rest.items()]
    moves.append(Posting(fund.id, GENERAL_LINE, "donor", total))
    if heir is not None:
        moves += [
            Posting(heir.id, GENERAL_LINE, "donor", -total),
            Posting(heir.id, GENERAL_LINE, "available", total),
        ]
    return moves if total else []
