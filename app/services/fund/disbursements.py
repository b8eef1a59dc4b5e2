"""Create and read disbursement requests: money for a child, a supporter or a family."""

from typing import cast
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy import case as sql_case
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput, NotFound
from app.kit.dates import add_months, today
from app.kit.pagination import Paginator
from app.kit.records import get_for_share
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Disbursement, DisbursementDetails, Goal, User
from app.models.disbursements import StoredTender
from app.models.record import new_id
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import (
    DisbursementCreate,
    DisbursementFilters,
    DisbursementList,
    Tender,
    UnreceiptedMoney,
    UnreceiptedMoneyGroup,
)
from app.schemas.money import Money
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case

CHILD_CATEGORIES = frozenset(
    {"health_care", "education", "vocational_training", "safe_space", "alternative_care", "sports", "nutrition",
     "transport", "court_attendance"}
)  # fmt: skip
"""Categories for the beneficiary `child`."""
FAMILY_CATEGORIES = frozenset({"health_care", "income_generation", "vocational_training", "legal_advice"})
"""Categories for the beneficiaries `family` and `supporter`."""
DETAIL_FIELDS = {"child_id", "area", "goal_id", "purpose", "other_support_sought", "reason"}
"""Response fields that come from `DisbursementDetails`, which only the readers of the case can see."""
CONVERTED_FIELDS = {"payee", "amount", "spent", "tenders", "reversal_reason", "approval_overdue"}
"""Response fields that are not copied from columns, because they are computed or decrypted."""
COLUMN_FIELDS = set(DisbursementSchema.model_fields) - DETAIL_FIELDS - CONVERTED_FIELDS
DISBURSEMENT_QUERY = select(Disbursement, DisbursementDetails).outerjoin(
    DisbursementDetails, col(DisbursementDetails.id) == col(Disbursement.id)
)
NEXT_DISBURSEMENT_NUMBERS_SQL = text("""
    INSERT INTO disbursement_number_series AS series (year, last) VALUES (:year, :count)
    ON CONFLICT (year) DO UPDATE SET last = series.last + :count
    RETURNING last
""")


async def create_disbursement(
    session: AsyncSession, caller: Caller, payload: DisbursementCreate
) -> DisbursementSchema:
    """Create a request for one payment, or for one payment a month. Returns the first instalment.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
        GateRefused: the case is closed, or the caller is not staff of the case.
        InvalidInput: the category does not fit the beneficiary, the goal belongs to another case, or the start is not
            within the next twelve months.
        AlreadyExists: the id is taken.
    """
    _validate_payload(payload)
    case = await get_for_share(session, Case, payload.case_id)
    raise_if_unmet([*check_case_open(case), *await check_works_on_case(session, case)])
    if payload.goal_id is not None and not await _is_goal_of_case(session, payload.goal_id, case):
        raise InvalidInput([Fault("/goal_id", "reference_unknown", "The case has no goal with this id.")])
    first_id = payload.id or new_id()
    rows = [_build_instalment(case, caller, payload, first_id, index) for index in range(payload.months)]
    last_number = await session.scalar(
        NEXT_DISBURSEMENT_NUMBERS_SQL, {"year": today().year, "count": payload.months}
    )
    for number, (disbursement, _) in enumerate(rows, int(last_number or 0) - payload.months + 1):
        disbursement.number = f"A-{today().year}-{number:05}"
    session.add_all(disbursement for disbursement, _ in rows)
    await session.flush()  # the details and the history entry reference the disbursements
    session.add_all(details for _, details in rows)
    first, first_details = rows[0]
    history_detail = disbursement_history_detail(first)
    if payload.months > 1:
        history_detail["months"] = str(payload.months)
    case_history.record_case_history(session, case, "disbursement_requested", caller, first, history_detail)
    await session.flush()  # report a database error before the response is built
    return disbursement_to_schema(first, first_details)


def _validate_payload(payload: DisbursementCreate) -> None:
    faults = []
    if payload.category not in (CHILD_CATEGORIES if payload.beneficiary == "child" else FAMILY_CATEGORIES):
        detail = "This category is not available for this beneficiary."
        faults.append(Fault("/category", "category_unfit", detail))
    if payload.starts_on is not None and not today() <= payload.starts_on <= add_months(today(), 12):
        detail = "`starts_on` must be between today and twelve months from today."
        faults.append(Fault("/starts_on", "date_out_of_reach", detail))
    if payload.urgency == "emergency" and (payload.months > 1 or payload.starts_on not in {None, today()}):
        detail = (
            "An emergency is a single payment for today. Use another urgency for later or recurring payments."
        )
        faults.append(Fault("/urgency", "emergency_is_now", detail))
    if faults:
        raise InvalidInput(faults)


async def _is_goal_of_case(session: AsyncSession, goal_id: UUID, case: Case) -> bool:
    query = select(col(Goal.id)).where(col(Goal.id) == goal_id, col(Goal.case_id) == case.id)
    return await session.scalar(query) is not None


def _build_instalment(
    case: Case, caller: Caller, payload: DisbursementCreate, first_id: UUID, index: int
) -> tuple[Disbursement, DisbursementDetails]:
    """Return one instalment of a request and its details.

    The id is derived from the id of the first instalment. A repeated request with the same id therefore raises
    AlreadyExists instead of creating a second series.
    """
    disbursement = Disbursement(
        child_id=case.child_id,
        case_id=case.id,
        id=uuid5(first_id, str(index)) if index else first_id,
        number="",
        case_number=case.number,
        beneficiary=payload.beneficiary,
        category=payload.category,
        urgency=payload.urgency,
        amount=payload.amount.minor_units,
        currency=payload.amount.currency,
        series_id=first_id if payload.months > 1 else None,
        instalment=index + 1,
        instalments=payload.months,
        release_on=add_months(payload.starts_on or today(), index),
        requested_by_id=caller.id,
    )
    disbursement.payee = payload.payee
    details = DisbursementDetails(
        child_id=case.child_id,
        case_id=case.id,
        id=disbursement.id,
        area=payload.area,
        goal_id=payload.goal_id,
    )
    details.content = {
        "purpose": payload.purpose,
        "other_support_sought": payload.other_support_sought,
    }
    return disbursement, details


def disbursement_history_detail(disbursement: Disbursement) -> dict[str, str]:
    """Return the detail of a history entry about a disbursement. It contains no free text."""
    money = Money.from_minor_units(disbursement.amount, disbursement.currency)
    return {
        "number": disbursement.number,
        "category": disbursement.category,
        "amount": money.amount,
        "currency": money.currency,
    }


async def list_disbursements(
    session: AsyncSession, caller: Caller, filters: DisbursementFilters
) -> DisbursementList:
    """Return a page of the disbursements that the caller can see, newest first."""
    values = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator("disbursements", filters.limit, filters.cursor, {**values, "for": caller.id})
    approval_overdue = values.pop("approval_overdue", None)
    query = DISBURSEMENT_QUERY.where(
        *(col(getattr(Disbursement, name)) == value for name, value in values.items())
    )
    if approval_overdue is not None:
        is_overdue = _approval_overdue_condition()
        query = query.where(is_overdue if approval_overdue else ~is_overdue)
    rows, cursor = await paginator.fetch_rows(
        session, query, col(Disbursement.created_at), col(Disbursement.id)
    )
    return DisbursementList(
        items=[disbursement_to_schema(row[0], row[1]) for row in rows], next_cursor=cursor
    )


def _approval_overdue_condition() -> ColumnElement[bool]:
    """Return the SQL form of `_is_approval_overdue`."""
    due_on = col(Disbursement.approval_due_on)
    return (
        (col(Disbursement.status) == "paid")
        & col(Disbursement.approved_by_id).is_(None)
        & due_on.is_not(None)
        & (due_on < today())
    )


def _is_approval_overdue(disbursement: Disbursement) -> bool:
    return (
        disbursement.status == "paid"
        and disbursement.approved_by_id is None
        and disbursement.approval_due_on is not None
        and disbursement.approval_due_on < today()
    )


async def get_disbursement(session: AsyncSession, disbursement_id: UUID) -> DisbursementSchema:
    """Return one disbursement. The details are null unless the caller can see the case.

    Raises:
        NotFound: the disbursement does not exist, or the caller cannot see it.
    """
    row = (await session.execute(DISBURSEMENT_QUERY.where(col(Disbursement.id) == disbursement_id))).first()
    if row is None:
        raise NotFound
    return disbursement_to_schema(row[0], row[1])


def disbursement_to_schema(
    disbursement: Disbursement, details: DisbursementDetails | None
) -> DisbursementSchema:
    """Return a disbursement in the response format. `details` is None if the caller cannot see the case."""
    content = details.content if details is not None else None
    currency = disbursement.currency
    tenders = cast("list[StoredTender]", disbursement.tenders)
    return DisbursementSchema(
        **disbursement.model_dump(include=COLUMN_FIELDS),
        child_id=details.child_id if details else None,
        area=details.area if details else None,
        goal_id=details.goal_id if details else None,
        purpose=content["purpose"] if content else None,
        other_support_sought=content["other_support_sought"] if content else None,
        reason=content.get("reason") if content else None,
        amount=Money.from_minor_units(disbursement.amount, currency),
        spent=None if disbursement.spent is None else Money.from_minor_units(disbursement.spent, currency),
        approval_overdue=_is_approval_overdue(disbursement),
        payee=disbursement.payee,
        reversal_reason=disbursement.reversal_reason,
        tenders=[_tender_to_schema(tender, currency) for tender in tenders],
    )


def _tender_to_schema(tender: StoredTender, currency: str) -> Tender:
    return Tender.model_validate(
        {
            "amount": Money.from_minor_units(tender["amount"], tender["currency"]),
            "worth": Money.from_minor_units(tender["worth"], currency),
            "rate": tender["rate"],
            "rate_on": tender["rate_on"],
            "rate_source": tender["rate_source"],
        }
    )


async def get_unreceipted_payments(session: AsyncSession) -> UnreceiptedMoney:
    """Return the sums of payments without receipts, by worker, age of the payment and currency.

    Only payments that the caller can see are counted. The group with the oldest payment comes first.
    """
    days = today() - col(Disbursement.paid_on)
    age = sql_case(
        (days <= 7, "up_to_7_days"),  # noqa: PLR2004 - the code names the limit
        (days <= 30, "up_to_30_days"),  # noqa: PLR2004 - the code names the limit
        (days <= 90, "up_to_90_days"),  # noqa: PLR2004 - the code names the limit
        else_="over_90_days",
    )
    worker_id = col(Disbursement.requested_by_id)
    query = (
        select(
            worker_id,
            col(User.name),
            age,
            col(Disbursement.currency),
            func.count(),
            func.sum(col(Disbursement.amount)),
        )
        .join(User, col(User.id) == worker_id)
        .where(col(Disbursement.status) == "paid")
        .group_by(worker_id, col(User.name), age, col(Disbursement.currency))
        .order_by(func.min(col(Disbursement.paid_on)), worker_id, col(Disbursement.currency))
    )
    groups = [
        UnreceiptedMoneyGroup(
            worker_id=row[0],
            worker_name=row[1],
            age=row[2],
            count=row[4],
            amount=Money.from_minor_units(int(row[5]), row[3]),
        )
        for row in await session.execute(query)
    ]
    return UnreceiptedMoney(on=today(), items=groups)
