"""Operation W1: receive a referral."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
from pydantic_core import from_json, to_json

from app.access.vault import get_vault
from app.models.referrals import StoredReferralContent
from app.services.persons import person_details
from bench.limit.access import Access, Database, Refused
from bench.limit.messages import Request, Response

INSERT_REFERRAL_SQL = """
    WITH stored_response AS (
        INSERT INTO idempotency_records (principal_id, key_digest, id, fingerprint, status, stored_at, response_encrypted)
        VALUES ($11, $12, $13, $14, 201, $2, $15)
    ), referral AS (
        INSERT INTO referrals (id, created_at, version, agency_id, external_id, tracking_number, source, urgency,
                               concern_kind, status, received_at, updated_at, province_code, content_encrypted)
        VALUES ($1, $2, 1, $3, $4, $5, 'api', $6, $7, 'received', $2, $2, $8, $9)
    ), tokens AS (
        INSERT INTO name_tokens (owner_id, token, kind) SELECT $1, token, 'referral' FROM unnest($10::int[]) AS token
    )
    INSERT INTO access_entries (event_id, n, record_kind, record_id, outcome, status)
    VALUES ($16, 1, 'referral', $1, 'allowed', 201)
"""
SELECT_STORED_RESPONSE_SQL = """
    SELECT id, fingerprint, status, response_encrypted
      FROM idempotency_records WHERE principal_id = $1 AND key_digest = $2
"""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The digest of an Idempotency-Key, and the fingerprint of the request that was sent with it."""

    digest: bytes
    fingerprint: bytes


async def create_referral(database: Database, access: Access, request: Request) -> Response:
    """Operation W1. A key that is in use waits for the other request and returns its stored response."""
    key = IdempotencyKey(
        hashlib.sha256(request.headers[b"idempotency-key"]).digest(),
        hashlib.sha256(b"POST\0/v1/referrals\0" + request.body).digest(),
    )
    try:
        return await insert_referral(database, access, from_json(request.body), key)
    except asyncpg.UniqueViolationError:  # of the key, the external_id or the tracking number
        return await get_stored_response(database, access, key)


async def insert_referral(
    database: Database, access: Access, payload: dict[str, Any], key: IdempotencyKey
) -> Response:
    """Insert the encrypted referral, its search tokens, the stored response and the access entry by one statement."""
    referral_id, record_id, now, cipher = uuid4(), uuid4(), datetime.now(UTC), get_vault().cipher
    external_id, tracking_number = payload.pop("external_id"), f"R-{secrets.token_hex(4).upper()}"
    for phone in (*payload["child"]["phones"], *payload["caregiver"]["phones"]):
        phone["e164"] = phone["number"]  # not validated: the client sends every number in E.164
    content = {
        "id": referral_id, "version": 1, "external_id": external_id, "tracking_number": tracking_number,
        "status": "received", "received_at": now, "updated_at": now, "acknowledged_at": None, "decided_at": None,
        "decline_reason_code": None, "signposted_to": [], "questions": [],
    }  # fmt: skip
    parameters = (
        referral_id, now, access.agency_id, external_id, tracking_number, payload["urgency"], payload["concern"]["kind"],
        payload["child"]["place_code"][:2],
        cipher.encrypt(payload, table="referrals", column="content_encrypted", row_id=referral_id),
        person_details.hash_referral_search_keys(cast("StoredReferralContent", payload)),
        access.caller_id, key.digest, record_id, key.fingerprint,
        cipher.encrypt({"body": content}, table="idempotency_records", column="response_encrypted", row_id=record_id),
        access.event_id,
    )  # fmt: skip
    await database.fetch_visible(access, INSERT_REFERRAL_SQL, *parameters, end="COMMIT")
    return Response(
        201, to_json(content), [(b"etag", b'"1"'), (b"location", f"/v1/referrals/{referral_id}".encode())]
    )


async def get_stored_response(database: Database, access: Access, key: IdempotencyKey) -> Response:
    """Return the response that is stored for the same request. Without one, the referral conflicts with another."""
    records = await database.fetch_visible(access, SELECT_STORED_RESPONSE_SQL, access.caller_id, key.digest)
    if not records or records[0]["fingerprint"] != key.fingerprint:
        raise Refused(409)
    [record] = records
    content = get_vault().cipher.decrypt(
        record["response_encrypted"],
        table="idempotency_records",
        column="response_encrypted",
        row_id=UUID(record["id"]),
    )
    await database.record_outcome(access, "allowed", record["status"])
    return Response(record["status"], to_json(content["body"]))
