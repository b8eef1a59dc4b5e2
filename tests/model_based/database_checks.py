"""What is true, past the API: every row of a child beside the model's records, and what may never be so."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.model_based.child_model import ChildModel, ModelRecord
from tests.support.scenario import child_ids_in

DECISION_COLUMNS = ("author_id", "decided_by_id")
TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # what a table says of a status; what is unique in it, whoever chose the id; what must be as the model says
    "cases": (
        "status",
        "previous_case_id",
        ("team_id", "lead_worker_id", "next_review_on", "extended_until"),
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
"""What is written once."""
ROWS_QUERY = " UNION ALL ".join(
    f"SELECT '{table}' AS kind, id::text, child_id::text AS child, ({key})::text AS key, {status} AS status,"  # noqa: S608 - our own words
    f" {'1' if table in UNVERSIONED_TABLES else 'version'} AS version,"
    f" ARRAY[{', '.join(f'{name}::text' for name in facts)}]::text[] AS facts"
    f" FROM {table} WHERE child_id = ANY($1::uuid[])"
    for table, (status, key, facts) in TABLES.items()
)

Rows = dict[str, dict[str, dict[str, Any]]]
"""By child and kind, then by id."""


async def fetch_rows(superuser: Any, children: Iterable[str]) -> Rows:
    found: Rows = defaultdict(dict)
    for row in await superuser.fetch(ROWS_QUERY, list(children)):
        found[f"{row['child']} {row['kind']}"][row["id"]] = row
    return found


def find_differences(story: ChildModel, rows: Rows) -> Iterator[str]:
    """Take the ids that the product chose from its rows; tell what else is not as the model says."""
    for kind, (_, _, facts) in TABLES.items():
        there, known = rows[f"{story.child_id} {kind}"], story.list_records(kind)
        ids = {record.id for record in known}
        strange = defaultdict(list)
        for id_ in there.keys() - ids:
            strange[there[id_]["key"]].append(id_)
        for record in known:
            record.id = record.id or (strange[natural_key(record)] or [""]).pop()
            row = there.get(record.id)
            if row is None:
                yield f"lost: {kind} {record.id} {record.fields}"
                continue
            said = (record.fields.get("status"), [record.fields.get(name) for name in facts])
            if said != (row["status"], row["facts"]):
                yield f"{kind} {record.id} is {row['status']} {row['facts']}, not {said}"
            if record.version and (row["version"] != record.version) != record.changed:
                yield f"{kind} {record.id} {'did not change' if record.changed else 'changed unseen'}"
        yield from (
            f"nobody made: {kind} {id_} {there[id_]}" for id_ in there if id_ not in {r.id for r in known}
        )


def natural_key(record: ModelRecord) -> str:
    """What the row of a record is known by, while its id is not known."""
    up, case = record.parent.id if record.parent else "", record.case.id
    parts: dict[str, list[Any]] = {
        "cases": [record.fields.get("previous_case_id")],
        "care_plans": [case, *(record.fields.get(name) for name in ("subject", "person_id", "edition"))],
        "goals": [up, record.fields.get("origin_id")],
        "actions": [up, record.fields.get("origin_id")],
        "reviews": [case, record.fields.get("number")],
        "follow_ups": [case, record.fields.get("months")],
        "break_glass": [case, record.fields.get("user_id")],
    }
    return " ".join(str(part) for part in parts.get(record.kind, [case]) if part is not None)


def sync_versions(story: ChildModel, rows: Rows) -> None:
    """Remember the versions that are now."""
    for record in story.records:
        record.version = rows[f"{story.child_id} {record.kind}"][record.id]["version"]
        record.changed = False


FORBIDDEN_STATES = {
    "in support without exactly one next review, on its day": """
        SELECT c.id FROM cases c LEFT JOIN reviews r ON r.case_id = c.id AND r.status = 'scheduled'
         WHERE c.status IN ('active', 'exiting')
         GROUP BY c.id HAVING count(r.id) <> 1 OR max(r.due_on) IS DISTINCT FROM c.next_review_on""",
    "in support without an approved plan of the child": """
        SELECT c.id FROM cases c WHERE c.status IN ('active', 'exiting') AND NOT EXISTS (
            SELECT FROM care_plans p WHERE p.case_id = c.id AND p.subject = 'child' AND p.status = 'approved')""",
    "two plans of a subject in force": """
        SELECT case_id FROM care_plans WHERE status = 'approved'
         GROUP BY case_id, subject, coalesce(person_id, case_id) HAVING count(*) > 1""",
    "a plan that rests on nothing approved": """
        SELECT p.id FROM care_plans p JOIN assessments a ON a.id = p.assessment_id
         WHERE a.status <> 'approved' OR (a.case_id, a.subject) <> (p.case_id, p.subject)""",
    "decided on by who wrote it": """
        SELECT id FROM (SELECT id, status, author_id, submitted_by_id, contributor_ids, decided_by_id FROM assessments
            UNION ALL SELECT id, status, author_id, submitted_by_id, contributor_ids, decided_by_id FROM care_plans
            UNION ALL SELECT id, status, author_id, submitted_by_id, contributor_ids, decided_by_id FROM exit_plans) d
         WHERE status IN ('approved', 'superseded') AND (decided_by_id IS NULL OR decided_by_id = author_id
               OR decided_by_id = submitted_by_id OR decided_by_id = ANY (contributor_ids))""",
    "closed, and something left waiting": """
        SELECT c.id FROM cases c WHERE c.status = 'closed' AND (
            NOT EXISTS (SELECT FROM exit_plans e WHERE e.case_id = c.id AND e.status = 'approved')
            OR EXISTS (SELECT FROM reviews r WHERE r.case_id = c.id AND r.status = 'scheduled')
            OR EXISTS (SELECT FROM support_sessions s WHERE s.case_id = c.id AND s.status = 'planned'))""",
    "planned for somebody who does not see the case": """
        SELECT s.id FROM support_sessions s JOIN cases c ON c.id = s.case_id
         WHERE s.status = 'planned' AND s.worker_id <> c.lead_worker_id
           AND NOT EXISTS (SELECT FROM case_workers w WHERE w.case_id = c.id AND w.user_id = s.worker_id)
           AND NOT EXISTS (SELECT FROM team_members m WHERE m.team_id = c.team_id AND m.user_id = s.worker_id AND m.is_supervisor)""",
    "two open cases of a child": "SELECT child_id FROM cases WHERE status <> 'closed' GROUP BY child_id HAVING count(*) > 1",
    "shared after the consent was withdrawn": """
        SELECT s.id FROM service_referrals s JOIN consents k ON k.id = s.consent_id
         WHERE s.sent_at > k.withdrawn_at OR (s.sent_at IS NOT NULL AND k.status <> 'given')""",
}
FORBIDDEN_STATES_QUERY = " UNION ALL ".join(
    f"SELECT '{what}' AS what, x.id::text FROM ({sql}) AS x (id)"  # noqa: S608 - our own words
    for what, sql in FORBIDDEN_STATES.items()
)


async def find_forbidden_states(superuser: Any) -> list[str]:
    """What may never be so, and is."""
    return [f"{row['what']}: {row['id']}" for row in await superuser.fetch(FORBIDDEN_STATES_QUERY)]


# The log


class ObservedResponse(NamedTuple):
    """What a request was answered, for the log to be held against."""

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
    """Every answer beside its event and entries: one event, by whom it was, ended as it ended, with the children it showed."""
    found = defaultdict(list)
    for row in await superuser.fetch(ACCESS_ENTRIES_QUERY, [one.request_id for one in responses]):
        found[row["request_id"]].append(row)
    return [
        f"{one} is not in the log so: {found[one.request_id]}"
        for one in responses
        if not is_logged(one, found[one.request_id])
    ]


def is_logged(one: ObservedResponse, rows: list[Any]) -> bool:
    outcome = "allowed" if one.status < 300 else OUTCOMES_BY_STATUS.get(one.status)
    by = {(row["id"], row["actor_id"], row["outcome"], row["status"]) for row in rows}
    shown = {row["child_id"] for row in rows} - {None}
    return (
        len(by) == 1 and next(iter(by))[1:] == (one.actor_id, outcome, one.status) and shown == one.child_ids
    )


def observe_response(request_id: str, actor_id: str, status: int, body: Any) -> ObservedResponse:
    return ObservedResponse(request_id, actor_id, status, child_ids_in(body) if status < 300 else set())
