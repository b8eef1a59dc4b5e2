"""Closing a fund: nothing of it is promised or unaccounted for, and its rest goes to another fund or back to the donor."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.records import find_for_change, find_steady
from app.kit.state_machine import refuse
from app.models import Fund
from app.models.record import now
from app.schemas.funds import FundClosing, FundOut
from app.services.fund import ledger
from app.services.fund.funds import held, shown, unmet_fund_open
from app.services.fund.ledger import GENERAL, Happening, Move


async def close(
    session: AsyncSession, actor: Actor, fund_id: UUID, seen: int, closing: FundClosing
) -> FundOut:
    """Close a fund.

    Raises:
        GateRefused: it is closed; money is promised, or paid without receipts; the books of today are closed; the other
            fund is closed, or in another currency.
        InvalidInput: the other fund is this one.
    """
    if closing.rest_to_fund_id == fund_id:
        raise InvalidInput([Fault("/rest_to_fund_id", "same_fund", "The rest goes to another fund.")])
    fund = await find_for_change(session, Fund, fund_id, seen)
    heir = await find_steady(session, Fund, closing.rest_to_fund_id) if closing.rest_to_fund_id else None
    refuse(
        [
            *unmet_fund_open(fund),
            *await _unmet_settled(session, fund),
            *await ledger.unmet_books(session, today()),
            *_unmet_heir(fund, heir),
        ]
    )
    moves = await _rest(session, fund, heir)
    if moves:
        happening = Happening("closing", today(), fund.id, reference=closing.reason)
        await ledger.post(session, actor, happening, moves)
    fund.status, fund.closed_at, fund.closed_by_id = "closed", now(), actor.id
    fund.close_reason, fund.rest_to_fund_id = closing.reason, closing.rest_to_fund_id
    fund.updated_at = now()
    await session.flush()  # the answer shows what was stored
    return (await shown(session, [fund]))[0]


async def _unmet_settled(session: AsyncSession, fund: Fund) -> list[Fault]:
    unmet = []
    if await held(session, fund.id, "reserved"):
        unmet.append(Fault(None, "money_reserved", "Money is promised: pay or cancel it first."))
    if await held(session, fund.id, "advanced"):
        unmet.append(Fault(None, "money_unreconciled", "Money is paid without receipts: reconcile it first."))
    return unmet


def _unmet_heir(fund: Fund, heir: Fund | None) -> list[Fault]:
    if heir is None:
        return []
    other = [Fault("/rest_to_fund_id", "currency_other", "The other fund is in another currency.")]
    return [*unmet_fund_open(heir), *(other if heir.currency != fund.currency else [])]


async def _rest(session: AsyncSession, fund: Fund, heir: Fund | None) -> list[Move]:
    """Return what empties a fund: each fund stays balanced in itself, so that its donor's statement is whole."""
    found = await ledger.balances(session, [fund.id])
    rest = {line: balance for (_, line, kind), balance in found.items() if kind == "available" and balance}
    total = sum(rest.values())
    moves = [Move(fund.id, line, "available", -balance) for line, balance in rest.items()]
    moves.append(Move(fund.id, GENERAL, "donor", total))
    if heir is not None:
        moves += [Move(heir.id, GENERAL, "donor", -total), Move(heir.id, GENERAL, "available", total)]
    return moves if total else []
