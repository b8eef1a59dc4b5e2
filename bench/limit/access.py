"""Connections, access events, transactions that see the rows of an event's caller, and access entries."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from app.access.permissions import Permission
from app.access.tokens import Claims
from bench.limit.batch import Batch

OPEN_ACCESS_SQL = "SELECT event_id, secret, roles, agency_id FROM open_access($1, $2, $3, $4, $5, $6)"
WRITE_ENTRIES_SQL = "SELECT write_entries($1, $2, $3, $4, $5, $6)"
WRITE_LOG_SQL = """
    SELECT event_id, secret, roles, agency_id FROM write_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
RECORD_OUTCOME_SQL = "SELECT record_outcome($1, $2, $3, $4)"
CONNECTIONS = 10
"""Number of connections of each worker. A lost connection is not replaced."""
CLEANUP_SECONDS = 10


class Refused(Exception):
    """The request is rejected with a status and without a body."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Access:
    """A committed access event, with the secret of its context and its caller."""

    event_id: str
    secret: str
    caller_id: UUID
    agency_id: str | None
    roles: frozenset[str] | None
    """None if the session has ended."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An access event that is to be written."""

    claims: Claims
    permission: Permission

    def build_access(self, event: asyncpg.Record) -> Access:
        """Return the access of the written event."""
        roles = None if event["roles"] is None else frozenset(event["roles"])
        return Access(event["event_id"], event["secret"], self.claims.subject, event["agency_id"], roles)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Cases that a response contains. Each one becomes an access entry."""

    access: Access
    cases: Sequence[asyncpg.Record]


class Database:
    """The connections of a worker, as firststep_api. Ids are strings."""

    def __init__(self) -> None:
        self._connections: asyncio.LifoQueue[asyncpg.Connection] = asyncio.LifoQueue()
        self._log = Batch[Opening | Disclosure, Any](self._write_log)

    @asynccontextmanager
    async def connect(self, url: str) -> AsyncIterator[None]:
        """Open the connections, and delete old contexts until the context manager is left."""
        connections = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]
        for connection in connections:
            await connection.set_type_codec(
                "uuid", schema="pg_catalog", encoder=str, decoder=str, format="text"
            )
            self._connections.put_nowait(connection)
        cleanup = asyncio.create_task(self._delete_old_contexts())
        yield
        cleanup.cancel()
        for connection in connections:
            await connection.close()

    async def fetch(self, query: str, *parameters: Any) -> list[asyncpg.Record]:
        """Execute one statement, and commit it."""
        connection = await self._connections.get()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *parameters)
            return rows
        finally:
            self._connections.put_nowait(connection)

    async def fetch_visible(
        self, access: Access, query: str, *parameters: Any, end: str = "ROLLBACK"
    ) -> list[asyncpg.Record]:
        """Execute one statement in a transaction with the context of an access. `end` is ROLLBACK or COMMIT."""
        begin = (
            f"BEGIN; SET LOCAL bench.event = '{access.event_id}'; SET LOCAL bench.secret = '{access.secret}'"
        )
        connection = await self._connections.get()
        try:
            await connection.execute(begin)
            try:
                rows: list[asyncpg.Record] = await connection.fetch(query, *parameters)
            except BaseException:
                await connection.execute("ROLLBACK")
                raise
            await connection.execute(end)
            return rows
        finally:
            self._connections.put_nowait(connection)

    async def open_access(self, claims: Claims, permission: Permission) -> Access:
        """Commit an access event, together with the events and entries of other requests."""
        access: Access = await self._log.submit(Opening(claims, permission))
        return access

    async def write_entries(self, access: Access, cases: Sequence[asyncpg.Record]) -> None:
        """Commit one access entry for each case, together with the events and entries of other requests."""
        await self._log.submit(Disclosure(access, cases))

    async def _write_log(self, items: Sequence[Opening | Disclosure]) -> list[Access | None]:
        openings = [item for item in items if isinstance(item, Opening)]
        disclosures = [item for item in items if isinstance(item, Disclosure)]
        if not disclosures:
            events = await self.fetch(OPEN_ACCESS_SQL, *_build_event_columns(openings))
        elif not openings:
            events = await self.fetch(WRITE_ENTRIES_SQL, *_build_entry_columns(disclosures))
        else:
            events = await self.fetch(
                WRITE_LOG_SQL, *_build_entry_columns(disclosures), *_build_event_columns(openings)
            )
        remaining = iter(events)
        return [item.build_access(next(remaining)) if isinstance(item, Opening) else None for item in items]

    async def record_outcome(self, access: Access, outcome: str, status: int) -> None:
        """Commit the outcome of a rejected request, as its only access entry."""
        await self.fetch(RECORD_OUTCOME_SQL, access.event_id, access.secret, outcome, status)

    async def _delete_old_contexts(self) -> None:
        while True:
            await asyncio.sleep(CLEANUP_SECONDS)
            await self.fetch("SELECT delete_old_contexts()")


def _build_event_columns(openings: Sequence[Opening]) -> Iterator[Sequence[object]]:
    return zip(
        *(
            (
                opening.claims.kind,
                opening.claims.subject,
                opening.claims.session_id,
                opening.claims.jti,
                opening.permission.value,
                uuid4().hex,
            )
            for opening in openings
        ),
        strict=True,
    )


def _build_entry_columns(disclosures: Sequence[Disclosure]) -> Iterator[Sequence[object]]:
    yield [disclosure.access.event_id for disclosure in disclosures]
    yield [disclosure.access.secret for disclosure in disclosures]
    entries = [
        (index, n, case["child_id"], case["id"])
        for index, disclosure in enumerate(disclosures, 1)
        for n, case in enumerate(disclosure.cases, 1)
    ]
    yield from zip(*entries, strict=True) if entries else ([],) * 4
