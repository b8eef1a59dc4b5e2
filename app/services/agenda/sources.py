"""The SQL of the agenda: one SELECT (source) for each kind of record, and the CTEs of the caller's cases.

A source selects the rows that the caller has to work on: as lead worker or co-worker of the case, as supervisor of its
team, as programme manager, or as a substitute for one who cannot act. An agenda reads only the sources that the roles of
the caller can have. Row-level security decides which rows are visible. `alembic/sql/functions/responsibility.sql` finds
the work without an active owner.

Items without their own date are due after the time in the table `targets`.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Subquery,
    Text,
    Uuid,
    bindparam,
    select,
    text,
    union_all,
)

from app.services.agenda.disbursement_sources import DisbursementArms, select_disbursements
from app.services.agenda.supervision_sources import (
    SUPERVISION_MANAGER_SOURCES,
    SUPERVISION_SUPERVISOR_SOURCES,
    SUPERVISION_WORKER_SOURCES,
)
from app.services.agenda.team_sources import (
    CONFIRMER_SOURCES,
    FUND_SOURCES,
    MANAGER_SOURCES,
    SUBSTITUTE_SOURCES,
    SUPERVISOR_SOURCES,
    TEAMS_WITHOUT_SUPERVISOR_CTE,
)
from app.services.agenda.worker_sources import WORKER_SOURCES


class AgendaRole(StrEnum):
    """A role that adds sources to the agenda."""

    worker = "worker"
    substitute = "substitute"
    supervisor = "supervisor"
    manager = "manager"
    fund = "fund"
    confirmer = "confirmer"
    """Confirms changes of accounts and settings."""


OWN_CASES = """
    c.lead_worker_id = :caller_id
    OR c.id = ANY (ARRAY(SELECT w.case_id FROM case_workers w WHERE w.user_id = :caller_id))
"""
CASE_CONDITIONS = {
    AgendaRole.worker: OWN_CASES,
    AgendaRole.supervisor: "c.status <> 'closed' AND c.team_id = ANY (:supervised_team_ids)",
    # Adds one day, because 24 months after 29 February is 28 February.
    AgendaRole.manager: """
        c.status <> 'closed'
        AND (c.opened_on <= (:milestones_until - interval '24 months' + interval '1 day')::date
             OR c.team_id = ANY (ARRAY(SELECT m.id FROM teams m WHERE NOT m.is_active))
             OR c.team_id = ANY (ARRAY(SELECT o.id FROM teams_without_supervisor o))
             OR c.id = ANY (ARRAY(SELECT a.case_id FROM without_approver a))
             OR c.id = ANY (ARRAY(SELECT u.case_id FROM uncompared_referrals u)))
    """,
}
"""Condition of the cases that have entries for a role."""
UNSTAFFED_CASES = "OR c.id = ANY (ARRAY(SELECT u.id FROM unstaffed_cases u))"
CASES_SQL = """
{role}_cases AS MATERIALIZED (
    -- Reads the cases once: the row-level security check of each case costs more than all other parts of the statement.
    SELECT c.id, c.number, c.child_id, c.lead_worker_id, c.team_id, c.status, c.opened_on, c.extended_until,
           c.last_contact_on, c.next_review_on, {is_unstaffed} AS is_unstaffed
      FROM cases c
     WHERE {condition}
)
"""
OWN_CASES_SQL = "SELECT id, number, child_id, lead_worker_id, status FROM {role}_cases"
"""Without `is_unstaffed`, because a case of several roles must be one row."""
CANNOT_ACT = (
    "c.lead_worker_id <> :caller_id AND NOT access.can_act(c.lead_worker_id, '{social_worker,supervisor}')"
)
SUBSTITUTE_CTES = {
    AgendaRole.substitute: (
        "unstaffed_cases AS MATERIALIZED (SELECT access.list_unstaffed_cases() AS id)",
        "uncompared_referrals AS MATERIALIZED (SELECT * FROM access.list_uncompared_referrals())",
    ),
    AgendaRole.manager: (
        "without_approver AS MATERIALIZED (SELECT * FROM access.list_records_without_approver())",
        TEAMS_WITHOUT_SUPERVISOR_CTE,
    ),
}
SOURCES = {
    AgendaRole.worker: WORKER_SOURCES | SUPERVISION_WORKER_SOURCES,
    AgendaRole.substitute: SUBSTITUTE_SOURCES,
    AgendaRole.supervisor: SUPERVISOR_SOURCES | SUPERVISION_SUPERVISOR_SOURCES,
    AgendaRole.manager: MANAGER_SOURCES | SUPERVISION_MANAGER_SOURCES,
    AgendaRole.fund: FUND_SOURCES,
    AgendaRole.confirmer: CONFIRMER_SOURCES,
}
"""The SQL of the entries that a role adds to the agenda, by kind."""
TARGETS = (
    "acknowledgement_emergency", "acknowledgement_urgent", "acknowledgement_routine", "referral_decision",
    "partner_answer", "duplicate_comparison", "person_confirmation", "first_contact", "assessment", "care_plan", "draft", "approval", "revision",
    "service_referral_answer", "service_referral_outcome", "recall", "receipt", "milestone_notice", "consent_notice",
    "birthday_notice",
)  # fmt: skip
"""Names of the targets of the table `targets`, which are the columns of the CTE `target`."""
TARGET_COLUMNS = ", ".join(
    f"max(make_interval(hours => g.hours)) FILTER (WHERE g.name = '{name}') AS {name}" for name in TARGETS
)
EMERGENCY_KINDS = "('referral', 'partner_answer', 'first_contact')"
"""Kinds of entries whose `detail` is an urgency. An emergency comes before all other entries."""

ENTRIES_SQL = """
WITH target AS MATERIALIZED (SELECT {targets} FROM targets g), {cases}, own_cases AS ({own_cases}), entry AS (
    SELECT NULL::text AS kind, NULL::date AS due_on, NULL::timestamptz AS at, NULL::uuid AS case_id,
           NULL::text AS record_kind, NULL::uuid AS record_id, NULL::text AS detail, NULL::uuid AS worker_id,
           NULL::uuid AS goal_id, NULL::bytea AS content_encrypted, NULL::text AS tracking_number
     WHERE false
    {sources}
)
SELECT e.kind, e.due_on, e.at, e.case_id, e.record_kind, e.record_id, e.detail,
       coalesce(e.worker_id, c.lead_worker_id) AS worker_id, e.goal_id, e.content_encrypted, e.tracking_number,
       c.number AS case_number, c.child_id,
       CASE e.kind
       WHEN 'milestone' THEN e.due_on < :today AND e.detail = '24'
       WHEN 'birthday' THEN false
       WHEN 'referral' THEN coalesce(e.at < :now, e.due_on < :today)
       ELSE e.due_on < :today END AS is_overdue,
       CASE WHEN e.kind IN {emergency_kinds} AND e.detail = 'emergency' THEN 0 ELSE 1 END AS rank,
       coalesce(e.at, e.due_on::timestamp AT TIME ZONE 'Asia/Phnom_Penh') AS begins
  FROM target t CROSS JOIN entry e LEFT JOIN own_cases c ON c.id = e.case_id
 WHERE e.due_on <= CASE
       WHEN e.kind = 'milestone' THEN :milestones_until
       WHEN :has_until THEN :until
       WHEN e.kind = 'consent' THEN (:today + t.consent_notice)::date
       WHEN e.kind = 'birthday' THEN (:today + t.birthday_notice)::date
       -- Work that waits for the caller is listed from the beginning.
       WHEN e.kind IN ('assessment', 'care_plan', 'draft', 'service_referral', 'recall', 'person') THEN 'infinity'
       ELSE :until END
"""
PARAMETER_TYPES: dict[str, Any] = {
    "caller_id": Uuid,
    "supervised_team_ids": ARRAY(Uuid),
    "birthday_case_ids": ARRAY(Uuid),
    "birthdays": ARRAY(Date),
    "now": DateTime(timezone=True),
    "today": Date,
    "until": Date,
    "has_until": Boolean,
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
    "rank": Integer,
    "begins": DateTime(timezone=True),
}


def build_entries(
    roles: Collection[AgendaRole], arms: DisbursementArms, kinds: Collection[str] | None = None
) -> Subquery:
    """Return a subquery of the agenda entries for these roles. `kinds` restricts the entries; None selects all kinds.

    `PARAMETER_TYPES` lists the parameters of the subquery besides those of the disbursements, `COLUMN_TYPES` its columns.
    """
    sources = [sql for role in roles for kind, sql in SOURCES[role].items() if kinds is None or kind in kinds]
    sql = ENTRIES_SQL.format(
        targets=TARGET_COLUMNS,
        cases=build_case_ctes(roles),
        own_cases=" UNION ".join(OWN_CASES_SQL.format(role=role) for role in _list_case_roles(roles)),
        sources="".join(f" UNION ALL {source}" for source in sources),
        emergency_kinds=EMERGENCY_KINDS,
    )
    entries = bind_parameters(sql, COLUMN_TYPES)
    disbursements = select_disbursements(arms, kinds, COLUMN_TYPES)
    if not disbursements:
        return entries
    return union_all(select(*entries.c), *disbursements).subquery("entries")


def build_case_ctes(roles: Collection[AgendaRole]) -> str:
    """Return the CTEs of the caller's cases, one for each role that has cases."""
    ctes = [sql for role, parts in SUBSTITUTE_CTES.items() if role in roles for sql in parts]
    for role in _list_case_roles(roles):
        condition, is_unstaffed = CASE_CONDITIONS[role], "false"
        if role is AgendaRole.worker:
            is_unstaffed = CANNOT_ACT
            condition += UNSTAFFED_CASES if AgendaRole.substitute in roles else ""
        ctes.append(CASES_SQL.format(role=role, condition=condition, is_unstaffed=is_unstaffed))
    return ", ".join(ctes)


def _list_case_roles(roles: Collection[AgendaRole]) -> list[AgendaRole]:
    """Return the roles with cases. Every agenda has the cases of a worker, which can be none."""
    return [role for role in CASE_CONDITIONS if role is AgendaRole.worker or role in roles]


def bind_parameters(sql: str, column_types: Mapping[str, Any]) -> Subquery:
    """Return a statement as a subquery with typed parameters and columns."""
    types = {name: type_ for name, type_ in PARAMETER_TYPES.items() if f":{name}" in sql}
    parameters = (bindparam(name, type_=type_) for name, type_ in types.items())
    return text(sql).bindparams(*parameters).columns(**column_types).subquery("entries")
