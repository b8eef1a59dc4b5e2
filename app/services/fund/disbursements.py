"""Create disbursement requests: money for a child, a supporter or a family."""

from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import add_months, today
from app.kit.records import get_for_share
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Disbursement, DisbursementDetails, Goal
from app.models.record import new_id
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import DisbursementCreate
from app.schemas.money import Money
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case
from app.services.fund.disbursement_responses import get_disbursement

CHILD_CATEGORIES = frozenset(
    {"health_care", "education", "vocational_training", "safe_space", "alternative_care", "sports", "nutrition",
     "transport", "court_attendance"}
)  # fmt: skip
"""Categories for the beneficiary `child`."""
FAMILY_CATEGORIES = frozenset({"health_care", "income_generation", "vocational_training", "legal_advice"})
"""Categories for the beneficiaries `family` and `supporter`."""
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
    first = rows[0][0]
    history_detail = disbursement_history_detail(first)
    if payload.months > 1:
        history_detail["months"] = str(payload.months)
    case_history.record_case_history(session, case, "disbursement_requested", caller, first, history_detail)
    return await get_disbursement(await open_response_reader(session), first.id)


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
