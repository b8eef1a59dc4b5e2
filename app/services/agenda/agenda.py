"""Agenda of a staff member: items that are due or overdue, and records that wait for the caller's decision."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Subquery,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    select,
    true,
    tuple_,
    union_all,
)
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.case_scope import RowSelect
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.dates import today
from app.kit.list_query import get_compiled_limit
from app.kit.reference_names import person_name, provider_name, to_ref
from app.models import (
    Action,
    Assessment,
    CarePlan,
    Child,
    Disbursement,
    ExitPlan,
    Goal,
    LegalStep,
    Referral,
    ServiceReferral,
    SupportSession,
)
from app.schemas.agenda import AgendaEntryList, AgendaFilters
from app.schemas.money import format_money
from app.services.agenda.sources import APPROVALS, AgendaRole, build_entries
from app.services.cases.cases import build_case_child
from app.services.cases.people import select_person, to_person_ref
from app.services.cases.record_links import get_record_path

AGENDA_HORIZON = timedelta(days=14)
MILESTONE_HORIZON = timedelta(days=30)
MAX_COMPILED_SHAPES = 200
"""Maximum number of compiled queries."""
RECORD_MODELS = {
    "assessment": Assessment,
    "care_plan": CarePlan,
    "exit_plan": ExitPlan,
    "disbursement": Disbursement,
    "service_referral": ServiceReferral,
}
DISBURSEMENT_COLUMNS: dict[str, Any] = {
    "number": Text,
    "category": Text,
    "amount": BigInteger,
    "currency": Text,
    "instalments": Integer,
}
RECORD_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("author_id", "requested_by_id", "person_id", "provider_id"), Uuid),
    **DISBURSEMENT_COLUMNS,
}
"""Columns of the records of `RECORD_MODELS` that an entry shows."""
SHOWN_RECORDS = (
    ShownRecord("case", record_id="case_id"),
    ShownRecord("referral", child_id=None, case_id=None, record_id="referral_id"),
)


class AgendaShape(NamedTuple):
    """The parts of a request that change the SQL of the agenda."""

    roles: tuple[AgendaRole, ...]
    approval_arms: tuple[str, ...]
    kinds: tuple[str, ...] | None
    limit: int
    has_overdue_filter: bool = False
    has_cursor: bool = False


async def list_agenda_entries(
    reader: RecordReader, caller: Caller, filters: AgendaFilters
) -> AgendaEntryList:
    """Return the agenda entries of the caller, earliest first."""
    roles = list_agenda_roles(caller)
    if not roles:
        return AgendaEntryList(items=[], next_cursor=None)
    binding = {**filters.get_cursor_binding(), "for": caller.id}
    parameters = get_agenda_parameters(
        caller, filters.until or today() + AGENDA_HORIZON, filters.until or today() + MILESTONE_HORIZON
    )
    parameters["overdue"] = filters.overdue
    if filters.cursor is not None:
        cursor = decode_cursor("agenda", binding, filters.cursor, 3)
        parameters["cursor_begins"], parameters["cursor_kind"], parameters["cursor_id"] = cursor
    shape = AgendaShape(
        roles,
        APPROVALS.list_arms(caller),
        tuple(filters.kind) if filters.kind else None,
        get_compiled_limit(filters.limit),
        filters.overdue is not None,
        filters.cursor is not None,
    )
    rows, has_more = await reader.fetch_page(build_page_query(shape), filters.limit, **parameters)
    last = rows[-1] if has_more else None
    next_cursor = last and encode_cursor("agenda", binding, [last.begins, last.record_kind, last.record_id])
    day = today()
    return AgendaEntryList.from_trusted_items([_row_to_item(row, day) for row in rows], next_cursor)


def list_agenda_roles(caller: Caller) -> tuple[AgendaRole, ...]:
    """Return the roles of a caller that decide which entries the agenda can have.

    A programme manager can still lead cases from the time as a social worker.
    """
    has_role = {
        AgendaRole.worker: caller.has_role(Role.social_worker, Role.supervisor, Role.programme_manager),
        AgendaRole.supervisor: caller.has_role(Role.supervisor) and bool(caller.supervised_team_ids),
        AgendaRole.manager: caller.has_role(Role.programme_manager),
    }
    return tuple(role for role in AgendaRole if has_role[role])


def get_agenda_parameters(caller: Caller, until: date, milestones_until: date) -> dict[str, Any]:
    """Return the parameters of the agenda of a caller up to a day."""
    return {
        **APPROVALS.get_parameters(caller),
        "day": today(),
        "caller_id": caller.id,
        "supervised_team_ids": caller.supervised_team_ids if caller.has_role(Role.supervisor) else [],
        "today": today(),
        "until": until,
        "milestones_until": milestones_until,
    }


def get_sort_columns(entries: Subquery) -> tuple[ColumnElement[Any], ...]:
    """Return the columns that sort the agenda, earliest first.

    No two entries are equal: only a case has several entries, and their dates differ by months.
    """
    return entries.c.begins, entries.c.record_kind, entries.c.record_id


@lru_cache(MAX_COMPILED_SHAPES)
def build_page_query(shape: AgendaShape) -> ReadQuery:
    """Return the query of one page, with the records that its rows show."""
    entries = build_entries(shape.roles, shape.approval_arms, shape.kinds)
    conditions = []
    if shape.has_overdue_filter:
        conditions.append(entries.c.is_overdue == bindparam("overdue", type_=Boolean))
    if shape.has_cursor:
        cursor = (
            bindparam("cursor_begins", type_=DateTime(timezone=True)),
            bindparam("cursor_kind", type_=Text),
            bindparam("cursor_id", type_=Uuid),
        )
        conditions.append(tuple_(*get_sort_columns(entries)) > tuple_(*cursor))
    first_entries = select(entries).where(*conditions).order_by(*get_sort_columns(entries))
    page = first_entries.limit(shape.limit + 1).subquery("page")
    return ReadQuery(_select_rows(page).order_by(*get_sort_columns(page)), shows=SHOWN_RECORDS)


def _select_rows(page: Subquery) -> RowSelect:
    """Select the entries of a page with what their rows show."""
    selects = (_select_record(page, kind, model) for kind, model in RECORD_MODELS.items())
    record = union_all(*selects).lateral("record")
    author_id = func.coalesce(record.c.author_id, record.c.requested_by_id)
    return (
        select(
            *page.c,
            *(record.c[name] for name in ("person_id", "provider_id", *DISBURSEMENT_COLUMNS)),
            author_id.label("author_id"),
            case((page.c.record_kind == "referral", page.c.record_id)).label("referral_id"),
            person_name(page.c.worker_id).label("worker_name"),
            person_name(author_id).label("author_name"),
            select_person(record.c.person_id),
            provider_name(record.c.provider_id).label("provider_name"),
            col(Child.sex),
            col(Child.identity_encrypted),
            col(Goal.area),
            col(Goal.content_encrypted).label("goal_content_encrypted"),
        )
        .outerjoin(Child, col(Child.id) == page.c.child_id)
        .outerjoin(Goal, col(Goal.id) == page.c.goal_id)
        .outerjoin(record, true())
    )


def _select_record(page: Subquery, kind: str, model: Any) -> RowSelect:
    """Select the columns of `RECORD_COLUMNS` that a kind of record has, for an entry of this kind."""
    columns = (getattr(model, name, cast(None, type_)).label(name) for name, type_ in RECORD_COLUMNS.items())
    return select(*columns).where(col(model.id) == page.c.record_id, page.c.record_kind == kind)


def _row_to_item(row: Any, day: date) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "due_on": row.due_on,
        "at": row.at,
        "is_overdue": row.is_overdue,
        "detail": row.detail,
        "case_id": row.case_id,
        "case_number": row.case_number,
        "child_id": row.child_id,
        "child": build_case_child(row, day) if row.child_id else None,
        "worker_id": row.worker_id,
        "worker": to_ref(row.worker_id, row.worker_name),
        "place": _decrypt_place(row),
        "action": _build_action(row) if row.goal_id else None,
        "referral": _build_referral(row) if row.referral_id else None,
        "disbursement": _build_disbursement(row) if row.record_kind == "disbursement" else None,
        "author": to_ref(row.author_id, row.author_name),
        "person": to_person_ref(row),
        "provider": to_ref(row.provider_id, row.provider_name),
        "record": {"kind": row.record_kind, "id": row.record_id},
        "link": get_record_path(row.record_kind, row.record_id, row.case_id),
    }


def _decrypt_place(row: Any) -> str | None:
    if row.record_kind == "support_session":
        return SupportSession.content.decrypt(row.record_id, row.content_encrypted)["place"]
    if row.record_kind == "legal_step":
        return LegalStep.content.decrypt(row.record_id, row.content_encrypted)["place"]
    return None


def _build_action(row: Any) -> dict[str, Any]:
    return {
        "what": Action.content.decrypt(row.record_id, row.content_encrypted)["what"],
        "goal_id": row.goal_id,
        "goal": {
            "id": row.goal_id,
            "statement": Goal.content.decrypt(row.goal_id, row.goal_content_encrypted)["statement"],
            "area": row.area,
        },
    }


def _build_referral(row: Any) -> dict[str, Any]:
    child = Referral.content.decrypt(row.record_id, row.content_encrypted)["child"]
    return {
        "tracking_number": row.tracking_number,
        "child_names": child["names"],
        "child_nickname": child["nickname"],
    }


def _build_disbursement(row: Any) -> dict[str, Any]:
    return {
        "number": row.number,
        "category": row.category,
        "amount": format_money(row.amount, row.currency),
        "instalments": row.instalments,
    }
