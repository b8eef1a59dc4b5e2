"""Read pending changes. The row policies decide which changes a caller can see."""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Label, Uuid, and_, bindparam, case, func, select
from sqlalchemy.orm import outerjoin
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.list_query import COUNTED, ListQuery, is_one_of
from app.kit.pending_changes import IS_PENDING, SUPERVISED_TEAMS
from app.kit.reference_names import staff_names, to_ref, to_staff_refs
from app.kit.resources import Resource
from app.models import ApiClient, Consent, Disbursement, PendingChange, User
from app.schemas.pending_changes import PendingChange as PendingChangeSchema
from app.schemas.pending_changes import PendingChangeFilters, PendingChangeList
from app.services.confirmation.kinds import KINDS

STATUS = case(
    (and_(col(PendingChange.status) == "pending", col(PendingChange.expires_at) <= func.now()), "expired"),
    else_=col(PendingChange.status),
)
"""Status of a change. The table still contains `pending` for a change that has expired."""
AWAITING_ME = and_(
    IS_PENDING,
    bindparam("can_decide", type_=Boolean),
    col(PendingChange.requested_by_id).is_distinct_from(bindparam("caller_id", type_=Uuid)),
    col(PendingChange.person_id).is_distinct_from(bindparam("caller_id", type_=Uuid)),
)
"""The condition that the caller can confirm or reject a change."""
COLUMN_FIELDS = [
    name
    for name in PendingChangeSchema.model_fields
    if name in PendingChange.model_fields and name != "status"
]
EMPTY_DESCRIPTION: dict[str, Any] = {
    "roles": [], "remove_second_factor": None, "approval_limit": None, "exchange_rate": None, "payment_date": None, "api_access": None,
    "legal_basis": None,
}  # fmt: skip
SUBJECTS = [
    ShownRecord(kind, child_id=f"{kind}_child_id", case_id=f"{kind}_case_id", record_id=f"{kind}_id")
    for kind in ("consent", "disbursement")
]
"""The record of a child that a change is about. A caller who cannot see the record sees neither its id nor the child."""


def _label_subject(kind: str, record: type[Consent | Disbursement]) -> list[Label[Any]]:
    columns = {"id": record.id, "child_id": record.child_id, "case_id": record.case_id}
    return [col(column).label(f"{kind}_{name}") for name, column in columns.items()]


def _is_subject(record: type[Consent | Disbursement], *kinds: str) -> ColumnElement[bool]:
    return and_(col(record.id) == col(PendingChange.record_id), col(PendingChange.kind).in_(kinds))


def _row_to_fields(row: Any) -> dict[str, Any]:
    description = EMPTY_DESCRIPTION | KINDS[row.kind].describe(row.payload)
    if description["api_access"] is not None:
        description["api_access"] |= {
            "api_client_id": row.record_id,
            "api_client": to_ref(row.record_id, row.api_client_name),
        }
    if description["legal_basis"] is not None:
        description["legal_basis"] |= {"consent_id": row.consent_id}
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "requested_by", "person", "decided_by"),
        **description,
        "status": row.status,
        "requested_at": row.created_at,
        "person_email": row.person_email,
        "supervised_teams": row.supervised_teams or [],
    }


CHANGES = Resource(
    ListQuery(
        "pending_changes",
        PendingChange,
        select(
            *(getattr(PendingChange, name) for name in COLUMN_FIELDS),
            col(PendingChange.created_at),
            col(PendingChange.record_id),
            col(PendingChange.payload),
            STATUS.label("status"),
            *staff_names(PendingChange, "requested_by", "person", "decided_by"),
            select(col(User.email))
            .where(col(User.id) == col(PendingChange.person_id))
            .scalar_subquery()
            .label("person_email"),
            select(col(ApiClient.name))
            .where(col(ApiClient.id) == col(PendingChange.record_id))
            .scalar_subquery()
            .label("api_client_name"),
            SUPERVISED_TEAMS.label("supervised_teams"),
            *_label_subject("consent", Consent),
            *_label_subject("disbursement", Disbursement),
        ).select_from(
            outerjoin(
                outerjoin(PendingChange, Consent, _is_subject(Consent, "consent_basis")),
                Disbursement,
                _is_subject(Disbursement, "payment_rate", "payment_date"),
            )
        ),
        filters={
            "status": is_one_of(STATUS, "status"),
            "kind": is_one_of(col(PendingChange.kind), "kind"),
            "awaiting": {"me": AWAITING_ME},
        },
        sorts={"created_at": col(PendingChange.created_at)},
        shows=SUBJECTS,
    ),
    PendingChangeSchema,
    PendingChangeList,
    _row_to_fields,
)
AWAITING_COUNT = ReadQuery(
    select(func.count().label("number")).select_from(PendingChange).where(AWAITING_ME), shows=COUNTED
)


async def list_pending_changes(
    reader: RecordReader, caller: Caller, filters: PendingChangeFilters
) -> PendingChangeList:
    """Return one page of the changes that the caller can see, newest first."""
    parameters = _awaiting_parameters(caller)
    return await CHANGES.list_page(reader, caller, filters, within=None, **parameters)


async def get_pending_change(reader: RecordReader, change_id: UUID) -> PendingChangeSchema:
    """Return one pending change."""
    return await CHANGES.get(reader, change_id)


async def count_awaiting_changes(reader: RecordReader, caller: Caller) -> int:
    """Return the number of changes in the list with `awaiting=me`."""
    if not caller.has_permission(Permission.pending_change_decide):
        return 0
    row = await reader.fetch_required(AWAITING_COUNT, **_awaiting_parameters(caller))
    return int(row.number)


def _awaiting_parameters(caller: Caller) -> dict[str, Any]:
    can_decide = caller.has_permission(Permission.pending_change_decide)
    return {"caller_id": caller.id, "can_decide": can_decide}
