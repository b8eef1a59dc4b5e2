"""Agenda of a staff member: work that waits, is due or overdue, and records that wait for the caller's decision."""

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
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
from app.access.permissions import Permission, Role
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
    PendingChange,
    Referral,
    ServiceReferral,
    SupportSession,
)
from app.models.record import utc_now
from app.schemas.agenda import AgendaEntryList, AgendaFilters
from app.schemas.money import format_money
from app.services.agenda.birthdays import get_birthday_parameters
from app.services.agenda.disbursement_sources import APPROVALS, DisbursementArms, list_disbursement_arms
from app.services.agenda.sources import COLUMN_TYPES, AgendaRole, build_entries
from app.services.cases.cases import build_case_child
from app.services.cases.people import select_person, to_person_ref
from app.services.cases.record_links import get_record_path

AGENDA_HORIZON = timedelta(days=14)
MILESTONE_HORIZON = timedelta(days=30)
SORT_COLUMNS = ("rank", "begins", "kind", "record_kind", "record_id")
MAX_COMPILED_SHAPES = 200
"""Maximum number of compiled queries."""
RECORD_MODELS = {
    "assessment": Assessment,
    "care_plan": CarePlan,
    "exit_plan": ExitPlan,
    "disbursement": Disbursement,
    "service_referral": ServiceReferral,
    "pending_change": PendingChange,
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
OTHER_MEANING = {("pending_change", "person_id")}
"""Columns that an entry does not show: the person of a pending change is a user."""
SHOWN_RECORDS = (
    ShownRecord("case", record_id="shown_case_id"),
    ShownRecord("disbursement", record_id="disbursement_id"),
    ShownRecord("referral", child_id=None, case_id=None, record_id="referral_id"),
)


class AgendaShape(NamedTuple):
    """The parts of a request that change the SQL of the agenda."""

    roles: tuple[AgendaRole, ...]
    arms: DisbursementArms
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
    parameters = await get_agenda_parameters(reader, caller, filters.until, filters.kind)
    parameters["overdue"] = filters.overdue
    if filters.cursor is not None:
        cursor = decode_cursor("agenda", binding, filters.cursor, len(SORT_COLUMNS))
        parameters |= {f"cursor_{name}": value for name, value in zip(SORT_COLUMNS, cursor, strict=True)}
    shape = AgendaShape(
        roles,
        list_disbursement_arms(caller),
        tuple(filters.kind) if filters.kind else None,
        get_compiled_limit(filters.limit),
        filters.overdue is not None,
        filters.cursor is not None,
    )
    rows, has_more = await reader.fetch_page(build_page_query(shape), filters.limit, **parameters)
    next_cursor = None
    if has_more:
        next_cursor = encode_cursor("agenda", binding, [getattr(rows[-1], name) for name in SORT_COLUMNS])
    day = today()
    return AgendaEntryList.from_trusted_items([_row_to_item(row, day) for row in rows], next_cursor)


def list_agenda_roles(caller: Caller) -> tuple[AgendaRole, ...]:
    """Return the roles of a caller that decide which entries the agenda can have.

    A programme manager also gets the entries of workers, because the account can be the lead worker of cases.
    """
    supervises = caller.has_role(Role.supervisor) and bool(caller.supervised_team_ids)
    has_role = {
        AgendaRole.worker: caller.has_role(Role.social_worker, Role.supervisor, Role.programme_manager),
        AgendaRole.substitute: supervises or caller.has_role(Role.programme_manager),
        AgendaRole.supervisor: supervises,
        AgendaRole.manager: caller.has_role(Role.programme_manager),
        AgendaRole.confirmer: caller.has_permission(Permission.pending_change_decide),
        AgendaRole.fund: caller.has_role(Role.finance_officer, Role.programme_manager),
    }
    return tuple(role for role in AgendaRole if has_role[role])


async def get_agenda_parameters(
    reader: RecordReader, caller: Caller, until: date | None = None, kinds: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the parameters of the agenda of a caller up to a day. None: as far as the agenda looks ahead by default."""
    day = today()
    has_birthdays = kinds is None or "birthday" in kinds
    roles = list_agenda_roles(caller) if has_birthdays else ()
    birthdays = await get_birthday_parameters(reader, caller.id, roles, day)
    return {
        **APPROVALS.get_parameters(caller),
        **birthdays,
        "day": day,
        "caller_id": caller.id,
        "supervised_team_ids": caller.supervised_team_ids if caller.has_role(Role.supervisor) else [],
        "now": utc_now(),
        "today": day,
        "until": until or day + AGENDA_HORIZON,
        "has_until": until is not None,
        "milestones_until": until or day + MILESTONE_HORIZON,
    }


def get_sort_columns(entries: Subquery) -> tuple[ColumnElement[Any], ...]:
    """Return the columns that sort the agenda: emergencies first, then earliest first.

    No two entries are equal: only a milestone has several entries of one case, and their dates differ by months.
    """
    return tuple(entries.c[name] for name in SORT_COLUMNS)


@lru_cache(MAX_COMPILED_SHAPES)
def build_page_query(shape: AgendaShape) -> ReadQuery:
    """Return the query of one page, with the records that its rows show."""
    entries = build_entries(shape.roles, shape.arms, shape.kinds)
    conditions = []
    if shape.has_overdue_filter:
        conditions.append(entries.c.is_overdue == bindparam("overdue", type_=Boolean))
    if shape.has_cursor:
        cursor = [bindparam(f"cursor_{name}", type_=COLUMN_TYPES[name]) for name in SORT_COLUMNS]
        conditions.append(tuple_(*get_sort_columns(entries)) > tuple_(*cursor))
    first_entries = select(entries).where(*conditions).order_by(*get_sort_columns(entries))
    page = first_entries.limit(shape.limit + 1).subquery("page")
    return ReadQuery(_select_rows(page).order_by(*get_sort_columns(page)), shows=SHOWN_RECORDS)


def _select_rows(page: Subquery) -> RowSelect:
    """Select the entries of a page with the columns that a response shows."""
    selects = (_select_record(page, kind, model) for kind, model in RECORD_MODELS.items())
    record = union_all(*selects).lateral("record")
    author_id = func.coalesce(record.c.author_id, record.c.requested_by_id)
    person_id = case((page.c.record_kind == "person", page.c.record_id), else_=record.c.person_id)
    return (
        select(
            *page.c,
            *(record.c[name] for name in ("provider_id", *DISBURSEMENT_COLUMNS)),
            person_id.label("person_id"),
            author_id.label("author_id"),
            case((page.c.record_kind == "referral", page.c.record_id)).label("referral_id"),
            case((page.c.record_kind == "disbursement", page.c.record_id)).label("disbursement_id"),
            # A finance officer sees disbursements without the cases and the children.
            case((col(Child.id).is_not(None), page.c.case_id)).label("shown_case_id"),
            person_name(page.c.worker_id).label("worker_name"),
            person_name(author_id).label("author_name"),
            select_person(person_id),
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
    columns = (
        (
            cast(None, type_) if (kind, name) in OTHER_MEANING else getattr(model, name, cast(None, type_))
        ).label(name)
        for name, type_ in RECORD_COLUMNS.items()
    )
    return select(*columns).where(col(model.id) == page.c.record_id, page.c.record_kind == kind)


def _row_to_item(row: Any, day: date) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "due_on": row.due_on,
        "at": row.at,
        "is_overdue": row.is_overdue,
        "is_emergency": row.rank == 0,
        "detail": row.detail,
        "case_id": row.case_id,
        "case_number": row.case_number,
        "child_id": row.child_id if row.shown_case_id else None,
        "child": build_case_child(row, day) if row.shown_case_id else None,
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
    texts = Action.content.decrypt(row.record_id, row.content_encrypted)
    return {
        **{name: texts[name] for name in ("what", "by_whom")},
        "by": row.detail,
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
