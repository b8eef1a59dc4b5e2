"""Operations R1 and L1: read one case, and list the cases of the caller."""

import base64
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from app.access.vault import get_vault
from app.kit.dates import BirthRange, today
from bench.limit.access import Access, Database, Refused
from bench.limit.messages import Request, Response

SELECT_CASE_SQL = """
    SELECT c.id, c.version, c.number, c.child_id, c.kind, c.status, c.team_id, c.lead_worker_id,
           ARRAY(SELECT w.user_id FROM case_workers w WHERE w.case_id = c.id ORDER BY w.user_id) AS co_worker_ids,
           c.referral_id, c.previous_case_id, c.opened_on, c.closed_on, c.next_review_on, c.extended_until,
           c.age_at_referral_min, c.age_at_referral_max, c.province_code, c.created_at, c.updated_at,
           c.content_encrypted, child.sex AS child_sex, child.identity_encrypted
      FROM cases c JOIN children child ON child.id = c.child_id
     WHERE c.id = $1
"""
PAGE = """
    SELECT c.id, c.version, c.number, c.child_id, c.kind, c.status, c.team_id, c.lead_worker_id, c.opened_on, c.closed_on,
           c.next_review_on, c.province_code, c.created_at, c.updated_at
      FROM cases c
"""
NEWEST = "ORDER BY created_at DESC, id DESC LIMIT {limit}"
SELECT_OWN_CASES = """
    SELECT c.*
      FROM context() own
     CROSS JOIN LATERAL (
         SELECT c.*
           FROM unnest(own.team_ids) AS team (id) CROSS JOIN LATERAL ({page} WHERE c.team_id = team.id {newest}) c
          UNION ALL
         ({page} WHERE c.lead_worker_id = own.worker_id AND c.team_id <> ALL (own.team_ids) {newest})
          UNION ALL
         ({page} WHERE c.id = ANY (own.case_ids) AND c.team_id <> ALL (own.team_ids)
                   AND c.lead_worker_id <> own.worker_id {newest})
     ) c
"""
"""The newest cases of each set of a caller: cases of its teams, other cases that it leads, other cases assigned to it."""
SELECT_CASES_SQL = """
    SELECT c.*, child.sex AS child_sex, child.identity_encrypted
      FROM ({cases} {newest}) c JOIN children child ON child.id = c.child_id
     ORDER BY c.created_at DESC, c.id DESC
"""


@cache
def build_list_query(limit: int, *, sees_all: bool) -> str:
    """Return the query for the newest cases of a caller. Its LIMIT is a literal, so that its plan is kept."""
    newest = NEWEST.format(limit=limit)
    cases = PAGE if sees_all else SELECT_OWN_CASES.format(page=PAGE, newest=newest)
    return SELECT_CASES_SQL.format(cases=cases, newest=newest)


async def get_case(database: Database, access: Access, request: Request) -> Response:
    """Operation R1."""
    rows = await database.fetch_visible(access, SELECT_CASE_SQL, request.path.rpartition("/")[2])
    if not rows:
        raise Refused(404)
    body = to_json(to_case_body(rows[0], today()))
    await database.write_entries(access, rows)
    return Response(200, body, [(b"etag", b'"%d"' % rows[0]["version"])])


async def list_cases(database: Database, access: Access, request: Request) -> Response:
    """Operation L1."""
    limit = int(request.query.get("limit", "50"))
    query = build_list_query(limit + 1, sees_all="programme_manager" in (access.roles or ()))
    rows = await database.fetch_visible(access, query)
    page, cursor, day = rows[:limit], None, today()
    if len(rows) > limit:
        cursor = base64.urlsafe_b64encode(to_json([page[-1]["created_at"], page[-1]["id"]])).decode()
    body = to_json({"items": [to_case_body(row, day) for row in page], "next_cursor": cursor})
    await database.write_entries(access, page)
    return Response(200, body)


def to_case_body(row: asyncpg.Record, day: date) -> dict[str, Any]:
    """Return the JSON object of a case, with decrypted content and with the age of the child on a day."""
    body = dict(row)
    identity = decrypt("children", "identity_encrypted", row["child_id"], body.pop("identity_encrypted"))
    youngest, oldest = BirthRange.from_details(identity["birth"]).age_range_on(day)
    body["child"] = {
        "id": row["child_id"],
        "names": identity["names"],
        "nickname": identity["nickname"],
        "sex": body.pop("child_sex"),
        "age": {"min": youngest, "max": oldest, "on": day},
    }
    if "content_encrypted" in body:
        body |= decrypt("cases", "content_encrypted", row["id"], body.pop("content_encrypted"))
    return body


def decrypt(table: str, column: str, row_id: str, ciphertext: bytes) -> dict[str, Any]:
    """Return the content of an encrypted column."""
    content: dict[str, Any] = get_vault().cipher.decrypt(
        ciphertext, table=table, column=column, row_id=UUID(row_id)
    )
    return content
