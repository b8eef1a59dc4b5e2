"""Read disbursements: one disbursement, the list, and the sums of payments without receipts."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, and_, any_, bindparam, case, func, not_, or_, select, true
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader, ShownRecord
from app.kit.dates import today
from app.kit.list_query import RELEVANCE, ListQuery, build_day_start, is_one_of
from app.kit.reference_names import fund_name, person_name, staff_names, to_ref, to_staff_refs
from app.models import Child, Disbursement, DisbursementDetails
from app.models.disbursements import StoredFinanceDocument, StoredTender
from app.schemas.disbursement_lists import DisbursementFilters, DisbursementList
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import UnreceiptedMoney, UnreceiptedMoneyGroup
from app.schemas.money import Money, format_money
from app.services.cases.cases import build_case_child
from app.services.cases.search import parse_case_numbers, parse_numbers
from app.services.fund.disbursement_scope import DAY, AwaitingScope, DisbursementScope

COLUMN_FIELDS = [name for name in DisbursementSchema.model_fields if name in Disbursement.model_fields]
STAFF_FIELDS = ("requested_by", "approved_by", "paid_by", "reconciled_by", "ended_by")
DISBURSEMENT_COLUMNS = (
    select(
        *(getattr(Disbursement, name) for name in COLUMN_FIELDS),
        *staff_names(Disbursement, *STAFF_FIELDS),
        fund_name(col(Disbursement.fund_id)).label("fund_name"),
        col(Disbursement.currency),
        col(Disbursement.payee_encrypted),
        col(Disbursement.reversal_reason_encrypted),
        col(DisbursementDetails.area),
        col(DisbursementDetails.goal_id),
        col(DisbursementDetails.content_encrypted),
        col(DisbursementDetails.reason_encrypted),
        col(Child.sex),
        col(Child.identity_encrypted),
    )
    .select_from(Disbursement)
    .outerjoin(DisbursementDetails, col(DisbursementDetails.id) == col(Disbursement.id))
    .outerjoin(Child, col(Child.id) == col(DisbursementDetails.child_id))
)
"""Columns of a disbursement. Those of the details and the child are NULL unless the caller can see the case."""
SHOWN_DISBURSEMENT = ShownRecord("disbursement")
DISBURSEMENT_QUERY = ReadQuery(
    DISBURSEMENT_COLUMNS.where(col(Disbursement.id) == bindparam("disbursement_id")), shows=SHOWN_DISBURSEMENT
)
APPROVAL_OVERDUE = and_(
    col(Disbursement.status) == "paid",
    col(Disbursement.approved_by_id).is_(None),
    col(Disbursement.approval_due_on).is_not(None),
    col(Disbursement.approval_due_on) < DAY,
)
DISBURSEMENTS = ListQuery(
    "disbursements",
    Disbursement,
    DISBURSEMENT_COLUMNS,
    filters={
        "q": or_(
            col(Disbursement.number) == any_(bindparam("numbers", type_=ARRAY(Text))),
            col(Disbursement.case_number) == any_(bindparam("case_numbers", type_=ARRAY(Text))),
        ),
        "awaiting": {"me": true()},  # `AWAITING` narrows the list
        **{
            name: is_one_of(col(getattr(Disbursement, name)), name)
            for name in ("status", "fund_id", "category", "beneficiary", "urgency", "requested_by_id")
        },
        **{
            name: col(getattr(Disbursement, name)) == bindparam(name)
            for name in ("case_id", "currency", "series_id")
        },
        "requested_from": col(Disbursement.created_at) >= build_day_start("requested_from"),
        "requested_to": col(Disbursement.created_at) < build_day_start("requested_to", 1),
        "approval_overdue": {True: APPROVAL_OVERDUE, False: not_(APPROVAL_OVERDUE)},
    },
    sorts={
        "created_at": col(Disbursement.created_at),
        "updated_at": col(Disbursement.updated_at),
        "amount": col(Disbursement.amount),
        RELEVANCE: col(Disbursement.number),
    },
    scope=DisbursementScope(),
    shows=SHOWN_DISBURSEMENT,
)
AWAITING = replace(DISBURSEMENTS, name="awaiting_disbursements", scope=AwaitingScope())
"""The list of disbursements that await an act of the caller."""
PAID_DAYS = DAY - col(Disbursement.paid_on)
PAYMENT_AGE = case(
    (PAID_DAYS <= 7, "up_to_7_days"),  # noqa: PLR2004 - the code names the limit
    (PAID_DAYS <= 30, "up_to_30_days"),  # noqa: PLR2004 - the code names the limit
    (PAID_DAYS <= 90, "up_to_90_days"),  # noqa: PLR2004 - the code names the limit
    else_="over_90_days",
)
UNRECEIPTED_PAYMENTS = (
    select(
        col(Disbursement.requested_by_id),
        PAYMENT_AGE.label("age"),
        col(Disbursement.currency),
        func.count().label("payments"),
        func.sum(col(Disbursement.amount)).label("amount"),
        func.min(col(Disbursement.paid_on)).label("first_paid_on"),
    )
    .where(col(Disbursement.status) == "paid")
    .group_by(col(Disbursement.requested_by_id), PAYMENT_AGE, col(Disbursement.currency))
    .subquery("unreceipted")
)
UNRECEIPTED_QUERY = ReadQuery(
    select(
        *UNRECEIPTED_PAYMENTS.c, person_name(UNRECEIPTED_PAYMENTS.c.requested_by_id).label("worker_name")
    ).order_by(
        UNRECEIPTED_PAYMENTS.c.first_paid_on,
        UNRECEIPTED_PAYMENTS.c.requested_by_id,
        UNRECEIPTED_PAYMENTS.c.currency,
    ),
    shows=NoShownRecord("the payments are only summed"),
)


async def get_disbursement(reader: RecordReader, disbursement_id: UUID) -> DisbursementSchema:
    """Return one disbursement. The child and the details are null unless the caller can see the case.

    Raises:
        NotFound: the disbursement does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(DISBURSEMENT_QUERY, disbursement_id=disbursement_id)
    return DisbursementSchema(**_row_to_fields(row, today()))


async def list_disbursements(
    reader: RecordReader, caller: Caller, filters: DisbursementFilters
) -> DisbursementList:
    """List the disbursements that the caller can see, newest first unless `sort` or `q` is given."""
    day = today()
    numbers: dict[str, Any] = {}
    if filters.q is not None:
        numbers["numbers"] = parse_numbers(filters.q, "A", 5)
        numbers["case_numbers"] = parse_case_numbers(filters.q)
    query = DISBURSEMENTS if filters.awaiting is None else AWAITING
    page = await query.fetch_page(reader, caller, filters, day=day, **numbers)
    return DisbursementList.from_trusted_items([_row_to_fields(row, day) for row in page.rows], **page.fields)


def _row_to_fields(row: Any, day: date) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, *STAFF_FIELDS),
        **_build_details(row, day),
        "fund": to_ref(row.fund_id, row.fund_name),
        "amount": format_money(row.amount, row.currency),
        "spent": None if row.spent is None else format_money(row.spent, row.currency),
        "rounding": None if row.rounding is None else format_money(row.rounding, row.currency),
        "approval_overdue": _is_approval_overdue(row, day),
        "payee": row.payee_encrypted and Disbursement.payee.decrypt(row.id, row.payee_encrypted),
        "reversal_reason": row.reversal_reason_encrypted
        and Disbursement.reversal_reason.decrypt(row.id, row.reversal_reason_encrypted),
        "tenders": [_build_tender(tender, row.currency) for tender in row.tenders],
        "finance_documents": [_build_finance_document(document) for document in row.finance_documents],
    }


def _build_details(row: Any, day: date) -> dict[str, Any]:
    """Return the fields with details of the child, null unless the caller can see the case."""
    if row.content_encrypted is None:
        names = ("child_id", "child", "area", "goal_id", "purpose", "other_support_sought", "reason")
        return dict.fromkeys(names)
    return {
        "child_id": row.child_id,
        "child": build_case_child(row, day),
        "area": row.area,
        "goal_id": row.goal_id,
        "reason": DisbursementDetails.reason.decrypt(row.id, row.reason_encrypted),
        **DisbursementDetails.content.decrypt(row.id, row.content_encrypted),
    }


def _is_approval_overdue(row: Any, day: date) -> bool:
    """Return the same as `APPROVAL_OVERDUE`, for a row."""
    is_pending = row.status == "paid" and row.approved_by_id is None
    return is_pending and row.approval_due_on is not None and row.approval_due_on < day


def _build_tender(tender: StoredTender, currency: str) -> dict[str, Any]:
    return {
        "amount": format_money(tender["amount"], tender["currency"]),
        "worth": format_money(tender["worth"], currency),
        "rate": tender["rate"],
        "rate_on": tender["rate_on"],
        "rate_source": tender["rate_source"],
    }


def _build_finance_document(document: StoredFinanceDocument) -> dict[str, Any]:
    amount, currency = document["amount"], document["currency"]
    money = None if amount is None or currency is None else format_money(amount, currency)
    return {"amount": money} | {name: document[name] for name in ("id", "kind", "media_type", "size")}


async def get_unreceipted_payments(reader: RecordReader) -> UnreceiptedMoney:
    """Return the sums of payments without receipts, by worker, age of the payment and currency.

    Only payments that the caller can see are counted. The group with the oldest payment comes first.
    """
    day = today()
    groups = [
        UnreceiptedMoneyGroup(
            worker_id=row.requested_by_id,
            worker={"id": row.requested_by_id, "name": row.worker_name},
            age=row.age,
            count=row.payments,
            amount=Money.from_minor_units(int(row.amount), row.currency),
        )
        for row in await reader.fetch(UNRECEIPTED_QUERY, day=day)
    ]
    return UnreceiptedMoney(on=day, items=groups)
