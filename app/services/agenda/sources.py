"""The SQL of the agenda: one SELECT (source) for each kind of record, and the CTEs of the caller's cases.

A source selects the rows that the caller has to work on: as lead worker or co-worker of the case, as supervisor of its
team, or as programme manager. An agenda reads only the sources that the roles of the caller can have. Row-level security
decides which rows are visible.

The disbursements that wait for an approval are those of their list with `awaiting=me`.

Items without a date of their own are due as follows: a received referral after 2 days; an acknowledged referral, a
submission and a returned record after 7 days; a service referral without an answer from the provider after 14 days.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    DateTime,
    LargeBinary,
    Subquery,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    union_all,
)
from sqlmodel import col

from app.kit.case_scope import Condition, RowSelect
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Case, Disbursement
from app.services.fund.disbursement_scope import DAY, ApprovalScope

TIMEZONE = CAMBODIA_TIMEZONE.key
APPROVALS = ApprovalScope()
"""The disbursements that the caller can approve."""


class AgendaRole(StrEnum):
    """A role that adds sources to the agenda."""

    worker = "worker"
    supervisor = "supervisor"
    manager = "manager"


CASE_CONDITIONS = {
    AgendaRole.worker: """
        c.lead_worker_id = :caller_id
        OR c.id = ANY (ARRAY(SELECT w.case_id FROM case_workers w WHERE w.user_id = :caller_id))
    """,
    AgendaRole.supervisor: "c.status <> 'closed' AND c.team_id = ANY (:supervised_team_ids)",
    # Adds one day, because 24 months after 29 February is 28 February.
    AgendaRole.manager: """
        c.status <> 'closed' AND c.opened_on <= (:milestones_until - interval '24 months' + interval '1 day')::date
    """,
}
"""Condition of the cases that have entries for a role."""
CASES_SQL = """
{role}_cases AS MATERIALIZED (
    -- Reads the cases once: the row-level security check of each case costs more than the rest of the statement.
    SELECT c.id, c.number, c.child_id, c.lead_worker_id, c.status, c.opened_on, c.extended_until
      FROM cases c
     WHERE {condition}
)
"""
SOURCES = {
    AgendaRole.worker: {
        "review": """
    SELECT 'review', r.due_on, NULL, r.case_id, 'review', r.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN reviews r ON r.case_id = c.id
     WHERE c.status <> 'closed' AND r.status = 'scheduled'
        """,
        "session": """
    SELECT 'session', (s.planned_at AT TIME ZONE 'Asia/Phnom_Penh')::date, s.planned_at, s.case_id, 'support_session',
           s.id, s.kind, s.worker_id, NULL, s.content_encrypted, NULL
      FROM own_cases c JOIN support_sessions s ON s.case_id = c.id
     WHERE c.status <> 'closed' AND s.worker_id = :caller_id AND s.status = 'planned' AND s.planned_at IS NOT NULL
        """,
        "action": """
    SELECT 'action', a.due_on, NULL, a.case_id, 'action', a.id, NULL, NULL, a.goal_id, a.content_encrypted, NULL
      FROM worker_cases c JOIN actions a ON a.case_id = c.id JOIN care_plans p ON p.id = a.plan_id
     WHERE c.status <> 'closed' AND a.status = 'open' AND a.by = 'worker' AND p.status = 'approved'
        """,
        "follow_up": """
    SELECT 'follow_up', f.due_on, NULL, f.case_id, 'follow_up', f.id, f.months::text, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN follow_ups f ON f.case_id = c.id
     WHERE f.status IN ('due', 'missed')
        """,
        "legal_step": """
    SELECT 'legal_step', l.on, NULL, l.case_id, 'legal_step', l.id, l.kind, NULL, NULL, l.content_encrypted, NULL
      FROM worker_cases c JOIN legal_steps l ON l.case_id = c.id
     WHERE c.status <> 'closed' AND l.status = 'planned'
        """,
        "service_referral": """
    SELECT 'service_referral', (r.sent_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 14, NULL, r.case_id,
           'service_referral', r.id, r.service, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN service_referrals r ON r.case_id = c.id
     WHERE c.status <> 'closed' AND r.status = 'sent'
       AND (r.sent_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 14 <= :today
        """,
        "milestone": """
    -- 18 and 21 months are reminders; 24 months, or the end of an extension, is a deadline. Each case contributes its
    -- latest reached milestone and the following ones. A programme manager gets the deadlines of all cases.
    SELECT 'milestone', m.reached_on, NULL, c.id, 'case', c.id, m.months::text, NULL, NULL, NULL, NULL
      FROM worker_cases c
     CROSS JOIN LATERAL (VALUES
           (18, (opened_on + interval '18 months')::date, (opened_on + interval '21 months')::date),
           (21, (opened_on + interval '21 months')::date, (opened_on + interval '24 months')::date),
           (24, greatest(extended_until, (opened_on + interval '24 months')::date), NULL)
         ) AS m (months, reached_on, following_on)
     WHERE c.status <> 'closed' AND (m.following_on IS NULL OR m.following_on > :today)
        """,
        "exit": """
    SELECT 'exit', e.ends_on, NULL, e.case_id, 'exit_plan', e.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN exit_plans e ON e.case_id = c.id
     WHERE c.status <> 'closed' AND e.status = 'approved' AND e.ends_on IS NOT NULL
        """,
        "returned": """
    SELECT 'returned', (a.decided_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, a.case_id, 'assessment', a.id,
           a.subject, NULL, NULL, NULL, NULL
      FROM own_cases c JOIN assessments a ON a.case_id = c.id
     WHERE c.status <> 'closed' AND a.status = 'returned' AND a.author_id = :caller_id
 UNION ALL
    SELECT 'returned', (p.decided_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, p.case_id, 'care_plan', p.id,
           p.subject, NULL, NULL, NULL, NULL
      FROM own_cases c JOIN care_plans p ON p.case_id = c.id
     WHERE c.status <> 'closed' AND p.status = 'returned' AND p.author_id = :caller_id
        """,
        "referral": """
    SELECT 'referral',
           (coalesce(r.acknowledged_at, r.received_at) AT TIME ZONE 'Asia/Phnom_Penh')::date
               + CASE r.status WHEN 'received' THEN 2 ELSE 7 END,
           NULL, NULL, 'referral', r.id, r.urgency, r.handed_to_id, NULL, r.content_encrypted, r.tracking_number
      FROM referrals r
     WHERE r.status IN ('received', 'acknowledged') AND r.handed_to_id = :caller_id
        """,
    },
    AgendaRole.supervisor: {
        "approval": """
    -- The ids of the cases are an array, because PostgreSQL would otherwise read the records of all teams and join them.
    -- A review that begins the exit creates an empty draft, which does not need an approval yet.
    SELECT 'approval', (e.updated_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, e.case_id, 'exit_plan', e.id, NULL,
           NULL, NULL, NULL, NULL
      FROM supervisor_cases c JOIN exit_plans e ON e.case_id = c.id
     WHERE e.case_id = ANY (ARRAY(SELECT id FROM supervisor_cases)) AND e.status = 'draft'
       AND :caller_id <> ALL (e.contributor_ids || e.author_id)
       AND (e.version > 1 OR e.ends_on IS NOT NULL OR c.status <> 'exiting')
 UNION ALL
    SELECT 'approval', (a.submitted_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, a.case_id, 'assessment', a.id,
           a.subject, NULL, NULL, NULL, NULL
      FROM assessments a
     WHERE a.case_id = ANY (ARRAY(SELECT id FROM supervisor_cases)) AND a.status = 'submitted'
       AND :caller_id <> ALL (a.contributor_ids || a.author_id || a.submitted_by_id)
 UNION ALL
    SELECT 'approval', (p.submitted_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, p.case_id, 'care_plan', p.id,
           p.subject, NULL, NULL, NULL, NULL
      FROM care_plans p
     WHERE p.case_id = ANY (ARRAY(SELECT id FROM supervisor_cases)) AND p.status = 'submitted'
       AND :caller_id <> ALL (p.contributor_ids || p.author_id || p.submitted_by_id)
        """,
        "referral": """
    SELECT 'referral',
           (coalesce(r.acknowledged_at, r.received_at) AT TIME ZONE 'Asia/Phnom_Penh')::date
               + CASE r.status WHEN 'received' THEN 2 ELSE 7 END,
           NULL, NULL, 'referral', r.id, r.urgency, r.handed_to_id, NULL, r.content_encrypted, r.tracking_number
      FROM referrals r
     WHERE r.status IN ('received', 'acknowledged') AND r.handed_to_id IS DISTINCT FROM :caller_id
       AND (r.team_id = ANY (:supervised_team_ids) OR r.team_id IS NULL)
        """,
    },
    AgendaRole.manager: {
        "milestone": """
    SELECT 'milestone', greatest(c.extended_until, (c.opened_on + interval '24 months')::date), NULL, c.id, 'case', c.id,
           '24', NULL, NULL, NULL, NULL
      FROM manager_cases c
     WHERE NOT EXISTS (SELECT FROM worker_cases a WHERE a.id = c.id)
        """,
    },
}
"""The SQL of the entries that a role adds to the agenda, by kind. It selects the columns of `entry` in `ENTRIES_SQL`."""

ENTRIES_SQL = """
WITH {cases}, own_cases AS ({own_cases}), entry AS (
    SELECT NULL::text AS kind, NULL::date AS due_on, NULL::timestamptz AS at, NULL::uuid AS case_id,
           NULL::text AS record_kind, NULL::uuid AS record_id, NULL::text AS detail, NULL::uuid AS worker_id,
           NULL::uuid AS goal_id, NULL::bytea AS content_encrypted, NULL::text AS tracking_number
     WHERE false
    {sources}
)
SELECT e.kind, e.due_on, e.at, e.case_id, e.record_kind, e.record_id, e.detail,
       coalesce(e.worker_id, c.lead_worker_id) AS worker_id, e.goal_id, e.content_encrypted, e.tracking_number,
       c.number AS case_number, c.child_id,
       e.due_on < :today AND (e.kind <> 'milestone' OR e.detail = '24') AS is_overdue,
       coalesce(e.at, e.due_on::timestamp AT TIME ZONE 'Asia/Phnom_Penh') AS begins
  FROM entry e LEFT JOIN own_cases c ON c.id = e.case_id
 WHERE e.due_on <= CASE e.kind WHEN 'milestone' THEN :milestones_until ELSE :until END
"""
PARAMETER_TYPES: dict[str, Any] = {
    "caller_id": Uuid,
    "supervised_team_ids": ARRAY(Uuid),
    "today": Date,
    "until": Date,
    "milestones_until": Date,
}
COLUMN_TYPES: dict[str, Any] = {
    "kind": Text,
    "due_on": Date,
    "at": DateTime(timezone=True),
    "case_id": Uuid,
    "record_kind": Text,
    "record_id": Uuid,
    "detail": Text,
    "worker_id": Uuid,
    "goal_id": Uuid,
    "content_encrypted": LargeBinary,
    "tracking_number": Text,
    "case_number": Text,
    "child_id": Uuid,
    "is_overdue": Boolean,
    "begins": DateTime(timezone=True),
}


def build_entries(
    roles: Collection[AgendaRole], approval_arms: Sequence[str], kinds: Collection[str] | None = None
) -> Subquery:
    """Return a subquery of the agenda entries for these roles. `kinds` restricts the entries; None selects all kinds.

    `approval_arms` are the arms of `APPROVALS`. `PARAMETER_TYPES` lists the other parameters of the subquery,
    `COLUMN_TYPES` its columns.
    """
    cases = [CASES_SQL.format(role=role, condition=CASE_CONDITIONS[role]) for role in roles]
    sources = [sql for role in roles for kind, sql in SOURCES[role].items() if kinds is None or kind in kinds]
    sql = ENTRIES_SQL.format(
        cases=", ".join(cases),
        own_cases=" UNION ".join(f"TABLE {role}_cases" for role in roles),
        sources="".join(f" UNION ALL {source}" for source in sources),
    )
    types = {name: type_ for name, type_ in PARAMETER_TYPES.items() if f":{name}" in sql}
    parameters = (bindparam(name, type_=type_) for name, type_ in types.items())
    entries = text(sql).bindparams(*parameters).columns(**COLUMN_TYPES).subquery("entries")
    if not approval_arms or (kinds is not None and "approval" not in kinds):
        return entries
    disbursements = APPROVALS.build_arms(approval_arms, _select_disbursement_entries)
    return union_all(select(*entries.c), *disbursements).subquery("entries")


def _select_disbursement_entries(condition: Condition) -> RowSelect:
    """Select the entries of disbursements that the caller can approve.

    A payment made in an emergency has its own approval deadline.
    """
    requested_on = cast(func.timezone(TIMEZONE, col(Disbursement.created_at)), Date)
    due_on = func.coalesce(col(Disbursement.approval_due_on), requested_on + 7)
    lead_worker = select(col(Case.lead_worker_id)).where(col(Case.id) == col(Disbursement.case_id))
    columns: dict[str, Any] = {
        "kind": literal("approval"),
        "due_on": due_on,
        "case_id": col(Disbursement.case_id),
        "record_kind": literal("disbursement"),
        "record_id": col(Disbursement.id),
        "detail": col(Disbursement.urgency),
        "worker_id": lead_worker.scalar_subquery(),
        "case_number": col(Disbursement.case_number),
        "child_id": col(Disbursement.child_id),
        "is_overdue": due_on < DAY,
        "begins": func.timezone(TIMEZONE, cast(due_on, DateTime)),
    }
    row = (columns.get(name, cast(None, type_)).label(name) for name, type_ in COLUMN_TYPES.items())
    return select(*row).where(condition, due_on <= bindparam("until", type_=Date))
