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
from app.database.errors import translated
from app.models import (
    AccessEntry,
    Action,
    Assessment,
    BreakGlass,
    CarePlan,
    Case,
    CaseHistory,
    CaseLink,
    CaseWorker,
    Child,
    ClinicalNote,
    Consent,
    Disbursement,
    DisbursementWords,
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
    BreakGlass: "break_glass",
    CarePlan: "care_plan",
    Case: "case",
    CaseHistory: "case_history",
    CaseLink: "case_link",
    CaseWorker: "case_worker",
    Child: "child",
    ClinicalNote: "clinical_note",
    Consent: "consent",
    Disbursement: "disbursement",
    DisbursementWords: "disbursement_words",
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

OPEN = "SELECT * FROM access.open($1, $2, $3, $4, $5, $6, $7)"
CONCLUDE = "SELECT access.conclude($1, $2, $3, $4, $5)"
ENTER = "SELECT set_config('firststep.access', $1, true)"
ENTRIES = """
    INSERT INTO access_entries (event_id, child_id, case_id, record_kind, record_id, outcome, status)
    SELECT $1, child, file, kind, record, $2, $3
      FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[]) AS shown (child, file, kind, record)
"""


class Shown(NamedTuple):
    """A record that a request loaded or wrote."""

    child_id: UUID | None
    case_id: UUID | None
    kind: str
    record_id: UUID


@dataclass(slots=True)
class Trace:
    """What one request has shown so far: for each child, the first record of it that was touched."""

    children: dict[UUID, Shown] = field(default_factory=dict)
    others: dict[tuple[str, UUID], Shown] = field(default_factory=dict)
    """Records about nobody's child yet: referrals before they are accepted."""

    def add(self, shown: Shown) -> None:
        """Note a record."""
        if shown.child_id is None:
            self.others.setdefault((shown.kind, shown.record_id), shown)
            return
        self.others.pop((shown.kind, shown.record_id), None)
        known = self.children.setdefault(shown.child_id, shown)
        if shown.kind == "break_glass":  # the entry of such a request names the grant, which holds the reason
            known = shown
        # A case that opens is younger than its child: who asks for the case's accesses is to find that one too.
        if known.case_id is None and shown.case_id is not None:
            known = known._replace(case_id=shown.case_id)
        self.children[shown.child_id] = known

    def __iter__(self) -> Any:
        yield from self.children.values()
        yield from self.others.values()


def trace_of(session: AsyncSession) -> Trace:
    """Return what a session has shown."""
    found: Trace = session.info.setdefault("trace", Trace())
    return found


UNCOLLECTED = {"uncollected": True}
"""The execution option of a statement that reads sealed columns without the ORM's records, which it could collect.

Either `show` is told what of it is shown, or nothing is: candidates compared in memory. Tests refuse such a statement
without it."""


def show(session: AsyncSession, records: Iterable[Shown]) -> None:
    """Note records that were read as plain columns."""
    trace = trace_of(session)
    for record in records:
        trace.add(record)


def _note(info: dict[Any, Any], record: Any) -> None:
    kind = RECORD_KINDS.get(type(record))
    if kind is None:
        return
    known = record.__dict__
    child_id = known.get("id") if kind == "child" else known.get("child_id")
    trace: Trace = info.get("trace") or info.setdefault("trace", Trace())
    shown = trace.children.get(child_id)
    if (shown and shown.case_id and kind != "break_glass") or (kind == "access" and child_id is None):
        return
    record_id = known.get("id") or known.get("case_id")
    case_id = record_id if kind == "case" else known.get("case_id")
    trace.add(Shown(child_id, case_id, kind, record_id))


@event.listens_for(Mapper, "load")
def _loaded(record: Any, context: QueryContext) -> None:
    _note(context.session.info, record)


@event.listens_for(Mapper, "refresh")
def _refreshed(record: Any, context: QueryContext, _: Any) -> None:
    _note(context.session.info, record)


@event.listens_for(Mapper, "after_insert")
@event.listens_for(Mapper, "after_update")
def _written(_: Any, __: Any, record: Any) -> None:
    session = object_session(record)
    if session is not None:
        _note(session.info, record)


@dataclass(frozen=True, slots=True)
class Question:
    """Who says they are asking, and for what: the facts an event is opened with."""

    act: str
    request_id: str
    address: str | None
    kind: str = "anonymous"
    subject: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None


async def open_event(database: Database, question: Question) -> asyncpg.Record:
    """Open an access: one statement, committed before anything else happens.

    Returns:
        The event's id and what the database says about the actor now; the id is None for a dead session.

    Raises:
        Unavailable: the log cannot be written, and so nothing can be read.
    """
    q = question
    with translated():
        return await database.gate.fetchrow(
            OPEN, q.kind, q.subject, q.session_id, q.token_id, q.act, q.request_id, q.address
        )


async def enter(session: AsyncSession, event_id: UUID) -> None:
    """Begin the transaction that may see what the event's actor may see."""
    session.info["driver"] = await session.run_sync(_enter, event_id)


def _enter(session: Session, event_id: UUID) -> Any:
    """Do it in one turn of SQLAlchemy's, who sees a connection that died in its pool."""
    connection = session.connection()
    connection.exec_driver_sql(ENTER, (str(event_id),))
    return connection.connection.driver_connection


def driver_of(session: AsyncSession) -> asyncpg.Connection:
    """Return the connection of a transaction that was entered, for what every request says.

    What goes through the ORM, and so into the trace, goes another way; these few statements cost a third on this one.
    """
    found: asyncpg.Connection = session.info["driver"]
    return found


async def write(session: AsyncSession, event_id: UUID, outcome: str, status: int) -> None:
    """Write an entry for every child this request showed, or one that says it showed none."""
    shown = list(trace_of(session)) or [(None, None, None, None)]
    columns = map(list, zip(*shown, strict=True))
    await driver_of(session).execute(ENTRIES, event_id, outcome, status, *columns)


async def conclude(
    database: Database, event_id: UUID, outcome: str, status: int, record_id: UUID | None = None
) -> None:
    """Record how a request ended whose own transaction is gone: a refusal outlives its rollback."""
    with translated():
        await database.gate.execute(CONCLUDE, event_id, outcome, status, None, record_id)


async def open_as_custodian(owner: asyncpg.Connection, act: str) -> UUID:
    """Open an access for work on sealed values that no person asks for, on the owner's connection; return its id."""
    opened: UUID = await owner.fetchval("SELECT access.open_as_custodian($1, $2)", act, uuid4().hex)
    return opened


async def write_for_custodian(
    owner: asyncpg.Connection, event_id: UUID, table: str, rows: Iterable[tuple[UUID, UUID | None]]
) -> None:
    """Write the entries of a custodian's event: which rows of a table, of which children."""
    entries = [(event_id, child, table, row, "allowed", 200) for row, child in rows]
    await owner.executemany(
        "INSERT INTO access_entries (event_id, child_id, record_kind, record_id, outcome, status)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        entries,
    )
