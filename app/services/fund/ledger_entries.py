"""List the ledger entries of a fund."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader, ShownRecord
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import Disbursement, Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.schemas.ledger import LedgerEntryFilters, LedgerEntryList
from app.schemas.money import format_money

TRANSACTION_FIELDS = ("kind", "on", "disbursement_id", "transfer_id", "reference", "by_id")
# The subqueries have a separate FROM clause, because the page joins the same tables and the count does not.
TRANSACTION = (
    select(col(LedgerTransaction.id))
    .where(col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
    .correlate(LedgerEntry)
)
OWN_ACCOUNTS = (
    select(col(LedgerAccount.id)).where(col(LedgerAccount.fund_id) == bindparam("fund_id")).correlate(None)
)
ENTRIES = ListQuery(
    "ledger",
    LedgerEntry,
    select(
        *(getattr(LedgerTransaction, name) for name in TRANSACTION_FIELDS),
        *staff_names(LedgerTransaction, "by"),
        col(LedgerEntry.id),
        col(LedgerEntry.transaction_id),
        col(LedgerEntry.amount),
        col(LedgerEntry.created_at),
        col(LedgerAccount.kind).label("account"),
        col(LedgerAccount.line),
        col(LedgerAccount.currency),
        col(Disbursement.child_id),
        col(Disbursement.case_id),
    )
    .select_from(LedgerEntry)
    .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
    .join(LedgerAccount, col(LedgerAccount.id) == col(LedgerEntry.account_id))
    .outerjoin(Disbursement, col(Disbursement.id) == col(LedgerTransaction.disbursement_id)),
    filters={
        "fund_id": col(LedgerEntry.fund_id) == bindparam("fund_id"),
        "account": col(LedgerEntry.account_id).in_(
            OWN_ACCOUNTS.where(is_one_of(col(LedgerAccount.kind), "account"))
        ),
        "line": col(LedgerEntry.account_id).in_(
            OWN_ACCOUNTS.where(is_one_of(col(LedgerAccount.line), "line"))
        ),
        "kind": TRANSACTION.where(is_one_of(col(LedgerTransaction.kind), "kind")).exists(),
        "disbursement_id": col(LedgerEntry.transaction_id).in_(
            select(col(LedgerTransaction.id))
            .where(col(LedgerTransaction.disbursement_id) == bindparam("disbursement_id"))
            .correlate(None)
        ),
    },
    sorts={"created_at": col(LedgerEntry.created_at)},
    shows=ShownRecord("disbursement", record_id="disbursement_id"),
)


async def list_fund_ledger_entries(
    reader: RecordReader, caller: Caller, fund_id: UUID, filters: LedgerEntryFilters
) -> LedgerEntryList:
    """Return a page of the ledger entries of a fund, newest first.

    Raises:
        NotFound: the fund does not exist.
    """
    page = await ENTRIES.fetch_page(reader, caller, filters, within={"fund_id": fund_id})
    if not page.rows:
        await ensure_visible(reader, Fund, fund_id)
    return LedgerEntryList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(TRANSACTION_FIELDS, row, strict=False)),
        **to_staff_refs(row, "by"),
        "id": row.id,
        "transaction_id": row.transaction_id,
        "account": row.account,
        "line": row.line,
        "amount": format_money(row.amount, row.currency),
        "created_at": row.created_at,
    }
