"""Count the agenda entries, approvals, referrals and overdue reviews for the menu of the caller."""

from functools import lru_cache

from sqlalchemy import Date, bindparam, func, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.kit.case_scope import CaseScope
from app.kit.dates import today
from app.kit.list_query import MAX_TOTAL
from app.models import Case
from app.schemas.agenda import Counts
from app.services.agenda import agenda
from app.services.agenda.sources import AgendaRole, build_entries
from app.services.cases.next_step import build_review_overdue

COUNTED = NoShownRecord("the records are only counted")
OWN_CASES = CaseScope()


async def get_counts(reader: RecordReader, caller: Caller) -> Counts:
    """Count the records that need an act of the caller.

    The response contains no data of a child, so the log has no entry per child.
    """
    roles = agenda.list_agenda_roles(caller)
    if not roles:
        return Counts(agenda=0, overdue=0, approvals=0, referrals=0, overdue_reviews=0)
    until, milestones_until = today() + agenda.AGENDA_HORIZON, today() + agenda.MILESTONE_HORIZON
    parameters = agenda.get_agenda_parameters(caller, until, milestones_until)
    entries = await reader.fetch_required(_build_entries_count(roles), **parameters)
    query = _build_overdue_reviews_count(OWN_CASES.list_arms(caller))
    reviews = await reader.fetch_required(query, day=today(), **OWN_CASES.get_parameters(caller))
    return Counts(**entries._asdict(), overdue_reviews=reviews.number)


@lru_cache
def _build_entries_count(roles: tuple[AgendaRole, ...]) -> ReadQuery:
    entries = build_entries(roles)
    query = select(
        func.count().label("agenda"),
        func.count().filter(entries.c.is_overdue).label("overdue"),
        func.count().filter(entries.c.kind == "approval").label("approvals"),
        func.count().filter(entries.c.kind == "referral").label("referrals"),
    )
    return ReadQuery(query.select_from(entries), shows=COUNTED)


@lru_cache
def _build_overdue_reviews_count(arms: tuple[str, ...]) -> ReadQuery:
    """Return the query for the number of cases in the list with `review_overdue=true`, up to the maximum of a total."""
    is_overdue = build_review_overdue(bindparam("day", type_=Date))
    cases = select(col(Case.id)).where(is_overdue, OWN_CASES.build_condition(arms)).limit(MAX_TOTAL)
    return ReadQuery(select(func.count().label("number")).select_from(cases.subquery()), shows=COUNTED)
