"""Read funds with the balances of their budget lines."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, bindparam, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.kit.list_query import ListQuery, overlaps
from app.kit.reference_names import place_refs, staff_names, to_ref, to_staff_refs
from app.kit.resources import Resource
from app.models import Fund, LedgerAccount
from app.schemas.funds import Fund as FundSchema
from app.schemas.funds import FundFilters, FundList
from app.schemas.money import format_money
from app.services.fund.ledger import ACCOUNT_KINDS, GENERAL_LINE

COLUMN_FIELDS = [name for name in FundSchema.model_fields if name in Fund.model_fields]
BALANCES = (
    select(
        func.json_agg(
            func.json_build_array(
                col(LedgerAccount.line), col(LedgerAccount.kind), col(LedgerAccount.balance)
            ),
            type_=JSON,
        )
    )
    .where(col(LedgerAccount.fund_id) == col(Fund.id))
    .scalar_subquery()
)
"""Line, kind and balance in minor units of each account of a fund."""


async def get_fund(reader: RecordReader, fund_id: UUID) -> FundSchema:
    """Return one fund with its balances.

    Raises:
        NotFound: the fund does not exist.
    """
    return await FUNDS.get(reader, fund_id)


async def list_funds(reader: RecordReader, caller: Caller, filters: FundFilters) -> FundList:
    """List the funds with their balances, newest first unless `sort` is given."""
    return await FUNDS.list_page(reader, caller, filters)


def _row_to_fields(row: Any) -> dict[str, Any]:
    balances = {(line, kind): balance for line, kind, balance in row.account_balances}
    lines = {line for line, _ in balances}
    totals = {kind: sum(balances.get((line, kind), 0) for line in lines) for kind in ACCOUNT_KINDS}
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "closed_by"),
        "rest_to_fund": to_ref(row.rest_to_fund_id, row.rest_to_fund_name),
        "provinces": row.provinces or [],
        "budget": None if row.budget is None else format_money(row.budget, row.currency),
        "balances": {
            "given": format_money(-balances.get((GENERAL_LINE, "donor"), 0), row.currency),
            **{kind: format_money(amount, row.currency) for kind, amount in totals.items()},
        },
        "lines": [
            _build_line(line, row.lines.get(line), balances, row.currency)
            for line in sorted(lines, key=lambda name: (name != GENERAL_LINE, name))
        ],
    }


def _build_line(
    line: str, budget: int | None, balances: Mapping[tuple[str, str], int], currency: str
) -> dict[str, Any]:
    return {
        "line": line,
        "budget": None if budget is None else format_money(budget, currency),
        **{kind: format_money(balances.get((line, kind), 0), currency) for kind in ACCOUNT_KINDS},
    }


OTHER_FUND = aliased(Fund)
FUNDS = Resource(
    ListQuery(
        "funds",
        Fund,
        select(
            *(getattr(Fund, name) for name in COLUMN_FIELDS),
            *staff_names(Fund, "closed_by"),
            select(col(OTHER_FUND.name))
            .where(col(OTHER_FUND.id) == col(Fund.rest_to_fund_id))
            .scalar_subquery()
            .label("rest_to_fund_name"),
            place_refs(col(Fund.province_codes)).label("provinces"),
            BALANCES.label("account_balances"),
        ),
        filters={
            "status": col(Fund.status) == bindparam("status"),
            "currency": col(Fund.currency) == bindparam("currency"),
            "category": overlaps(col(Fund.categories), "category"),
        },
        sorts={"created_at": col(Fund.created_at), "name": col(Fund.name)},
    ),
    FundSchema,
    FundList,
    _row_to_fields,
)
