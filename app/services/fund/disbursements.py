"""Disbursements: asking for money for a child or family, and reading what became of it."""

from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput, NotFound
from app.kit.dates import add_months, today
from app.kit.pagination import Paging
from app.kit.records import find_steady
from app.kit.state_machine import refuse
from app.models import Case, Disbursement, DisbursementWords, Goal
from app.models.record import new_id
from app.schemas.disbursements import DisbursementFilters, DisbursementIn, DisbursementOut, TenderOut
from app.schemas.money import Money
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.cases.write_access import unmet_working

OF_A_CHILD = frozenset(
    {"health_care", "education", "vocational_training", "safe_space", "alternative_care", "sports", "nutrition",
     "transport", "court_attendance"}
)  # fmt: skip
OF_A_FAMILY = frozenset({"health_care", "income_generation", "vocational_training", "legal_advice"})
"""Of a supporter, too (the client assistance fund's categories)."""
WORDS = ("purpose", "other_support_sought", "reason")
MADE_UP = {"payee", "amount", "spent", "tenders", "reversal_reason", "approval_overdue", "child_id"}
NEXT_NUMBERS = text("""
    INSERT INTO disbursement_number_series AS series (year, last) VALUES (:year, :count)
    ON CONFLICT (year) DO UPDATE SET last = series.last + :count
    RETURNING last
""")


async def request(session: AsyncSession, actor: Actor, told: DisbursementIn) -> DisbursementOut:
    """Ask for money: once, or every month for some months.

    Raises:
        NotFound: no such case for this actor.
        GateRefused: the case is closed; the actor only looks at it through broken glass.
        InvalidInput: a category that is not for this beneficiary; a goal of another case; a beginning in the past.
        AlreadyExists: the id is taken.
    """
    _refuse_unfit(told)
    case = await find_steady(session, Case, told.case_id)
    refuse([*unmet_open(case), *await unmet_working(session, case)])
    if told.goal_id is not None and not await _is_of_case(session, told.goal_id, case):
        raise InvalidInput([Fault("/goal_id", "reference_unknown", "The case has no such goal.")])
    first_id = told.id or new_id()
    rows = [_month(case, actor, told, first_id, number) for number in range(told.months)]
    last = await session.scalar(NEXT_NUMBERS, {"year": today().year, "count": told.months})
    for number, (asked, _) in enumerate(rows, int(last or 0) - told.months + 1):
        asked.number = f"A-{today().year}-{number:05}"
    session.add_all(asked for asked, _ in rows)
    await session.flush()  # the history names the first of them
    session.add_all(words for _, words in rows)
    first, words = rows[0]
    detail = detail_of(first) | ({"months": str(told.months)} if told.months > 1 else {})
    case_history.record(session, case, "disbursement_requested", actor, first, detail)
    await session.flush()  # a conflict must surface before the answer leaves
    return shown(first, words)


def _refuse_unfit(told: DisbursementIn) -> None:
    faults = []
    if told.category not in (OF_A_CHILD if told.beneficiary == "child" else OF_A_FAMILY):
        detail = "The fund does not help this beneficiary with that."
        faults.append(Fault("/category", "category_unfit", detail))
    if told.starts_on is not None and not today() <= told.starts_on <= add_months(today(), 12):
        faults.append(Fault("/starts_on", "date_out_of_reach", "Begins today, or within twelve months."))
    if told.urgency == "emergency" and (told.months > 1 or told.starts_on not in {None, today()}):
        detail = "An emergency is one payment, today; what comes later is asked for as usual."
        faults.append(Fault("/urgency", "emergency_is_now", detail))
    if faults:
        raise InvalidInput(faults)


async def _is_of_case(session: AsyncSession, goal_id: UUID, case: Case) -> bool:
    query = select(col(Goal.id)).where(col(Goal.id) == goal_id, col(Goal.case_id) == case.id)
    return await session.scalar(query) is not None


def _month(
    case: Case, actor: Actor, told: DisbursementIn, first_id: UUID, number: int
) -> tuple[Disbursement, DisbursementWords]:
    """Return one month of a request; its id follows from the first's: sent twice, it is still one request."""
    here: dict[str, Any] = {"child_id": case.child_id, "case_id": case.id}
    asked = Disbursement(
        **here,
        id=uuid5(first_id, str(number)) if number else first_id,
        number="",
        case_number=case.number,
        amount=told.amount.minor,
        currency=told.amount.currency,
        series_id=first_id if told.months > 1 else None,
        instalment=number + 1,
        instalments=told.months,
        release_on=add_months(told.starts_on or today(), number),
        requested_by_id=actor.id,
        **told.model_dump(include={"beneficiary", "category", "urgency"}),
    )
    if told.payee is not None:
        seal(asked, "payee_sealed", told.payee)
    words = DisbursementWords(**here, id=asked.id, area=told.area, goal_id=told.goal_id)
    seal(words, "sealed", told.model_dump(include={"purpose", "other_support_sought"}))
    return asked, words


def detail_of(asked: Disbursement) -> dict[str, Any]:
    """Return what the timeline tells of a disbursement: facts, no words."""
    money = Money.of(asked.amount, asked.currency)
    return {
        "number": asked.number,
        "category": asked.category,
        "amount": money.amount,
        "currency": money.currency,
    }


async def listed(session: AsyncSession, actor: Actor, filters: DisbursementFilters) -> Page[DisbursementOut]:
    """List the disbursements the actor sees, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("disbursements", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    overdue = wanted.pop("approval_overdue", None)
    query = WITH_WORDS.where(*(col(getattr(Disbursement, name)) == value for name, value in wanted.items()))
    if overdue is not None:
        late = _is_overdue_in_sql()
        query = query.where(late if overdue else ~late)
    rows, cursor = await paging.rows(session, query, col(Disbursement.created_at), col(Disbursement.id))
    return Page(items=[shown(row[0], row[1]) for row in rows], next_cursor=cursor)


WITH_WORDS = select(Disbursement, DisbursementWords).outerjoin(
    DisbursementWords, col(DisbursementWords.id) == col(Disbursement.id)
)


def _is_overdue_in_sql() -> Any:
    due = col(Disbursement.approval_due_on)
    return (
        (col(Disbursement.status) == "paid")
        & col(Disbursement.approved_by_id).is_(None)
        & due.is_not(None)
        & (due < today())
    )


async def read(session: AsyncSession, disbursement_id: UUID) -> DisbursementOut:
    """Read one disbursement; who does not see the case reads no word of the child."""
    row = (await session.execute(WITH_WORDS.where(col(Disbursement.id) == disbursement_id))).first()
    if row is None:
        raise NotFound
    return shown(row[0], row[1])


def shown(asked: Disbursement, words: DisbursementWords | None) -> DisbursementOut:
    """Return a disbursement, with its words as far as they were given out."""
    told = unseal(words) if words is not None else {}
    plain = set(DisbursementOut.model_fields) - MADE_UP - {*WORDS, "area", "goal_id"}
    due = asked.approval_due_on
    late = asked.status == "paid" and asked.approved_by_id is None and due is not None and due < today()
    return DisbursementOut(
        **asked.model_dump(include=plain),
        **{name: told.get(name) for name in WORDS},
        child_id=words.child_id if words else None,
        area=words.area if words else None,
        goal_id=words.goal_id if words else None,
        amount=Money.of(asked.amount, asked.currency),
        spent=None if asked.spent is None else Money.of(asked.spent, asked.currency),
        approval_overdue=late,
        payee=unseal(asked, "payee_sealed") or None,
        reversal_reason=unseal(asked, "reversal_sealed") or None,
        tenders=[_tender(tender, asked.currency) for tender in asked.tenders],
    )


def _tender(told: dict[str, Any], currency: str) -> TenderOut:
    return TenderOut(
        amount=Money.of(told["amount"], told["currency"]),
        worth=Money.of(told["worth"], currency),
        **{name: told[name] for name in ("rate", "rate_on", "rate_source")},
    )
