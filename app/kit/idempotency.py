"""Retries: the same Idempotency-Key and request get the same answer again, for a day, from every worker."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from app.access.log import AccessedRecord, get_accessed_records, get_driver_connection
from app.access.vault import decrypt_value, get_vault
from app.errors import IdempotencyKeyReused, NotFound, RequestInProgress
from app.models import Case, Child, Disbursement, Referral
from app.models.record import Record, new_id, utc_now

RETENTION_PERIOD = timedelta(hours=24)


MODELS_VISIBLE_WITHOUT_CHILD: dict[str, type[Record]] = {"referral": Referral, "disbursement": Disbursement}
"""What may be seen by who does not see the child."""
CLAIM_KEY_SQL = "SELECT * FROM access.claim_idempotency_key($1, $2, $3)"
"""The lock on a key, and then the answer kept for it."""
DELETE_RESPONSE_SQL = "DELETE FROM kept_answers WHERE principal_id = $1 AND key_digest = $2"
INSERT_RESPONSE_SQL = """
    INSERT INTO kept_answers (principal_id, key_digest, id, child_id, fingerprint, status, kept_at, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A principal's wish to have a request done once."""

    principal_id: UUID
    key: str
    fingerprint: bytes

    @property
    def key_digest(self) -> bytes:
        """The key as it is stored: clients put all sorts of things into it."""
        return hashlib.sha256(self.key.encode()).digest()


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: str


async def claim_idempotency_key(session: AsyncSession, claim: IdempotentRequest) -> StoredResponse | None:
    """Return the answer kept for a claim; None, and the key is this request's until its transaction ends.

    Raises:
        StillRunning: another request holds the key right now.
        KeyReused: the key came with another request before.
        NotFound: the actor may no longer see what the answer showed.
    """
    lock = int.from_bytes(
        hashlib.sha256(claim.principal_id.bytes + claim.key_digest).digest()[:8], signed=True
    )
    driver = get_driver_connection(session)
    kept = await driver.fetchrow(CLAIM_KEY_SQL, lock, claim.principal_id, claim.key_digest)
    is_kept = kept["row_id"] is not None
    is_too_old = is_kept and kept["kept_at"] < utc_now() - RETENTION_PERIOD
    if is_kept and not is_too_old:
        if kept["fingerprint"] != claim.fingerprint:
            raise IdempotencyKeyReused
        return await _load_response(session, kept)
    if not kept["lock_acquired"]:
        raise RequestInProgress(retry_after=1)
    if is_too_old:
        await driver.execute(DELETE_RESPONSE_SQL, claim.principal_id, claim.key_digest)
    return None


async def _load_response(session: AsyncSession, kept: Mapping[str, Any]) -> StoredResponse:
    content = decrypt_value("kept_answers", "sealed", kept["row_id"], kept["sealed"])
    shown = [
        AccessedRecord(UUID(child) if child else None, UUID(file) if file else None, kind, UUID(record))
        for child, file, kind, record in content["shown"]
    ]
    await _verify_records_visible(session, shown)
    await _verify_location_visible(session, content["headers"].get("location", ""))
    for record in shown:
        get_accessed_records(session).add(record)
    return StoredResponse(kept["status"], content["headers"], content["body"])


async def _verify_records_visible(session: AsyncSession, shown: list[AccessedRecord]) -> None:
    """Make sure that the actor sees it still: child and case, or what is seen without them."""
    wanted: list[tuple[type[Record], set[UUID | None]]] = [
        (Child, {s.child_id for s in shown if s.child_id and s.kind not in MODELS_VISIBLE_WITHOUT_CHILD}),
        # A child is seen through any of its cases; an answer about one of them is for who still sees that one.
        (Case, {s.case_id for s in shown if s.case_id and s.kind not in MODELS_VISIBLE_WITHOUT_CHILD}),
    ]
    wanted += [
        (table, {s.record_id for s in shown if s.kind == kind})
        for kind, table in MODELS_VISIBLE_WITHOUT_CHILD.items()
    ]
    for table, ids in wanted:
        visible = select(func.count()).select_from(table).where(col(table.id).in_(ids))
        if await session.scalar(visible) != len(ids):
            raise NotFound


async def _verify_location_visible(session: AsyncSession, location: str) -> None:
    """Make sure that what was made may still be read: whoever sees a child may no longer read every tier of its case."""
    collection, _, record_id = location.removeprefix("/v1/").partition("/")
    table = SQLModel.metadata.tables.get(collection.replace("-", "_"))
    if table is not None and not await session.scalar(
        select(literal(1)).where(table.c.id == UUID(record_id))
    ):
        raise NotFound


async def store_response(session: AsyncSession, claim: IdempotentRequest, answer: StoredResponse) -> None:
    """Keep an answer, with the records it showed, in the transaction that made it."""
    shown: list[AccessedRecord] = list(get_accessed_records(session))
    row_id = new_id()
    content = {"headers": answer.headers, "body": answer.body, "shown": shown}
    child_id = next((s.child_id for s in shown if s.child_id), None)
    sealed = get_vault().cipher.encrypt(content, table="kept_answers", column="sealed", row_id=row_id)
    row = (
        claim.principal_id,
        claim.key_digest,
        row_id,
        child_id,
        claim.fingerprint,
        answer.status,
        utc_now(),
        sealed,
    )
    await get_driver_connection(session).execute(INSERT_RESPONSE_SQL, *row)
