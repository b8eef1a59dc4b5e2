"""The SQL statement that collects the agenda entries of all kinds.

The statement selects ids, days and codes, and no personal data. The service loads the case and the child afterwards,
for the returned page only. Row-level security decides which rows are visible. The conditions in this statement select
the rows that the caller has to work on: as lead worker or co-worker of the case, as supervisor of its team, or as
programme manager.

Items without a date of their own are due as follows: a received referral after 2 days; an acknowledged referral, a
submission and a returned record after 7 days; a service referral without an answer from the provider after 14 days.
"""

from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Date, DateTime, Text, Uuid, bindparam, text

AGENDA = (
    text("""
WITH co_worked AS MATERIALIZED (
    SELECT w.case_id FROM case_workers w WHERE w.user_id = :caller_id
), candidate_cases AS MATERIALIZED (
    -- Reads the cases once: the row-level security check of each case costs more than the rest of the statement.
    SELECT c.id, c.status, c.opened_on, c.extended_until, c.team_id = ANY (:supervised_team_ids) AS is_supervised,
           c.lead_worker_id = :caller_id OR c.id IN (SELECT case_id FROM co_worked) AS is_assigned
      FROM cases c
     WHERE c.lead_worker_id = :caller_id
        OR c.id = ANY (ARRAY(SELECT case_id FROM co_worked))
        OR (c.status <> 'closed' AND (c.team_id = ANY (:supervised_team_ids) OR :is_programme_manager))
), entry (kind, due_on, at, case_id, record_kind, record_id, detail) AS (
    SELECT 'review', r.due_on, NULL::timestamptz, r.case_id, 'review', r.id, NULL::text
      FROM candidate_cases c JOIN reviews r ON r.case_id = c.id
     WHERE c.is_assigned AND c.status <> 'closed' AND r.status = 'scheduled'
 UNION ALL
    SELECT 'session', (s.planned_at AT TIME ZONE 'Asia/Phnom_Penh')::date, s.planned_at, s.case_id,
           'support_session', s.id, s.kind
      FROM candidate_cases c JOIN support_sessions s ON s.case_id = c.id
     WHERE c.status <> 'closed' AND s.worker_id = :caller_id AND s.status = 'planned' AND s.planned_at IS NOT NULL
 UNION ALL
    SELECT 'action', a.due_on, NULL, a.case_id, 'action', a.id, NULL
      FROM candidate_cases c JOIN actions a ON a.case_id = c.id JOIN care_plans p ON p.id = a.plan_id
     WHERE c.is_assigned AND c.status <> 'closed' AND a.status = 'open' AND a.by = 'worker' AND p.status = 'approved'
 UNION ALL
    SELECT 'follow_up', f.due_on, NULL, f.case_id, 'follow_up', f.id, f.months::text
      FROM candidate_cases c JOIN follow_ups f ON f.case_id = c.id
     WHERE c.is_assigned AND f.status IN ('due', 'missed')
 UNION ALL
    SELECT 'legal_step', l.on, NULL, l.case_id, 'legal_step', l.id, l.kind
      FROM candidate_cases c JOIN legal_steps l ON l.case_id = c.id
     WHERE c.is_assigned AND c.status <> 'closed' AND l.status = 'planned'
 UNION ALL
    SELECT 'service_referral', (r.sent_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 14, NULL, r.case_id,
           'service_referral', r.id, r.service
      FROM candidate_cases c JOIN service_referrals r ON r.case_id = c.id
     WHERE c.is_assigned AND c.status <> 'closed' AND r.status = 'sent'
       AND (r.sent_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 14 <= :today
 UNION ALL
    -- 18 and 21 months are reminders; 24 months, or the end of an extension, is a deadline. Each case contributes its
    -- latest reached milestone and the following ones. A programme manager gets the deadlines of all cases.
    SELECT 'milestone', m.reached_on, NULL, c.id, 'case', c.id, m.months::text
      FROM candidate_cases c
     CROSS JOIN LATERAL (VALUES
           (18, (opened_on + interval '18 months')::date, (opened_on + interval '21 months')::date),
           (21, (opened_on + interval '21 months')::date, (opened_on + interval '24 months')::date),
           (24, greatest(extended_until, (opened_on + interval '24 months')::date), NULL)
         ) AS m (months, reached_on, following_on)
     WHERE c.status <> 'closed' AND (c.is_assigned OR (:is_programme_manager AND m.months = 24))
       AND m.reached_on <= :milestones_until
       AND (m.following_on IS NULL OR m.following_on > :today)
 UNION ALL
    SELECT CASE e.status WHEN 'draft' THEN 'approval' ELSE 'exit' END,
           CASE e.status WHEN 'draft' THEN (e.updated_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7 ELSE e.ends_on END,
           NULL, e.case_id, 'exit_plan', e.id, NULL
      FROM candidate_cases c JOIN exit_plans e ON e.case_id = c.id
     -- A review that begins the exit creates an empty draft, which does not need an approval yet.
     WHERE c.status <> 'closed'
       AND ((c.is_assigned AND e.status = 'approved' AND e.ends_on IS NOT NULL)
            OR (c.is_supervised AND e.status = 'draft' AND :caller_id <> ALL (e.contributor_ids || e.author_id)
                AND (e.version > 1 OR e.ends_on IS NOT NULL OR c.status <> 'exiting')))
 UNION ALL
    SELECT CASE a.status WHEN 'submitted' THEN 'approval' ELSE 'returned' END,
           (coalesce(a.decided_at, a.submitted_at) AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, a.case_id,
           'assessment', a.id, a.subject
      FROM candidate_cases c JOIN assessments a ON a.case_id = c.id
     WHERE c.status <> 'closed' AND a.status IN ('submitted', 'returned')
       AND ((a.status = 'returned' AND a.author_id = :caller_id)
            OR (a.status = 'submitted' AND c.is_supervised
                AND :caller_id <> ALL (a.contributor_ids || a.author_id || a.submitted_by_id)))
 UNION ALL
    SELECT CASE p.status WHEN 'submitted' THEN 'approval' ELSE 'returned' END,
           (coalesce(p.decided_at, p.submitted_at) AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, p.case_id,
           'care_plan', p.id, p.subject
      FROM candidate_cases c JOIN care_plans p ON p.case_id = c.id
     WHERE c.status <> 'closed' AND p.status IN ('submitted', 'returned')
       AND ((p.status = 'returned' AND p.author_id = :caller_id)
            OR (p.status = 'submitted' AND c.is_supervised
                AND :caller_id <> ALL (p.contributor_ids || p.author_id || p.submitted_by_id)))
 UNION ALL
    -- A recurring request is decided once, with its first instalment. A payment made in an emergency has its own
    -- approval deadline.
    SELECT 'approval', coalesce(d.approval_due_on, (d.created_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7), NULL,
           d.case_id, 'disbursement', d.id, d.urgency
      FROM candidate_cases c JOIN disbursements d ON d.case_id = c.id
     WHERE c.is_supervised AND d.instalment = 1 AND d.approved_by_id IS NULL AND d.status IN ('requested', 'paid')
       AND d.requested_by_id <> :caller_id AND d.paid_by_id IS DISTINCT FROM :caller_id
 UNION ALL
    SELECT 'referral',
           (coalesce(r.acknowledged_at, r.received_at) AT TIME ZONE 'Asia/Phnom_Penh')::date
               + CASE r.status WHEN 'received' THEN 2 ELSE 7 END,
           NULL, NULL, 'referral', r.id, r.urgency
      FROM referrals r
     WHERE r.status IN ('received', 'acknowledged')
       AND (r.handed_to_id = :caller_id
            OR r.team_id = ANY (:supervised_team_ids)
            OR (r.team_id IS NULL AND cardinality(:supervised_team_ids) > 0))
)
SELECT kind, due_on, at, case_id, record_kind, record_id, detail,
       due_on < :today AND (kind <> 'milestone' OR detail = '24') AS overdue,
       coalesce(at, due_on::timestamp AT TIME ZONE 'Asia/Phnom_Penh') AS begins
  FROM entry
 WHERE due_on <= CASE kind WHEN 'milestone' THEN :milestones_until ELSE :until END
""")
    .bindparams(
        bindparam("caller_id", type_=Uuid()),
        bindparam("supervised_team_ids", type_=ARRAY(Uuid())),
        bindparam("is_programme_manager", type_=Boolean()),
        bindparam("today", type_=Date()),
        bindparam("until", type_=Date()),
        bindparam("milestones_until", type_=Date()),
    )
    .columns(
        kind=Text(),
        due_on=Date(),
        at=DateTime(timezone=True),
        case_id=Uuid(),
        record_kind=Text(),
        record_id=Uuid(),
        detail=Text(),
        overdue=Boolean(),
        begins=DateTime(timezone=True),
    )
    .subquery("agenda")
)
"""The agenda entries as a subquery, not sorted.

Parameters: `caller_id`, `supervised_team_ids`, `is_programme_manager`, `today`, `until` and `milestones_until`.
"""


class AgendaRow(Protocol):
    """A row of `AGENDA`."""

    kind: str
    due_on: date
    at: datetime | None
    case_id: UUID | None
    record_kind: str
    record_id: UUID
    detail: str | None
    overdue: bool
