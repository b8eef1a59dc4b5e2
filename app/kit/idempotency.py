"""Idempotent retries: a retry with the same `Idempotency-Key` gets the stored response of the first request.

Responses are stored in the database for 24 hours, encrypted, and shared by all worker processes.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import RowMapping, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from app.access.accessed_records import AccessedRecord
from app.access.caller import OpenAccess
from app.access.log import (
    bind_access,
    conclude_access_in_session,
    get_driver_connection,
)
from app.access.session_records import get_accessed_records
from app.errors import IdempotencyKeyReused, NotFound, RequestInProgress
from app.models import Case, Child, Disbursement, IdempotencyRecord, Referral
from app.models.jobs import StoredAccessedRecord, StoredResponseContent
from app.models.record import Record, new_id, utc_now

RETENTION_PERIOD = timedelta(hours=24)
MODELS_VISIBLE_WITHOUT_CHILD: dict[str, type[Record]] = {"referral": Referral, "disbursement": Disbursement}
"""Models, by record kind, whose records some callers can see without seeing the child: API clients see the referrals of
their agency, and finance officers see disbursements."""
BIND_ACCESS_AND_CLAIM_KEY_SQL = """
    SELECT claim.* FROM set_config('firststep.access', $1, true) AS setting,
           LATERAL access.claim_idempotency_key(setting, $2, $3, $4) AS claim
"""
"""Binds the transaction to an access, tries to lock the key, and returns the stored response."""
DELETE_RESPONSE_SQL = "DELETE FROM idempotency_records WHERE principal_id = $1 AND key_digest = $2"
INSERT_RESPONSE_SQL = """
    INSERT INTO idempotency_records (principal_id, key_digest, id, child_id, fingerprint, status, stored_at, response_encrypted)
    VALUES ($12, $13, $14, $15, $16, $17, $18, $19)
"""
"""A part of the statement that concludes the access. `Conclusion` uses the parameters $1 to $11."""


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """An idempotency key, the caller that sent it, and a fingerprint of the request."""

    principal_id: UUID
    """Id of the caller. The keys of different callers are independent."""
    key: str
    fingerprint: bytes
    """Keyed digest of the path, the query string, If-Match and the body. A second request with the same key must have the
    same fingerprint."""

    @property
    def key_digest(self) -> bytes:
        """Digest under which the response is stored, instead of the key, which can contain personal data."""
        return hashlib.sha256(self.key.encode()).digest()


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """Status, headers and body of a response."""

    status: int
    headers: dict[str, str]
    body: str


async def claim_idempotency_key(
    session: AsyncSession, access: OpenAccess, request: IdempotentRequest
) -> StoredResponse | None:
    """Bind the session to an access, and return the response stored for a key, or lock the key and return None.

    The lock is an advisory lock on the caller and the key, which lasts until the transaction ends. This function does not
    wait for it: if another request holds it, `RequestInProgress` is raised immediately. A stored response is returned
    without the lock, so that several retries can run at the same time. A response older than `RETENTION_PERIOD` is
    deleted and not returned.

    If the result is None, run the request and pass its response to `conclude_and_store_response` in the same transaction.
    If the transaction rolls back, nothing is stored and the key can be used again.

    Raises:
        RequestInProgress: another request with the same key has not finished.
        IdempotencyKeyReused: the key was used before with another path, query string, If-Match or body.
        NotFound: the caller cannot see a record that the stored response contains.
    """
    lock_id = int.from_bytes(
        hashlib.sha256(request.principal_id.bytes + request.key_digest).digest()[:8], signed=True
    )
    row = await bind_access(
        session, access, BIND_ACCESS_AND_CLAIM_KEY_SQL, (lock_id, request.principal_id, request.key_digest)
    )
    is_stored = row["row_id"] is not None
    is_expired = is_stored and row["stored_at"] < utc_now() - RETENTION_PERIOD
    if is_stored and not is_expired:
        if row["fingerprint"] != request.fingerprint:
            raise IdempotencyKeyReused
        return await _load_response(session, row)
    if not row["lock_acquired"]:
        raise RequestInProgress(retry_after=1)
    if is_expired:
        await get_driver_connection(session).execute(
            DELETE_RESPONSE_SQL, request.principal_id, request.key_digest
        )
    return None


async def _load_response(session: AsyncSession, row: RowMapping) -> StoredResponse:
    """Decrypt a stored response, check that the caller can still see its records, and log the access to them.

    Raises:
        NotFound: the caller cannot see one of the records.
    """
    content = IdempotencyRecord.response.decrypt(row["row_id"], row["response_encrypted"])
    records = [AccessedRecord(**record) for record in content["accessed_records"]]
    await _verify_records_visible(session, records)
    await _verify_location_visible(session, content["headers"].get("location", ""))
    for record in records:
        get_accessed_records(session).add(record)
    return StoredResponse(row["status"], content["headers"], content["body"])


async def _verify_records_visible(session: AsyncSession, records: list[AccessedRecord]) -> None:
    """Check that the caller can still see the children and cases of the records.

    For the models in `MODELS_VISIBLE_WITHOUT_CHILD`, the record itself is checked instead of its child and case.

    Raises:
        NotFound: at least one of them is not visible.
    """
    by_child = [record for record in records if record.kind not in MODELS_VISIBLE_WITHOUT_CHILD]
    required_ids: list[tuple[type[Record], set[str]]] = [
        (Child, {record.child_id for record in by_child if record.child_id}),
        # A child is visible through any of its cases. The response is about one case, which is therefore checked too.
        (Case, {record.case_id for record in by_child if record.case_id}),
    ]
    required_ids += [
        (model, {record.record_id for record in records if record.kind == kind})
        for kind, model in MODELS_VISIBLE_WITHOUT_CHILD.items()
    ]
    for model, ids in required_ids:
        visible_count = select(func.count()).select_from(model).where(col(model.id).in_(ids))
        if await session.scalar(visible_count) != len(ids):
            raise NotFound


async def _verify_location_visible(session: AsyncSession, location: str) -> None:
    """Check that the caller can still see the created record, whose id is in the `Location` header.

    The child and the case can be visible without the record, if the caller has lost the
    right to read the tier of the record.

    Raises:
        NotFound: the record is not visible.
    """
    collection, _, record_id = location.removeprefix("/v1/").partition("/")
    table = SQLModel.metadata.tables.get(collection.replace("-", "_"))
    if table is not None and not await session.scalar(
        select(literal(1)).where(table.c.id == UUID(record_id))
    ):
        raise NotFound


async def conclude_and_store_response(
    session: AsyncSession, access: OpenAccess, request: IdempotentRequest, response: StoredResponse
) -> None:
    """Conclude the access of a request and store its response, with references to the records that it contains.

    One statement does both, in the transaction of the request.
    """
    await session.flush()  # the session collects the records of its last changes at a flush
    records: list[AccessedRecord] = list(get_accessed_records(session))
    row_id = new_id()
    content = StoredResponseContent(
        headers=response.headers,
        body=response.body,
        accessed_records=[cast("StoredAccessedRecord", record._asdict()) for record in records],
    )
    child_id = next((record.child_id for record in records if record.child_id), None)
    row = (
        request.principal_id,
        request.key_digest,
        row_id,
        child_id,
        request.fingerprint,
        response.status,
        utc_now(),
        IdempotencyRecord.response.encrypt(row_id, content),
    )
    await conclude_access_in_session(
        session, access, "allowed", response.status, insert_sql=INSERT_RESPONSE_SQL, insert_values=row
    )
