"""The access log: an event before anything is read, an entry for every child that was.

What a request shows is collected from the ORM itself: whatever loads or writes a child's record, anywhere,
is in the log, without a service having to remember it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, QueryContext, Session, object_session

from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.models import (
    AccessEntry,
    Action,
    Assessment,
    BreakGlassGrant,
    CarePlan,
    Case,
    CaseHistoryEntry,
    CaseLink,
    CaseWorker,
    Child,
    ClinicalNote,
    Consent,
    Disbursement,
    DisbursementDetails,
    Document,
    DocumentContent,
    ExitPlan,
    FollowUp,
    Goal,
    LegalStep,
    Person,
    PlanArea,
    Referral,
    ReferralQuestion,
    Review,
    ServiceReferral,
    SessionAddendum,
    SupportSession,
)

RECORD_KINDS: dict[type, str] = {
    AccessEntry: "access",
    Action: "action",
    Assessment: "assessment",
    BreakGlassGrant: "break_glass",
    CarePlan: "care_plan",
    Case: "case",
    CaseHistoryEntry: "case_history",
    CaseLink: "case_link",
    CaseWorker: "case_worker",
    Child: "child",
    ClinicalNote: "clinical_note",
    Consent: "consent",
    Disbursement: "disbursement",
    DisbursementDetails: "disbursement_words",
    Document: "document",
    DocumentContent: "document_content",
    ExitPlan: "exit_plan",
    FollowUp: "follow_up",
    Goal: "goal",
    LegalStep: "legal_step",
    Person: "person",
    PlanArea: "plan_area",
    Referral: "referral",
    ReferralQuestion: "referral_question",
    Review: "review",
    ServiceReferral: "service_referral",
    SessionAddendum: "session_addendum",
    SupportSession: "support_session",
}
"""Every table whose rows are about a child; a test holds this against the tables with row security."""

OPEN_ACCESS_EVENT_SQL = "SELECT * FROM access.open($1, $2, $3, $4, $5, $6, $7)"
CONCLUDE_ACCESS_EVENT_SQL = "SELECT access.record_outcome($1, $2, $3, $4, $5)"
SET_ACCESS_EVENT_SQL = "SELECT set_config('firststep.access', $1, true)"
INSERT_ACCESS_ENTRIES_SQL = """
    INSERT INTO access_entries (event_id, child_id, case_id, record_kind, record_id, outcome, status)
    SELECT $1, child, file, kind, record, $2, $3
      FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[]) AS shown (child, file, kind, record)
"""


class AccessedRecord(NamedTuple):
    """A record that a request loaded or wrote."""

    child_id: UUID | None
    case_id: UUID | None
    kind: str
    record_id: UUID


@dataclass(slots=True)
class AccessedRecords:
    """What one request has shown so far: for each child, the first record of it that was touched."""

    by_child: dict[UUID, AccessedRecord] = field(default_factory=dict)
    without_child: dict[tuple[str, UUID], AccessedRecord] = field(default_factory=dict)
    """Records about nobody's child yet: referrals before they are accepted."""

    def add(self, shown: AccessedRecord) -> None:
        """Note a record."""
        if shown.child_id is None:
            self.without_child.setdefault((shown.kind, shown.record_id), shown)
            return
        self.without_child.pop((shown.kind, shown.record_id), None)
        known = self.by_child.setdefault(shown.child_id, shown)
        if shown.kind == "break_glass":  # the entry of such a request names the grant, which holds the reason
            known = shown
        # A case that opens is younger than its child: who asks for the case's accesses is to find that one too.
        if known.case_id is None and shown.case_id is not None:
            known = known._replace(case_id=shown.case_id)
        self.by_child[shown.child_id] = known

    def __iter__(self) -> Any:
        yield from self.by_child.values()
        yield from self.without_child.values()


def get_accessed_records(session: AsyncSession) -> AccessedRecords:
    """Return what a session has shown."""
    found: AccessedRecords = session.info.setdefault("trace", AccessedRecords())
    return found


UNRECORDED_READ = {"uncollected": True}
"""The execution option of a statement that reads sealed columns without the ORM's records, which it could collect.

Either `show` is told what of it is shown, or nothing is: candidates compared in memory. Tests refuse such a statement
without it."""


def record_access(session: AsyncSession, records: Iterable[AccessedRecord]) -> None:
    """Note records that were read as plain columns."""
    trace = get_accessed_records(session)
    for record in records:
        trace.add(record)


def _record_orm_access(info: dict[Any, Any], record: Any) -> None:
    kind = RECORD_KINDS.get(type(record))
    if kind is None:
        return
    known = record.__dict__
    child_id = known.get("id") if kind == "child" else known.get("child_id")
    trace: AccessedRecords = info.get("trace") or info.setdefault("trace", AccessedRecords())
    shown = trace.by_child.get(child_id)
    if (shown and shown.case_id and kind != "break_glass") or (kind == "access" and child_id is None):
        return
    record_id = known.get("id") or known.get("case_id")
    case_id = record_id if kind == "case" else known.get("case_id")
    trace.add(AccessedRecord(child_id, case_id, kind, record_id))


@event.listens_for(Mapper, "load")
def _on_load(record: Any, context: QueryContext) -> None:
    _record_orm_access(context.session.info, record)


@event.listens_for(Mapper, "refresh")
def _on_refresh(record: Any, context: QueryContext, _: Any) -> None:
    _record_orm_access(context.session.info, record)


@event.listens_for(Mapper, "after_insert")
@event.listens_for(Mapper, "after_update")
def _on_write(_: Any, __: Any, record: Any) -> None:
    session = object_session(record)
    if session is not None:
        _record_orm_access(session.info, record)


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who says they are asking, and for what: the facts an event is opened with."""

    action: str
    request_id: str
    address: str | None
    kind: str = "anonymous"
    subject_id: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None


async def open_access_event(database: Database, question: AccessRequest) -> asyncpg.Record:
    """Open an access: one statement, committed before anything else happens.

    Returns:
        The event's id and what the database says about the actor now; the id is None for a dead session.

    Raises:
        Unavailable: the log cannot be written, and so nothing can be read.
    """
    q = question
    with translate_database_errors():
        return await database.access_pool.fetchrow(
            OPEN_ACCESS_EVENT_SQL,
            q.kind,
            q.subject_id,
            q.session_id,
            q.token_id,
            q.action,
            q.request_id,
            q.address,
        )


async def bind_access_event(session: AsyncSession, event_id: UUID) -> None:
    """Begin the transaction that may see what the event's actor may see."""
    session.info["driver"] = await session.run_sync(_set_access_event, event_id)


def _set_access_event(session: Session, event_id: UUID) -> Any:
    """Do it in one turn of SQLAlchemy's, who sees a connection that died in its pool."""
    connection = session.connection()
    connection.exec_driver_sql(SET_ACCESS_EVENT_SQL, (str(event_id),))
    return connection.connection.driver_connection


def get_driver_connection(session: AsyncSession) -> asyncpg.Connection:
    """Return the connection of a transaction that was entered, for what every request says.

    What goes through the ORM, and so into the trace, goes another way; these few statements cost a third on this one.
    """
    found: asyncpg.Connection = session.info["driver"]
    return found


async def write_access_entries(session: AsyncSession, event_id: UUID, outcome: str, status: int) -> None:
    """Write an entry for every child this request showed, or one that says it showed none."""
    shown = list(get_accessed_records(session)) or [(None, None, None, None)]
    columns = map(list, zip(*shown, strict=True))
    await get_driver_connection(session).execute(
        INSERT_ACCESS_ENTRIES_SQL, event_id, outcome, status, *columns
    )


async def conclude_access_event(
    database: Database, event_id: UUID, outcome: str, status: int, record_id: UUID | None = None
) -> None:
    """Record how a request ended whose own transaction is gone: a refusal outlives its rollback."""
    with translate_database_errors():
        await database.access_pool.execute(
            CONCLUDE_ACCESS_EVENT_SQL, event_id, outcome, status, None, record_id
        )


async def open_custodian_access_event(owner: asyncpg.Connection, act: str) -> UUID:
    """Open an access for work on sealed values that no person asks for, on the owner's connection; return its id."""
    opened: UUID = await owner.fetchval("SELECT access.open_as_custodian($1, $2)", act, uuid4().hex)
    return opened


async def write_custodian_access_entries(
    owner: asyncpg.Connection, event_id: UUID, table: str, rows: Iterable[tuple[UUID, UUID | None]]
) -> None:
    """Write the entries of a custodian's event: which rows of a table, of which children."""
    entries = [(event_id, child, table, row, "allowed", 200) for row, child in rows]
    await owner.executemany(
        "INSERT INTO access_entries (event_id, child_id, record_kind, record_id, outcome, status)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        entries,
    )
