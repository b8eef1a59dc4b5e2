"""Count the agenda entries, approvals, referrals and overdue reviews for the menu of the caller."""

from functools import lru_cache

from sqlalchemy import Date, bindparam, func, select, union
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission, Role
from app.access.reader import ReadQuery, RecordReader
from app.kit.case_scope import CaseScope
from app.kit.dates import today
from app.kit.list_query import COUNTED, MAX_TOTAL
from app.models import Case, Disbursement
from app.schemas.agenda import Counts
from app.services.agenda import agenda
from app.services.agenda.disbursement_sources import DisbursementArms, list_disbursement_arms
from app.services.agenda.sources import AgendaRole, build_entries
from app.services.alerts import alerts
from app.services.cases.next_step import build_review_overdue
from app.services.confirmation.pending_changes import count_awaiting_changes
from app.services.fund.disbursement_scope import AwaitingScope

OWN_CASES = CaseScope()
AWAITING = AwaitingScope()


async def get_counts(reader: RecordReader, caller: Caller) -> Counts:
    """Count the records that need an act of the caller.

    The response contains no data of a child, so the log has no entry per child.
    """
    counts = dict.fromkeys(Counts.model_fields, 0)
    if roles := agenda.list_agenda_roles(caller):
        parameters = await agenda.get_agenda_parameters(reader, caller)
        query = _build_entries_count(roles, list_disbursement_arms(caller))
        counts |= (await reader.fetch_required(query, **parameters))._asdict()
        reviews = _build_overdue_reviews_count(OWN_CASES.list_arms(caller))
        counts["overdue_reviews"] = await _count(reader, reviews, OWN_CASES, caller)
    disbursements = counts.pop("disbursements", 0)
    if caller.has_role(Role.finance_officer):
        awaiting = _build_awaiting_count(AWAITING.list_arms(caller))
        counts["approvals"] += await _count(reader, awaiting, AWAITING, caller) - disbursements
    counts["pending_changes"] = await count_awaiting_changes(reader, caller)
    if caller.has_permission(Permission.alert_read):
        counts["alerts"] = await alerts.count_unacknowledged_alerts(reader)
    return Counts(**counts)


async def _count(reader: RecordReader, query: ReadQuery, scope: CaseScope, caller: Caller) -> int:
    row = await reader.fetch_required(query, day=today(), **scope.get_parameters(caller))
    return int(row.number)


@lru_cache
def _build_entries_count(roles: tuple[AgendaRole, ...], arms: DisbursementArms) -> ReadQuery:
    entries = build_entries(roles, arms)
    is_approval = entries.c.kind == "approval"
    if AgendaRole.manager in roles:  # a case past 24 months waits for an extension by the programme manager
        is_approval |= (entries.c.kind == "milestone") & entries.c.is_overdue
    query = select(
        func.count().label("agenda"),
        func.count().filter(entries.c.is_overdue).label("overdue"),
        func.count().filter(is_approval).label("approvals"),
        func.count()
        .filter(entries.c.kind == "approval", entries.c.record_kind == "disbursement")
        .label("disbursements"),
        func.count().filter(entries.c.kind == "referral").label("referrals"),
    )
    return ReadQuery(query.select_from(entries), shows=COUNTED)


@lru_cache
def _build_overdue_reviews_count(arms: tuple[str, ...]) -> ReadQuery:
    """Return the query for the number of cases in the list with `review_overdue=true`, up to the maximum of a total."""
    is_overdue = build_review_overdue(bindparam("day", type_=Date))
    cases = select(col(Case.id)).where(is_overdue, OWN_CASES.build_condition(arms)).limit(MAX_TOTAL)
    return ReadQuery(select(func.count().label("number")).select_from(cases.subquery()), shows=COUNTED)


@lru_cache
def _build_awaiting_count(arms: tuple[str, ...]) -> ReadQuery:
    """Return the query for the number of disbursements in the list with `awaiting=me`, up to the maximum of a total."""
    selects = AWAITING.build_arms(arms, lambda condition: select(col(Disbursement.id)).where(condition))
    ids = union(*selects).limit(MAX_TOTAL)
    return ReadQuery(select(func.count().label("number")).select_from(ids.subquery()), shows=COUNTED)
