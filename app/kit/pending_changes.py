"""Changes that take effect when a second person confirms them. `app.services.confirmation` confirms and rejects them.

A service that makes such a change calls `request_change` instead, and declares a `ChangeKind`. The definition of the kinds
in the database is `alembic/sql/functions/pending_changes.sql`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, ScalarSelect, Uuid, and_, bindparam, cast, func, literal, select
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.permissions import Role
from app.access.reader import ReadQuery, session_reader
from app.access.session_records import record_change
from app.errors import Fault
from app.models import PendingChange, Team
from app.models.record import Record
from app.schemas.pending_changes import PendingChangeSummary

SECRET_FIELDS = frozenset({"password_hash", "digest"})
"""Fields of a payload that the access log does not contain."""
IS_PENDING = and_(col(PendingChange.status) == "pending", col(PendingChange.expires_at) > func.now())
"""The condition that a change waits for its confirmation."""
SUPERVISED_TEAMS = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_object("id", col(Team.id), "name", col(Team.name)), col(Team.name)
            ),
            type_=JSON,
        )
    )
    .where(func.jsonb_exists(col(PendingChange.payload)["supervised_team_ids"], cast(col(Team.id), TextType)))
    .scalar_subquery()
    .correlate(PendingChange)
)
"""The teams that the person supervises after a change, sorted by name, or NULL if there are none."""


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """One kind of change that needs a confirmation."""

    name: str
    """Code of the list `pending_change_kind`."""
    check: Callable[[AsyncSession, PendingChange], Awaitable[list[Fault]]]
    """Returns the reasons why the change has become impossible. Called in the transaction of the confirmation."""
    describe: Callable[[Mapping[str, Any]], dict[str, Any]]
    """Returns the fields of `app.schemas.pending_changes.PendingChange` that the payload contains."""
    requester_roles: frozenset[Role] = frozenset({Role.administrator})
    """Roles of which the requester must still have one at the confirmation."""
    target: type[Record] | None = None
    """Table of the person or record that changes. Its row is locked before the change is decided."""
    complete: Callable[[AsyncSession, PendingChange], Awaitable[None]] | None = None
    """Does the part of the change that the database function `access.apply_change` does not do."""


async def call_function(session: AsyncSession, call: ColumnElement[Any]) -> Any:
    """Call a function of the database and return its result. Flush the session first, because it reads its records."""
    return await session.scalar(select(call))


async def request_change(
    session: AsyncSession,
    kind: str,
    payload: Mapping[str, Any],
    *,
    person_id: UUID | None = None,
    record_id: UUID | None = None,
) -> UUID:
    """Request a change, and return the id of the pending change.

    It replaces the pending change of the same kind for the same person or record. If the caller has requested the same change
    before, its id is returned.
    """
    call = func.access.request_change(
        kind, literal(person_id, Uuid), literal(record_id, Uuid), literal(dict(payload), JSONB)
    )
    change_id: UUID = await call_function(session, call)
    values = {"kind": kind, "status": "pending", **payload}
    logged = {name: (None, value) for name, value in values.items() if name not in SECRET_FIELDS}
    record_change(session, "pending_change", change_id, logged)
    return change_id


async def withdraw_pending_changes(session: AsyncSession, kind: str, target_id: UUID) -> None:
    """Withdraw the pending change of a kind for a person or record, because the caller has requested something else."""
    await call_function(session, func.access.withdraw_pending_changes(kind, target_id))


async def get_pending_payload(session: AsyncSession, kind: str, target_id: UUID) -> dict[str, Any]:
    """Return the payload of the pending change of a kind for a person or record, or an empty one."""
    target = func.coalesce(PendingChange.person_id, PendingChange.record_id)
    query = select(col(PendingChange.payload)).where(
        col(PendingChange.kind) == kind, target == target_id, IS_PENDING
    )
    return await session.scalar(query) or {}


def select_pending_changes(condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    """Return a subquery with the matching pending changes as a JSON array, oldest first, or NULL if none match."""
    change = func.json_build_object(
        "id", col(PendingChange.id),
        "kind", col(PendingChange.kind),
        "roles", col(PendingChange.payload)["roles"],
        "supervised_teams", SUPERVISED_TEAMS,
        "expires_at", col(PendingChange.expires_at),
    )  # fmt: skip
    changes = func.json_agg(aggregate_order_by(change, col(PendingChange.created_at)), type_=JSON)
    return select(changes).where(IS_PENDING, condition).scalar_subquery()


def to_pending_changes(changes: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Convert the JSON of `select_pending_changes` to the fields of `app.schemas.pending_changes.PendingChangeSummary`."""
    return [
        {
            **change,
            "roles": change["roles"] or [],
            "supervised_teams": change["supervised_teams"] or [],
            "expires_at": datetime.fromisoformat(change["expires_at"]).astimezone(UTC),
        }
        for change in changes or []
    ]


PENDING_CHANGE_QUERY = ReadQuery(
    select(select_pending_changes(col(PendingChange.id) == bindparam("change_id")).label("pending_changes"))
)


async def load_pending_changes(session: AsyncSession, change_id: UUID | None) -> list[PendingChangeSummary]:
    """Return a list with the pending change of this id, or an empty list if the id is None."""
    row = await session_reader(session).fetch_required(PENDING_CHANGE_QUERY, change_id=change_id)
    return [PendingChangeSummary(**change) for change in to_pending_changes(row.pending_changes)]
