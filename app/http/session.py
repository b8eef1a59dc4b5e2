"""The database session of a request: one request, one transaction.

Only this module commits the transaction of a request. It commits after the response is built and before its first byte
is sent, so that no data is sent without its entries in the access log.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError

from app.access import log
from app.access.accessed_records import AccessedRecords
from app.access.caller import Caller
from app.access.reader import RecordReader
from app.access.report_reader import REPORT_SECONDS, ReportReader, open_report_reader
from app.access.session_records import get_accessed_records
from app.access.vault import get_vault
from app.database.engine import AsyncSession, Database
from app.database.errors import translate_database_errors
from app.errors import (
    Fault,
    FirstStepError,
    InvalidInput,
    MalformedRequest,
    StaleVersion,
    TimedOut,
    VersionRequired,
)
from app.http.record_ids import collect_record_ids
from app.kit import idempotency

MAX_KEY_LENGTH = 255
POOL_TIMEOUT_SECONDS = 5
"""Maximum time that a request waits for a connection."""
TIMEOUT_LOG_SECONDS = 2
"""Time for writing the outcome of a request that exceeded its time limit."""
ETAG_PATTERN = re.compile(r'"[1-9][0-9]{0,8}"')
"""The ETag of a record: its version in quotes."""


class ReplayedResponse(Exception):
    """Raised for a retry. Contains the stored response of the first request."""

    def __init__(self, stored: idempotency.StoredResponse) -> None:
        super().__init__()
        self.stored = stored


async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Yield a session in a transaction. At the end, write the access log entries and commit.

    Raises:
        ReplayedResponse: a response is stored for the Idempotency-Key.
        RequestInProgress, IdempotencyKeyReused: see `app.kit.idempotency`.
        Unavailable: the transaction or its log entries could not be committed.
    """
    database: Database = request.app.state.database
    caller: Caller | None = getattr(request.state, "caller", None)
    with translate_database_errors():
        async with database.session_factory() as session:
            request.state.session = session
            if caller is not None:
                await _bind_access(request, session, caller)
            yield session
            await _commit(request, session, caller)


async def request_reader(request: Request) -> AsyncIterator[RecordReader]:
    """Yield a reader in a read-only transaction. At the end, roll back and commit the access log entries.

    The entries of requests that end at the same time share a transaction.

    Raises:
        Unavailable: the log entries could not be committed. The response is not sent.
    """
    database: Database = request.app.state.database
    access = request.state.caller.access
    records = AccessedRecords()
    with translate_database_errors():
        async with database.read_pool.acquire(timeout=POOL_TIMEOUT_SECONDS) as connection:
            try:
                await connection.execute(log.BEGIN_READING_SQL.format(access.setting))
                yield RecordReader(connection, records)
            finally:
                if connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
        conclusion = log.Conclusion(access, "allowed", request.state.status, list(records))
        async with _log_failed_commit(request):
            await log.conclude_access(database, conclusion)


async def request_report_reader(request: Request) -> AsyncIterator[ReportReader]:
    """Yield a reader of the reports role in a read-only transaction. At the end, roll back and commit the log entry.

    The entry contains the report, its period and its filters. It contains no child, because a report contains numbers
    only.

    Raises:
        Unavailable: the report took too long, or the log entry could not be committed. The response is not sent.
    """
    database: Database = request.app.state.database
    access = request.state.caller.access
    with translate_database_errors():
        async with (
            database.report_pool.acquire(timeout=POOL_TIMEOUT_SECONDS) as connection,
            open_report_reader(connection, access, REPORT_SECONDS) as reader,
        ):
            yield reader
        conclusion = log.Conclusion(access, "allowed", request.state.status, reader.records, reader.changes)
        async with _log_failed_commit(request):
            await log.conclude_access(database, conclusion)


async def request_release_source(request: Request) -> AsyncIterator[ReportReader]:
    """Yield a reader of the reports role for a request that also has a session, which writes the log entries."""
    database: Database = request.app.state.database
    with translate_database_errors():
        async with (
            database.report_pool.acquire(timeout=POOL_TIMEOUT_SECONDS) as connection,
            open_report_reader(connection, request.state.caller.access, REPORT_SECONDS) as reader,
        ):
            yield reader


async def _commit(request: Request, session: AsyncSession, caller: Caller | None) -> None:
    """Write the access log entries and commit. If this fails, the response is not sent."""
    if caller is None:
        await session.commit()
        return
    claim: idempotency.IdempotentRequest | None = getattr(request.state, "claim", None)
    async with _log_failed_commit(request):
        if claim is None:
            await log.conclude_access_in_session(session, caller.access, "allowed", request.state.status)
        else:
            stored_response = request.state.stored_response
            await idempotency.conclude_and_store_response(session, caller.access, claim, stored_response)
        await session.commit()


@asynccontextmanager
async def _log_failed_commit(request: Request) -> AsyncIterator[None]:
    """Write the outcome to the access log if the entries of a response cannot be written or committed."""
    try:
        with translate_database_errors():
            yield
    except Exception as error:
        # Writing the log can fail for the same reason. The access event then has no outcome.
        with suppress(Exception):
            await conclude(request, error)
        raise


async def conclude(request: Request, error: Exception) -> None:
    """Roll back a rejected request and write its outcome to the access log, in another transaction.

    The entries name every child that an id in the request belongs to, and the children of the records that the session
    had collected. An error can reveal something about them too.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None or getattr(request.state, "is_concluded", False):
        return
    session: AsyncSession | None = getattr(request.state, "session", None)
    if session is not None:
        await session.rollback()  # it can hold a lock on the context, which conclude_access deletes
    status = _status(error)
    ids = await collect_record_ids(request)
    if session is not None:
        ids += [UUID(record.record_id) for record in get_accessed_records(session)]
    await log.conclude_access(
        request.app.state.database, log.Rejection(caller.access, log.get_outcome(status), status, ids)
    )
    request.state.is_concluded = True


async def conclude_timeout(request: Request) -> None:
    """Write the outcome of a cancelled request if its time limit cancelled it, and not the end of the server.

    The response must not wait for a database that does not answer. The access event then has no outcome.
    """
    if not request.state.has_timed_out():
        return
    with suppress(Exception):
        async with asyncio.timeout(TIMEOUT_LOG_SECONDS):
            await conclude(request, TimedOut())


def _status(error: Exception) -> int:
    if isinstance(error, FirstStepError):
        return error.status
    return 422 if isinstance(error, RequestValidationError) else getattr(error, "status_code", 500)


async def _bind_access(request: Request, session: AsyncSession, caller: Caller) -> None:
    """Bind the session to the access, and lock the Idempotency-Key of the request, if it has one.

    Raises:
        ReplayedResponse: a response is stored for the key.
    """
    key = _idempotency_key(request, caller)
    if key is None:
        await log.bind_access(session, caller.access)
        return
    claim = idempotency.IdempotentRequest(caller.id, key, await _compute_fingerprint(request))
    stored = await idempotency.claim_idempotency_key(session, caller.access, claim)
    if stored is None:
        request.state.claim = claim
        return
    await log.conclude_access_in_session(session, caller.access, "allowed", stored.status)
    await session.commit()
    raise ReplayedResponse(stored)


async def _compute_fingerprint(request: Request) -> bytes:
    """Return the digest of all parts of a request that decide its effect: path, query string, If-Match and body.

    The only accepted media type is JSON, so Content-Type decides nothing. Accept-Language decides only the language of
    texts in the response: a retry in another language gets the stored texts instead of an error. The digest is keyed,
    because the body may contain a password: a plain hash in a database dump could be used to guess the password.
    """
    conditions = [value.strip().encode() for value in request.headers.getlist("if-match")]
    return get_vault().blind_index.compute_digest(
        b"retry",
        request.url.path.encode(),
        request.scope["query_string"],
        len(conditions).to_bytes(4, "big"),
        *conditions,
        await request.body(),
    )


def _idempotency_key(request: Request, caller: Caller) -> str | None:
    if request.method != "POST":
        return None
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        if caller.is_partner:
            detail = "API clients must send an Idempotency-Key with every POST."
            raise InvalidInput([Fault("header:Idempotency-Key", "missing", detail)])
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable() or not key.isascii():
        raise MalformedRequest(
            f"Idempotency-Key must be one value of 1 to {MAX_KEY_LENGTH} printable ASCII characters."
        )
    return key


async def parse_if_match(if_match: Annotated[str | None, Header(include_in_schema=False)] = None) -> int:
    """Return the expected version of a record from If-Match.

    Raises:
        VersionRequired: If-Match is missing or `*`.
        StaleVersion: If-Match is not the ETag of a record.
    """
    if if_match is None or if_match.strip() == "*":
        raise VersionRequired
    text = if_match.strip()
    if not ETAG_PATTERN.fullmatch(text):
        raise StaleVersion
    return int(text[1:-1])


async def parse_optional_if_match(
    if_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> int | None:
    """Return the expected version for a PUT that can also create the record, or None without If-Match.

    Raises:
        VersionRequired, StaleVersion: see `parse_if_match`.
    """
    return None if if_match is None else await parse_if_match(if_match)


Reader = Annotated[RecordReader, Depends(request_reader, scope="function")]
"""The reader of a request that changes nothing. Its log entries are committed before the response is sent."""
ReportSource = Annotated[ReportReader, Depends(request_report_reader, scope="function")]
"""The reader of a report. It can read only columns that the reports role can read."""
ReleaseSource = Annotated[ReportReader, Depends(request_release_source, scope="function")]
"""The reader of the true counts of a release, in addition to the session that stores it."""
Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
"""The session of the request. With this scope, FastAPI finishes the dependency, which commits, before it responds."""
ExpectedVersion = Annotated[int, Depends(parse_if_match)]
"""The version that the caller expects the record to have."""
ExpectedVersionIfAny = Annotated[int | None, Depends(parse_optional_if_match)]
"""The expected version of a PUT that can also create the record; None if the request has no If-Match."""
