"""Find the record whose id or natural key a rejected request has chosen again."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import Request

from app.access import log
from app.access.accessed_records import AccessedRecord
from app.access.caller import Caller
from app.access.session_records import get_accessed_records
from app.database.engine import AsyncSession, Database
from app.database.errors import translate_database_errors
from app.errors import AlreadyExists, FirstStepError
from app.text_folding import fold_email_address, normalize_identifier, normalize_text


@dataclass(frozen=True, slots=True)
class NaturalKey:
    """The fields of a request that only one record of a kind can have."""

    fields: tuple[str, ...]
    sql: str
    """Selects the id of the record. Its parameters are the fields, in their order."""
    normalize: Callable[[str], str] = str
    """Converts the value of a field to the form in which it is stored."""


def _build_name_key(table: str) -> NaturalKey:
    """Return the natural key of a table with `unique_name_index`."""
    sql = f"SELECT id FROM {table} WHERE lower(name) = lower($1)"  # noqa: S608 - a name from this module
    return NaturalKey(("name",), sql, normalize_text)


NATURAL_KEYS: Final[Mapping[str, NaturalKey]] = {
    "agencies": _build_name_key("agencies"),
    "approval-limits": NaturalKey(
        ("role", "act", "currency", "starts_on"),
        "SELECT id FROM approval_limits WHERE role = $1 AND act = $2 AND currency = $3 AND starts_on = $4::text::date",
    ),
    "donor-grants": NaturalKey(("code",), "SELECT id FROM donor_grants WHERE code = $1"),
    "exchange-rates": NaturalKey(
        ("on", "source"), 'SELECT id FROM exchange_rates WHERE "on" = $1::text::date AND source = $2'
    ),
    "funds": _build_name_key("funds"),
    "referrals": NaturalKey(
        ("agency_id", "external_id"),
        "SELECT id FROM referrals WHERE agency_id = $1::text::uuid AND external_id = $2",
        normalize_identifier,
    ),
    "teams": _build_name_key("teams"),
    "users": NaturalKey(("email",), "SELECT id FROM users WHERE email_key = $1", fold_email_address),
}
"""The natural key of each kind of record that has one, by the path segment of its records under `/v1`."""


async def add_existing_record(request: Request, error: AlreadyExists, collection: str | None) -> None:
    """Add the id and the path of the existing record to the error, if the caller can see the record.

    A record of a `collection` has a path. The row policies decide, in a separate transaction, because that of the
    request has failed. If the record is hidden, or cannot be read, the error stays as it is. `conclude` of
    `app.http.session` logs the record.
    """
    caller: Caller | None = getattr(request.state, "caller", None)
    body = getattr(request.state, "json_body", None)
    segment = collection or request.scope["route"].path.removeprefix("/v1/")
    is_known = collection is not None or segment in NATURAL_KEYS
    if (
        request.method not in {"POST", "PATCH"}
        or caller is None
        or not is_known
        or not isinstance(body, dict)
    ):
        return
    # The failed transaction gives its connection back first. A request that holds one connection and waits for a second can
    # wait forever if all others do the same.
    await request.state.session.rollback()
    database: Database = request.app.state.database
    with suppress(FirstStepError), translate_database_errors():
        async with database.session_factory() as session:
            await log.bind_access(session, caller.access)
            error.record_id = await _find_record_id(session, caller, segment, body)
            await session.rollback()
    if error.record_id is None or collection is None:
        return
    error.location = f"/v1/{collection}/{error.record_id}"
    if collection == "referrals":
        # The access log finds children by the ids of the request. This id may not be one of them.
        record = AccessedRecord(None, None, "referral", str(error.record_id))
        get_accessed_records(request.state.session).add(record)


async def _find_record_id(
    session: AsyncSession, caller: Caller, segment: str, body: Mapping[str, Any]
) -> UUID | None:
    """Return the id of the visible record with the chosen id, or else with the natural key of the request."""
    connection = log.get_driver_connection(session)
    found: UUID | None = None
    if isinstance(body.get("id"), str):
        table = segment.replace("-", "_")
        sql = f"SELECT id FROM {table} WHERE id = $1"  # noqa: S608 - the collection of a response schema
        found = await connection.fetchval(sql, UUID(body["id"]))
    key = NATURAL_KEYS.get(segment)
    if found is None and key is not None:
        # The external ids of an agency belong to its API clients.
        fields = {**body, "agency_id": str(caller.agency_id) if caller.is_partner else None}
        values = [fields.get(name) for name in key.fields]
        if None not in values:
            found = await connection.fetchval(key.sql, *map(key.normalize, map(str, values)))
    return found
