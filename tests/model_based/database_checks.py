"""Compare the rows of a child with the model, search for forbidden states, and check the access log."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import httpx

from tests.model_based.child_model import ChildModel, ModelRecord
from tests.support.scenario import child_ids_in

DECISION_COLUMNS = ("author_id", "decided_by_id")
TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # SQL of the status; SQL of the natural key; columns that must equal the fields of the model
    "cases": (
        "status",
        "previous_case_id",
        ("team_id", "lead_worker_id", "next_review_on", "risk_level", "last_contact_on", "extended_until"),
    ),
    "people": ("NULL", "case_id", ()),
    "consents": (
        "CASE WHEN withdrawn_at IS NULL THEN status ELSE 'withdrawn' END",
        "NULL",
        ("withdrawn_by_id",),
    ),
    "assessments": ("status", "NULL", (*DECISION_COLUMNS, "submitted_by_id")),
    "care_plans": (
        "status",
        "concat_ws(' ', case_id, subject, person_id, edition)",
        (*DECISION_COLUMNS, "submitted_by_id"),
    ),
    "goals": ("status", "concat_ws(' ', plan_id, origin_id)", ()),
    "actions": ("status", "concat_ws(' ', goal_id, origin_id)", ("done_on",)),
    "support_sessions": ("status", "NULL", ("worker_id", "author_id")),
    "session_addenda": ("NULL", "NULL", ("author_id",)),
    "service_referrals": ("status", "NULL", ("author_id", "sent_by_id")),
    "reviews": (
        "status",
        "concat_ws(' ', case_id, number)",
        ("due_on", "held_on", "decision", "completed_by_id"),
    ),
    "exit_plans": ("status", "case_id", DECISION_COLUMNS),
    "follow_ups": (
        "status",
        "concat_ws(' ', case_id, months)",
        ("due_on", "held_on", "wellbeing", "author_id"),
    ),
    "break_glass": ("NULL", "concat_ws(' ', case_id, user_id)", ()),
}
UNVERSIONED_TABLES = {"session_addenda", "break_glass"}
"""Tables whose rows never change."""
ROWS_QUERY = " UNION ALL ".join(
    f"SELECT '{table}' AS kind, id::text, child_id::text AS child, ({key})::text AS key, {status} AS status,"  # noqa: S608 - constants
    f" {'1' if table in UNVERSIONED_TABLES else 'version'} AS version,"
    f" ARRAY[{', '.join(f'{name}::text' for name in columns)}]::text[] AS columns"
    f" FROM {table} WHERE child_id = ANY($1::uuid[])"
    for table, (status, key, columns) in TABLES.items()
)

Rows = dict[str, dict[str, dict[str, Any]]]
"""Rows by child and kind, then by id."""


async def fetch_rows(superuser: Any, child_ids: Iterable[str]) -> Rows:
    rows: Rows = defaultdict(dict)
    for row in await superuser.fetch(ROWS_QUERY, list(child_ids)):
        rows[f"{row['child']} {row['kind']}"][row["id"]] = row
    return rows


def find_differences(child: ChildModel, rows: Rows) -> Iterator[str]:
    """Yield the differences between rows and model. Records without an id get it from the row with their natural key."""
    for kind, (_, _, columns) in TABLES.items():
        rows_by_id, records = rows[f"{child.child_id} {kind}"], child.list_records(kind)
        unknown_ids = defaultdict(list)
        for row_id in rows_by_id.keys() - {record.id for record in records}:
            unknown_ids[rows_by_id[row_id]["key"]].append(row_id)
        for record in records:
            record.id = record.id or (unknown_ids[natural_key(record)] or [""]).pop()
            row = rows_by_id.get(record.id)
            if row is None:
                yield f"missing row: {kind} {record.id} {record.fields}"
                continue
            expected = (record.fields.get("status"), [record.fields.get(name) for name in columns])
            if expected != (row["status"], row["columns"]):
                yield f"{kind} {record.id} is {row['status']} {row['columns']}, not {expected}"
            if record.version and (row["version"] != record.version) != record.changed:
                yield f"{kind} {record.id} {'did not change' if record.changed else 'changed unexpectedly'}"
        known_ids = {record.id for record in records}
        yield from (
            f"unexpected row: {kind} {row_id} {rows_by_id[row_id]}"
            for row_id in rows_by_id
            if row_id not in known_ids
        )


def natural_key(record: ModelRecord) -> str:
    """Return the key that identifies the row of a record before its id is known."""
    parent, case = record.parent.id if record.parent else "", record.case.id
    parts: dict[str, list[Any]] = {
        "cases": [record.fields.get("previous_case_id")],
        "care_plans": [case, *(record.fields.get(name) for name in ("subject", "person_id", "edition"))],
        "goals": [parent, record.fields.get("origin_id")],
        "actions": [parent, record.fields.get("origin_id")],
        "reviews": [case, record.fields.get("number")],
        "follow_ups": [case, record.fields.get("months")],
        "break_glass": [case, record.fields.get("user_id")],
    }
    return " ".join(str(part) for part in parts.get(record.kind, [case]) if part is not None)


def sync_versions(child: ChildModel, rows: Rows) -> None:
    """Copy the versions of the rows to the model, and reset the change marks."""
    for record in child.records:
        record.version = rows[f"{child.child_id} {record.kind}"][record.id]["version"]
        record.changed = False


FORBIDDEN_STATES = {
    "active or exiting case without exactly one scheduled review on `next_review_on`": """
        SELECT c.id FROM cases c LEFT JOIN reviews r ON r.case_id = c.id AND r.status = 'scheduled'
         WHERE c.status IN ('active', 'exiting')
         GROUP BY c.id HAVING count(r.id) <> 1 OR max(r.due_on) IS DISTINCT FROM c.next_review_on""",
    "case with another `risk_level` than the newest approved assessment of the child": """
        SELECT c.id FROM cases c WHERE c.risk_level IS DISTINCT FROM (
            SELECT a.risk_level FROM assessments a WHERE a.case_id = c.id AND a.subject = 'child' AND a.status = 'approved'
             ORDER BY a.decided_at DESC LIMIT 1)""",
    "case with another `last_contact_on` than its latest held session": """
        SELECT c.id FROM cases c WHERE c.last_contact_on IS DISTINCT FROM (
            SELECT (max(s.held_at) AT TIME ZONE 'Asia/Phnom_Penh')::date FROM support_sessions s
             WHERE s.case_id = c.id AND s.status = 'held')""",
    "case whose current periods have another status, team or lead worker": """
        SELECT c.id FROM cases c
          LEFT JOIN status_periods s ON s.case_id = c.id AND s.ended_at IS NULL
          LEFT JOIN assignment_periods a ON a.case_id = c.id AND a.ended_at IS NULL
         WHERE s.status IS DISTINCT FROM c.status
            OR CASE c.status WHEN 'closed' THEN a.case_id IS NOT NULL
                    ELSE (a.team_id, a.lead_worker_id) IS DISTINCT FROM (c.team_id, c.lead_worker_id) END""",
    "active or exiting case without an approved care plan of the child": """
        SELECT c.id FROM cases c WHERE c.status IN ('active', 'exiting') AND NOT EXISTS (
            SELECT FROM care_plans p WHERE p.case_id = c.id AND p.subject = 'child' AND p.status = 'approved')""",
    "two approved care plans of a subject": """
        SELECT case_id FROM care_plans WHERE status = 'approved'
         GROUP BY case_id, subject, coalesce(person_id, case_id) HAVING count(*) > 1""",
    "care plan without an approved assessment of the same case and subject": """
        SELECT p.id FROM care_plans p JOIN assessments a ON a.id = p.assessment_id
         WHERE a.status <> 'approved' OR (a.case_id, a.subject) <> (p.case_id, p.subject)""",
    "record approved by its author, submitter or a contributor": """
        SELECT id FROM (SELECT id, status, author_id, submitted_by_id, contributor_ids, decided_by_id FROM assessments
            UNION ALL SELECT id, status, author_id, submitted_by_id, contributor_ids, decided_by_id FROM care_plans
            UNION ALL SELECT id, status, author_id, submitted_by_id, contributor_ids, decided_by_id FROM exit_plans) d
         WHERE status IN ('approved', 'superseded') AND (decided_by_id IS NULL OR decided_by_id = author_id
               OR decided_by_id = submitted_by_id OR decided_by_id = ANY (contributor_ids))""",
    "closed case without an approved exit plan, or with a scheduled review or planned session": """
        SELECT c.id FROM cases c WHERE c.status = 'closed' AND (
            NOT EXISTS (SELECT FROM exit_plans e WHERE e.case_id = c.id AND e.status = 'approved')
            OR EXISTS (SELECT FROM reviews r WHERE r.case_id = c.id AND r.status = 'scheduled')
            OR EXISTS (SELECT FROM support_sessions s WHERE s.case_id = c.id AND s.status = 'planned'))""",
    "session planned for a worker who cannot see the case": """
        SELECT s.id FROM support_sessions s JOIN cases c ON c.id = s.case_id
         WHERE s.status = 'planned' AND s.worker_id <> c.lead_worker_id
           AND NOT EXISTS (SELECT FROM case_workers w WHERE w.case_id = c.id AND w.user_id = s.worker_id)
           AND NOT EXISTS (SELECT FROM team_members m WHERE m.team_id = c.team_id AND m.user_id = s.worker_id AND m.is_supervisor)""",
    "two open cases of a child": "SELECT child_id FROM cases WHERE status <> 'closed' GROUP BY child_id HAVING count(*) > 1",
    "service referral sent without a valid consent": """
        SELECT s.id FROM service_referrals s JOIN consents k ON k.id = s.consent_id
         WHERE s.sent_at > k.withdrawn_at OR (s.sent_at IS NOT NULL AND k.status <> 'given')""",
    "service referral sent on a legal basis without a confirmation, or after a later refusal": """
        SELECT s.id FROM service_referrals s JOIN consents k ON k.id = s.consent_id
         WHERE k.basis_without_consent IS NOT NULL AND s.sent_at IS NOT NULL AND k.basis_confirmed_at IS NULL
            OR k.basis_without_consent IS NULL AND EXISTS (
               SELECT FROM consents r
                WHERE r.child_id = s.child_id AND r.status = 'refused' AND r.scope && '{share_with_providers}'
                  AND r.created_at < s.sent_at AND (r.given_on, r.created_at) > (k.given_on, k.created_at)
                  AND NOT EXISTS (
                      SELECT FROM consents l
                       WHERE l.child_id = s.child_id AND l.status = 'given' AND l.scope && '{share_with_providers}'
                         AND (l.given_on, l.created_at) > (r.given_on, r.created_at) AND l.created_at < s.sent_at))""",
}
FORBIDDEN_STATES_QUERY = " UNION ALL ".join(
    f"SELECT '{description}' AS description, x.id::text FROM ({sql}) AS x (id)"  # noqa: S608 - constants
    for description, sql in FORBIDDEN_STATES.items()
)


async def find_forbidden_states(superuser: Any) -> list[str]:
    """Return a message for each row in a state that must never occur."""
    return [f"{row['description']}: {row['id']}" for row in await superuser.fetch(FORBIDDEN_STATES_QUERY)]


class ObservedResponse(NamedTuple):
    """The facts of a response that the access log must contain."""

    request_id: str
    actor_id: str
    status: int
    child_ids: set[str]


ACCESS_ENTRIES_QUERY = """
    SELECT e.request_id, e.id, e.actor_id::text, x.outcome, x.status, x.child_id::text
      FROM access_events e LEFT JOIN access_entries x ON x.event_id = e.id
     WHERE e.request_id = ANY($1)
"""
OUTCOMES_BY_STATUS = {
    403: "forbidden",
    404: "not_found",
    409: "refused",
    412: "conflict",
    422: "invalid",
    428: "invalid",
}


async def find_unlogged_responses(superuser: Any, responses: list[ObservedResponse]) -> list[str]:
    """Return a message for each response without one event of its caller, outcome and children."""
    rows_by_request = defaultdict(list)
    request_ids = [response.request_id for response in responses]
    for row in await superuser.fetch(ACCESS_ENTRIES_QUERY, request_ids):
        rows_by_request[row["request_id"]].append(row)
    return [
        f"{response} differs from the access log: {rows_by_request[response.request_id]}"
        for response in responses
        if not is_logged(response, rows_by_request[response.request_id])
    ]


def is_logged(response: ObservedResponse, rows: list[Any]) -> bool:
    outcome = "allowed" if response.status < 300 else OUTCOMES_BY_STATUS.get(response.status)
    events = {(row["id"], row["actor_id"], row["outcome"], row["status"]) for row in rows}
    child_ids = {row["child_id"] for row in rows} - {None}
    return (
        len(events) == 1
        and next(iter(events))[1:] == (response.actor_id, outcome, response.status)
        and child_ids == response.child_ids
    )


def observe_response(
    response: httpx.Response, actor_id: str, body: Any, named_child_ids: set[str]
) -> ObservedResponse:
    """Return the facts of a response. The log of a rejected request contains the children that the request names."""
    child_ids = child_ids_in(body) if response.status_code < 300 else named_child_ids
    return ObservedResponse(response.headers["x-request-id"], actor_id, response.status_code, child_ids)
