"""Disbursements: asking for money for a child or family, and reading what became of it."""

from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput, NotFound
from app.kit.dates import add_months, today
from app.kit.pagination import Paginator
from app.kit.records import get_for_share
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Disbursement, DisbursementDetails, Goal
from app.models.record import new_id
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import DisbursementCreate, DisbursementFilters, Tender
from app.schemas.money import Money
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case

CHILD_CATEGORIES = frozenset(
    {"health_care", "education", "vocational_training", "safe_space", "alternative_care", "sports", "nutrition",
     "transport", "court_attendance"}
)  # fmt: skip
FAMILY_CATEGORIES = frozenset({"health_care", "income_generation", "vocational_training", "legal_advice"})
"""Of a supporter, too (the client assistance fund's categories)."""
ENCRYPTED_FIELDS = ("purpose", "other_support_sought", "reason")
COMPUTED_FIELDS = {"payee", "amount", "spent", "tenders", "reversal_reason", "approval_overdue", "child_id"}
NEXT_DISBURSEMENT_NUMBERS_SQL = text("""
    INSERT INTO disbursement_number_series AS series (year, last) VALUES (:year, :count)
    ON CONFLICT (year) DO UPDATE SET last = series.last + :count
    RETURNING last
""")


async def create_disbursement(
    session: AsyncSession, caller: Caller, payload: DisbursementCreate
) -> DisbursementSchema:
    """Ask for money: once, or every month for some months.

    Raises:
        NotFound: no such case for this actor.
        GateRefused: the case is closed; the actor only looks at it through broken glass.
        InvalidInput: a category that is not for this beneficiary; a goal of another case; a beginning in the past.
        AlreadyExists: the id is taken.
    """
    _validate_payload(payload)
    case = await get_for_share(session, Case, payload.case_id)
    raise_if_unmet([*check_case_open(case), *await check_works_on_case(session, case)])
    if payload.goal_id is not None and not await _is_goal_of_case(session, payload.goal_id, case):
        raise InvalidInput([Fault("/goal_id", "reference_unknown", "The case has no such goal.")])
    first_id = payload.id or new_id()
    rows = [_build_instalment(case, caller, payload, first_id, number) for number in range(payload.months)]
    last = await session.scalar(
        NEXT_DISBURSEMENT_NUMBERS_SQL, {"year": today().year, "count": payload.months}
    )
    for number, (asked, _) in enumerate(rows, int(last or 0) - payload.months + 1):
        asked.number = f"A-{today().year}-{number:05}"
    session.add_all(asked for asked, _ in rows)
    await session.flush()  # the history names the first of them
    session.add_all(words for _, words in rows)
    first, words = rows[0]
    detail = disbursement_history_detail(first) | (
        {"months": str(payload.months)} if payload.months > 1 else {}
    )
    case_history.record_case_history(session, case, "disbursement_requested", caller, first, detail)
    await session.flush()  # a conflict must surface before the answer leaves
    return disbursement_to_schema(first, words)


def _validate_payload(payload: DisbursementCreate) -> None:
    faults = []
    if payload.category not in (CHILD_CATEGORIES if payload.beneficiary == "child" else FAMILY_CATEGORIES):
        detail = "The fund does not help this beneficiary with that."
        faults.append(Fault("/category", "category_unfit", detail))
    if payload.starts_on is not None and not today() <= payload.starts_on <= add_months(today(), 12):
        faults.append(Fault("/starts_on", "date_out_of_reach", "Begins today, or within twelve months."))
    if payload.urgency == "emergency" and (payload.months > 1 or payload.starts_on not in {None, today()}):
        detail = "An emergency is one payment, today; what comes later is asked for as usual."
        faults.append(Fault("/urgency", "emergency_is_now", detail))
    if faults:
        raise InvalidInput(faults)


async def _is_goal_of_case(session: AsyncSession, goal_id: UUID, case: Case) -> bool:
    query = select(col(Goal.id)).where(col(Goal.id) == goal_id, col(Goal.case_id) == case.id)
    return await session.scalar(query) is not None


def _build_instalment(
    case: Case, caller: Caller, payload: DisbursementCreate, first_id: UUID, number: int
) -> tuple[Disbursement, DisbursementDetails]:
    """Return one month of a request; its id follows from the first's: sent twice, it is still one request."""
    here: dict[str, Any] = {"child_id": case.child_id, "case_id": case.id}
    asked = Disbursement(
        **here,
        id=uuid5(first_id, str(number)) if number else first_id,
        number="",
        case_number=case.number,
        amount=payload.amount.minor_units,
        currency=payload.amount.currency,
        series_id=first_id if payload.months > 1 else None,
        instalment=number + 1,
        instalments=payload.months,
        release_on=add_months(payload.starts_on or today(), number),
        requested_by_id=caller.id,
        **payload.model_dump(include={"beneficiary", "category", "urgency"}),
    )
    if payload.payee is not None:
        encrypt(asked, "payee_sealed", payload.payee)
    words = DisbursementDetails(**here, id=asked.id, area=payload.area, goal_id=payload.goal_id)
    encrypt(words, "sealed", payload.model_dump(include={"purpose", "other_support_sought"}))
    return asked, words


def disbursement_history_detail(asked: Disbursement) -> dict[str, Any]:
    """Return what the timeline tells of a disbursement: facts, no words."""
    money = Money.from_minor_units(asked.amount, asked.currency)
    return {
        "number": asked.number,
        "category": asked.category,
        "amount": money.amount,
        "currency": money.currency,
    }


async def list_disbursements(
    session: AsyncSession, caller: Caller, filters: DisbursementFilters
) -> Page[DisbursementSchema]:
    """List the disbursements the actor sees, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("disbursements", filters.limit, filters.cursor, {**wanted, "for": caller.id})
    overdue = wanted.pop("approval_overdue", None)
    query = DISBURSEMENT_QUERY.where(
        *(col(getattr(Disbursement, name)) == value for name, value in wanted.items())
    )
    if overdue is not None:
        late = _approval_overdue_condition()
        query = query.where(late if overdue else ~late)
    rows, cursor = await paging.fetch_rows(session, query, col(Disbursement.created_at), col(Disbursement.id))
    return Page(items=[disbursement_to_schema(row[0], row[1]) for row in rows], next_cursor=cursor)


DISBURSEMENT_QUERY = select(Disbursement, DisbursementDetails).outerjoin(
    DisbursementDetails, col(DisbursementDetails.id) == col(Disbursement.id)
)


def _approval_overdue_condition() -> Any:
    due = col(Disbursement.approval_due_on)
    return (
        (col(Disbursement.status) == "paid")
        & col(Disbursement.approved_by_id).is_(None)
        & due.is_not(None)
        & (due < today())
    )


async def get_disbursement(session: AsyncSession, disbursement_id: UUID) -> DisbursementSchema:
    """Read one disbursement; who does not see the case reads no word of the child."""
    row = (await session.execute(DISBURSEMENT_QUERY.where(col(Disbursement.id) == disbursement_id))).first()
    if row is None:
        raise NotFound
    return disbursement_to_schema(row[0], row[1])


def disbursement_to_schema(asked: Disbursement, words: DisbursementDetails | None) -> DisbursementSchema:
    """Return a disbursement, with its words as far as they were given out."""
    told = decrypt(words) if words is not None else {}
    plain = set(DisbursementSchema.model_fields) - COMPUTED_FIELDS - {*ENCRYPTED_FIELDS, "area", "goal_id"}
    due = asked.approval_due_on
    late = asked.status == "paid" and asked.approved_by_id is None and due is not None and due < today()
    return DisbursementSchema(
        **asked.model_dump(include=plain),
        **{name: told.get(name) for name in ENCRYPTED_FIELDS},
        child_id=words.child_id if words else None,
        area=words.area if words else None,
        goal_id=words.goal_id if words else None,
        amount=Money.from_minor_units(asked.amount, asked.currency),
        spent=None if asked.spent is None else Money.from_minor_units(asked.spent, asked.currency),
        approval_overdue=late,
        payee=decrypt(asked, "payee_sealed") or None,
        reversal_reason=decrypt(asked, "reversal_sealed") or None,
        tenders=[_tender_to_schema(tender, asked.currency) for tender in asked.tenders],
    )


def _tender_to_schema(told: dict[str, Any], currency: str) -> Tender:
    return Tender(
        amount=Money.from_minor_units(told["amount"], told["currency"]),
        worth=Money.from_minor_units(told["worth"], currency),
        **{name: told[name] for name in ("rate", "rate_on", "rate_source")},
    )
