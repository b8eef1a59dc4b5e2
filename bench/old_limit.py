"""The guarantees of First Step on Starlette and asyncpg alone: the cost of the guarantees without the framework layers.

The token is verified, the access event is committed first, rows are read through row policies, and the access entries are
committed before the response. Content is encrypted and decrypted with the keys of the product. There is no ORM, no model and
no validation. Each request needs five round trips: open the event; begin; read the rows or the idempotency record; write
the entries and the stored data; commit.
"""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from pydantic_core import from_json, to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.permissions import Permission, has_permission
from app.access.vault import get_vault
from app.config import get_settings
from app.database.urls import DatabaseUrls
from app.errors import Unauthenticated
from app.kit.dates import BirthRange, today
from app.models import Case, Child
from app.services.persons import person_details

OPEN_ACCESS_EVENT_SQL = "SELECT event_id, roles, agency_id FROM access.open($1, $2, $3, $4, $5, $6, $7)"
CONCLUDE_ACCESS_EVENT_SQL = "SELECT access.record_outcome($1, $2, $3, NULL, NULL)"
INSERT_ACCESS_ENTRIES_SQL = """
    INSERT INTO access_entries (event_id, child_id, case_id, record_kind, record_id, outcome, status)
    SELECT $1, child, file, 'case', file, 'allowed', 200 FROM unnest($2::uuid[], $3::uuid[]) AS shown (child, file)
"""
SELECT_CASE_SQL = """
    SELECT c.id, c.version, c.number, c.child_id, c.kind, c.status, c.team_id, c.lead_worker_id,
           ARRAY(SELECT w.user_id FROM case_workers w WHERE w.case_id = c.id ORDER BY w.user_id) AS co_worker_ids,
           c.referral_id, c.previous_case_id, c.opened_on, c.closed_on, c.next_review_on, c.extended_until,
           c.age_at_referral_min, c.age_at_referral_max, c.province_code, c.created_at, c.updated_at,
           c.content_encrypted, child.sex AS child_sex, child.identity_encrypted
      FROM cases c JOIN children child ON child.id = c.child_id
     WHERE c.id = $1
"""
SELECT_CASES_SQL = """
    SELECT c.id, c.version, c.number, c.child_id, c.kind, c.status, c.team_id, c.lead_worker_id, c.opened_on, c.closed_on,
           c.next_review_on, c.province_code, c.created_at, c.updated_at,
           child.sex AS child_sex, child.identity_encrypted
      FROM cases c JOIN children child ON child.id = c.child_id
     ORDER BY c.created_at DESC, c.id DESC
     LIMIT $1
"""
SELECT_IDEMPOTENCY_RECORD_SQL = """
    SELECT mine, k.id, k.fingerprint, k.status, k.response_encrypted
      FROM pg_try_advisory_xact_lock($1) AS mine
      LEFT JOIN idempotency_records k ON k.principal_id = $2 AND k.key_digest = $3
"""
INSERT_REFERRAL_SQL = """
    WITH referral AS (
        INSERT INTO referrals (id, created_at, version, agency_id, external_id, tracking_number, source, urgency,
                               concern_kind, status, received_at, updated_at, province_code, content_encrypted)
        VALUES ($1, $2, 1, $3, $4, $5, 'api', $6, $7, 'received', $2, $2, $8, $9)
    ), tokens AS (
        INSERT INTO name_tokens (owner_id, token, kind) SELECT $1, token, 'referral' FROM unnest($10::int[]) AS token
    ), kept AS (
        INSERT INTO idempotency_records (principal_id, key_digest, id, fingerprint, status, stored_at, response_encrypted)
        VALUES ($11, $12, $13, $14, 201, $2, $15)
    )
    INSERT INTO access_entries (event_id, record_kind, record_id, outcome, status)
    VALUES ($16, 'referral', $1, 'allowed', 201)
"""


@dataclass(frozen=True, slots=True)
class Access:
    """An access event and the connection with its transaction, which sees the rows that the caller may see."""

    connection: asyncpg.Connection
    event_id: UUID
    caller_id: UUID
    agency_id: UUID | None


@asynccontextmanager
async def open_access(request: Request, permission: Permission) -> AsyncIterator[Access]:
    """Verify the token, commit the access event, and begin. At the end commit, or roll back and record the outcome."""
    try:
        claims = get_vault().access_tokens.verify_access_token(
            request.headers.get("authorization", "").removeprefix("Bearer ")
        )
    except Unauthenticated:
        raise HTTPException(401) from None
    subject = (claims.kind, claims.subject, claims.session_id, claims.jti)
    async with request.app.state.pool.acquire() as connection:
        event = await connection.fetchrow(
            OPEN_ACCESS_EVENT_SQL, *subject, permission.value, uuid4().hex, "127.0.0.1"
        )
        if event["event_id"] is None:
            raise HTTPException(401)
        event_id = event["event_id"]
        await connection.execute(f"BEGIN; SELECT set_config('firststep.access', '{event_id}', true)")
        try:
            if not has_permission(frozenset(event["roles"]), permission):
                raise HTTPException(403)  # noqa: TRY301 - handled like a failure: roll back, record the outcome
            yield Access(connection, event_id, claims.subject, event["agency_id"])
            await connection.execute("COMMIT")
        except BaseException as error:
            await connection.execute("ROLLBACK")
            status = error.status_code if isinstance(error, HTTPException) else 500
            await connection.execute(CONCLUDE_ACCESS_EVENT_SQL, event_id, "refused", status)
            raise


def decrypt_child(row: asyncpg.Record) -> dict[str, Any]:
    """Return the summary of a child with decrypted names."""
    child_id = row["child_id"]
    identity = Child.identity.decrypt(child_id, row["identity_encrypted"])
    day = today()
    youngest, oldest = BirthRange.from_details(identity["birth"]).age_range_on(day)
    return {
        "id": child_id,
        "names": identity["names"],
        "nickname": identity["nickname"],
        "sex": row["child_sex"],
        "age": {"min": youngest, "max": oldest, "on": day},
    }


def to_case_body(row: asyncpg.Record) -> dict[str, Any]:
    """Return the JSON object of a case with decrypted content."""
    body = dict(row)
    body["child"] = decrypt_child(row)
    del body["child_sex"], body["identity_encrypted"]
    if "content_encrypted" in body:
        body |= Case.content.decrypt(row["id"], body.pop("content_encrypted"))
    return body


def build_response(content: Any, status: int = 200, **headers: str) -> Response:
    """Return a JSON response that must not be cached."""
    return Response(to_json(content), status, {"Cache-Control": "no-store", **headers}, "application/json")


async def get_readiness(request: Request) -> Response:
    """Readiness probe."""
    await request.app.state.pool.fetchval("SELECT 1")
    return Response(status_code=204)


async def get_case(request: Request) -> Response:
    """Operation R1."""
    case_id = UUID(request.path_params["case_id"])
    async with open_access(request, Permission.case_read) as access:
        row = await access.connection.fetchrow(SELECT_CASE_SQL, case_id)
        if row is None:
            raise HTTPException(404)
        response = build_response(to_case_body(row), ETag=f'"{row["version"]}"')
        await access.connection.execute(
            INSERT_ACCESS_ENTRIES_SQL, access.event_id, [row["child_id"]], [case_id]
        )
    return response


async def list_cases(request: Request) -> Response:
    """Operation L1."""
    limit = int(request.query_params.get("limit", "50"))
    async with open_access(request, Permission.case_list) as access:
        rows = await access.connection.fetch(SELECT_CASES_SQL, limit + 1)
        page = rows[:limit]
        cursor = None
        if len(rows) > limit:
            cursor = base64.urlsafe_b64encode(to_json([page[-1]["created_at"], page[-1]["id"]])).decode()
        response = build_response({"items": [to_case_body(row) for row in page], "next_cursor": cursor})
        child_ids, case_ids = [row["child_id"] for row in page], [row["id"] for row in page]
        await access.connection.execute(INSERT_ACCESS_ENTRIES_SQL, access.event_id, child_ids, case_ids)
    return response


async def create_referral(request: Request) -> Response:
    """Operation W1."""
    body = await request.body()
    key = hashlib.sha256(request.headers["idempotency-key"].encode()).digest()
    fingerprint = hashlib.sha256(b"POST\0/v1/referrals\0" + body).digest()
    async with open_access(request, Permission.referral_receive) as access:
        lock = int.from_bytes(hashlib.sha256(access.caller_id.bytes + key).digest()[:8], signed=True)
        record = await access.connection.fetchrow(SELECT_IDEMPOTENCY_RECORD_SQL, lock, access.caller_id, key)
        if not record["mine"] or (record["id"] and record["fingerprint"] != fingerprint):
            raise HTTPException(409)
        if record["id"]:
            content = get_vault().cipher.decrypt(
                record["response_encrypted"],
                table="idempotency_records",
                column="response_encrypted",
                row_id=record["id"],
            )
            await access.connection.execute(INSERT_ACCESS_ENTRIES_SQL, access.event_id, [None], [None])
            return build_response(content["body"], record["status"])
        return await store_referral(access, from_json(body), key, fingerprint)


async def store_referral(access: Access, payload: dict[str, Any], key: bytes, fingerprint: bytes) -> Response:
    """Insert the encrypted referral, its name tokens, the idempotency record and the access entry in one statement."""
    referral_id, record_id, now, cipher = uuid4(), uuid4(), datetime.now(UTC), get_vault().cipher
    external_id = payload.pop("external_id")
    content = {
        "id": referral_id, "version": 1, "external_id": external_id, "tracking_number": f"R-{secrets.token_hex(4).upper()}",
        "status": "received", "received_at": now, "updated_at": now, "acknowledged_at": None, "decided_at": None,
        "decline_reason_code": None, "signposted_to": [], "questions": [],
    }  # fmt: skip
    accessed_records = [[None, None, "referral", referral_id]]
    await access.connection.execute(
        INSERT_REFERRAL_SQL,
        referral_id, now, access.agency_id, external_id, content["tracking_number"], payload["urgency"],
        payload["concern"]["kind"], payload["child"]["place_code"][:2],
        cipher.encrypt(payload, table="referrals", column="content_encrypted", row_id=referral_id),
        person_details.hash_search_keys(person_details.get_child_search_keys(payload["child"])), access.caller_id, key, record_id, fingerprint,
        cipher.encrypt({"body": content, "shown": accessed_records}, table="idempotency_records", column="response_encrypted", row_id=record_id),
        access.event_id,
    )  # fmt: skip
    return build_response(content, 201, ETag='"1"', Location=f"/v1/referrals/{referral_id}")


async def skip_reset(_: asyncpg.Connection) -> None:
    """Skip the reset of a connection, because all settings are local to a transaction."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the connection pool."""
    url = DatabaseUrls.load(get_settings().home / "database.json").api
    async with asyncpg.create_pool(url, min_size=4, max_size=16, reset=skip_reset) as pool:
        app.state.pool = pool
        yield


app = Starlette(
    routes=[
        Route("/readyz", get_readiness),
        Route("/v1/cases/{case_id}", get_case),
        Route("/v1/cases", list_cases),
        Route("/v1/referrals", create_referral, methods=["POST"]),
    ],
    lifespan=lifespan,
)
