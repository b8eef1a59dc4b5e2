"""Session: one request, one transaction, one opened access.

The commit happens here and nowhere else, after the answer is made and before its first byte leaves: what cannot be
logged is not disclosed.
"""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError

from app.access import log
from app.access.caller import Caller
from app.access.vault import get_vault
from app.database.engine import AsyncSession, Database
from app.database.errors import translate_database_errors
from app.errors import Fault, FirstStepError, InvalidInput, MalformedRequest, StaleVersion, VersionRequired
from app.kit import idempotency as kept_answers

LONGEST_KEY = 255
OUTCOMES = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 409: "refused", 412: "conflict"}
ETAG = re.compile(r'"[1-9][0-9]{0,8}"')
"""Every ETag of a record that we ever gave: its version, in quotes."""


class Replayed(Exception):
    """The request was answered before; carries that answer."""

    def __init__(self, answer: kept_answers.StoredResponse) -> None:
        super().__init__()
        self.answer = answer


async def request_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Open the request's transaction; at the end write the log's entries and commit.

    Raises:
        Replayed: the Idempotency-Key's answer exists.
        StillRunning, KeyReused: see `kept_answers`.
        Unavailable: the transaction, or its entries, could not be committed.
    """
    database: Database = request.app.state.database
    actor: Caller | None = getattr(request.state, "actor", None)
    with translate_database_errors():
        async with database.session_factory() as session:
            if actor is not None:
                await log.bind_access_event(session, actor.event_id)
                await _answer_retry(request, session, actor)
            yield session
            await _commit(request, session, actor)


async def _commit(request: Request, session: AsyncSession, actor: Caller | None) -> None:
    """Write the entries and commit; the answer is made, but has not left: if this fails it never will."""
    if actor is None:
        await session.commit()
        return
    try:
        with translate_database_errors():
            await log.write_access_entries(session, actor.event_id, "allowed", request.state.status)
            await session.commit()
    except Exception as error:
        with suppress(Exception):  # the log itself may be what is broken: the event stands, without an end
            await conclude(request, error)
        raise


async def conclude(request: Request, error: Exception) -> None:
    """Write how a refused request ended, in a transaction of its own: the request's is rolled back."""
    actor = getattr(request.state, "actor", None)
    if actor is None:
        return
    status = _status(error)
    outcome = OUTCOMES.get(status) or ("failed" if status >= 500 else "invalid")  # noqa: PLR2004 - HTTP's classes
    await log.conclude_access_event(
        request.app.state.database, actor.event_id, outcome, status, _record_id(request)
    )


def _status(error: Exception) -> int:
    if isinstance(error, FirstStepError):
        return error.status
    return 422 if isinstance(error, RequestValidationError) else getattr(error, "status_code", 500)


def _record_id(request: Request) -> UUID | None:
    """Return the record the path names, as far as it names one."""
    for value in request.path_params.values():
        try:
            return UUID(value)
        except ValueError:
            continue
    return None


async def _answer_retry(request: Request, session: AsyncSession, actor: Caller) -> None:
    key = _idempotency_key(request, actor)
    if key is None:
        return
    # Keyed: a body may hold a password, and a dump must not let anybody try guesses against its digest.
    fingerprint = get_vault().blind_index.compute_digest(
        b"retry", request.url.path.encode(), await request.body()
    )
    claim = kept_answers.IdempotentRequest(actor.id, key, fingerprint)
    answer = await kept_answers.claim_idempotency_key(session, claim)
    if answer is None:
        request.state.claim = claim
        request.state.session = session
        return
    await log.write_access_entries(session, actor.event_id, "allowed", answer.status)
    await session.commit()
    raise Replayed(answer)


def _idempotency_key(request: Request, actor: Caller) -> str | None:
    if request.method != "POST":
        return None
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        if actor.is_partner:
            detail = "API clients send an Idempotency-Key with every POST, so that a retry is safe."
            raise InvalidInput([Fault("header:Idempotency-Key", "missing", detail)])
        return None
    if (
        len(keys) > 1
        or not 1 <= len(keys[0]) <= LONGEST_KEY
        or not keys[0].isprintable()
        or not keys[0].isascii()
    ):
        raise MalformedRequest("Idempotency-Key is one printable text of at most 255 characters.")
    return keys[0]


async def parse_if_match(
    if_match: Annotated[
        str | None,
        Header(description="The ETag of the version you saw. 428 without it, 412 when it is stale."),
    ] = None,
) -> int:
    """Read If-Match: which version of the record the caller means to change.

    Raises:
        VersionRequired: there is none, or it is `*`: name the version you saw.
        Stale: it is no version of ours.
    """
    if if_match is None or if_match.strip() == "*":
        raise VersionRequired
    text = if_match.strip()
    if not ETAG.fullmatch(text):
        raise StaleVersion
    return int(text[1:-1])


async def parse_optional_if_match(
    if_match: Annotated[
        str | None,
        Header(
            description="The ETag of the version you saw, where there is one: 428 without it then, 412 when it is stale."
        ),
    ] = None,
) -> int | None:
    """Read If-Match of a PUT that may create: None where the caller has seen no version.

    Raises:
        VersionRequired, Stale: see `parse_if_match`.
    """
    return None if if_match is None else await parse_if_match(if_match)


Session = Annotated[AsyncSession, Depends(request_session, scope="function")]
ExpectedVersion = Annotated[int, Depends(parse_if_match)]
"""The version of the record that the caller saw."""
ExpectedVersionIfAny = Annotated[int | None, Depends(parse_optional_if_match)]
"""The same, where the record may not be there yet."""
