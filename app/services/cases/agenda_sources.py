"""Where an agenda comes from: every source in one statement.

A source yields ids, days and codes, and nothing that tells of a child: whom an entry is about is loaded afterwards, for
the page that is shown. Row security decides what is there at all; the conditions here only say what of it is the
actor's to do: as lead or co-worker of the case, as supervisor of its team, as programme manager.

Where nobody fixed a date, the rules are: a referral is acknowledged within 2 days; what waits for a decision, or was
returned, is due 7 days after it came; a provider that was silent for 14 days is asked again.
"""

from sqlalchemy import ARRAY, Boolean, Date, DateTime, Text, Uuid, bindparam, text

AGENDA = (
    text("""
WITH worked AS MATERIALIZED (
    SELECT w.case_id FROM case_workers w WHERE w.user_id = :me
), here AS MATERIALIZED (
    -- The one look at cases: row security asks who is asking at each, and that costs more than the rest of it.
    SELECT c.id, c.status, c.opened_on, c.extended_until, c.team_id = ANY (:teams) AS decides,
           c.lead_worker_id = :me OR c.id IN (SELECT case_id FROM worked) AS works
      FROM cases c
     WHERE c.lead_worker_id = :me
        OR c.id = ANY (ARRAY(SELECT case_id FROM worked))
        OR (c.status <> 'closed' AND (c.team_id = ANY (:teams) OR :manages))
), source (kind, due_on, at, case_id, record_kind, record_id, detail) AS (
    SELECT 'review', r.due_on, NULL::timestamptz, r.case_id, 'review', r.id, NULL::text
      FROM here JOIN reviews r ON r.case_id = here.id
     WHERE here.works AND here.status <> 'closed' AND r.status = 'scheduled'
 UNION ALL
    SELECT 'session', (s.planned_at AT TIME ZONE 'Asia/Phnom_Penh')::date, s.planned_at, s.case_id,
           'support_session', s.id, s.kind
      FROM here JOIN support_sessions s ON s.case_id = here.id
     WHERE here.status <> 'closed' AND s.worker_id = :me AND s.status = 'planned' AND s.planned_at IS NOT NULL
 UNION ALL
    SELECT 'action', a.due_on, NULL, a.case_id, 'action', a.id, NULL
      FROM here JOIN actions a ON a.case_id = here.id JOIN care_plans p ON p.id = a.plan_id
     WHERE here.works AND here.status <> 'closed' AND a.status = 'open' AND a.by = 'worker' AND p.status = 'approved'
 UNION ALL
    SELECT 'follow_up', f.due_on, NULL, f.case_id, 'follow_up', f.id, f.months::text
      FROM here JOIN follow_ups f ON f.case_id = here.id
     WHERE here.works AND f.status IN ('due', 'missed')
 UNION ALL
    SELECT 'legal_step', l.on, NULL, l.case_id, 'legal_step', l.id, l.kind
      FROM here JOIN legal_steps l ON l.case_id = here.id
     WHERE here.works AND here.status <> 'closed' AND l.status = 'planned'
 UNION ALL
    SELECT 'service_referral', (r.sent_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 14, NULL, r.case_id,
           'service_referral', r.id, r.service
      FROM here JOIN service_referrals r ON r.case_id = here.id
     WHERE here.works AND here.status <> 'closed' AND r.status = 'sent'
       AND (r.sent_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 14 <= :today
 UNION ALL
    -- 18 and 21 months are marks on the way, 24 months or the end of an extension a deadline. Of each case the latest
    -- that was reached, and those ahead; the programme manager, who extends, meets the deadlines of all.
    SELECT 'milestone', m.reached_on, NULL, here.id, 'case', here.id, m.months::text
      FROM here
     CROSS JOIN LATERAL (VALUES
           (18, (opened_on + interval '18 months')::date, (opened_on + interval '21 months')::date),
           (21, (opened_on + interval '21 months')::date, (opened_on + interval '24 months')::date),
           (24, greatest(extended_until, (opened_on + interval '24 months')::date), NULL)
         ) AS m (months, reached_on, following_on)
     WHERE here.status <> 'closed' AND (here.works OR (:manages AND m.months = 24))
       AND m.reached_on <= :milestones_until
       AND (m.following_on IS NULL OR m.following_on > :today)
 UNION ALL
    SELECT CASE e.status WHEN 'draft' THEN 'approval' ELSE 'exit' END,
           CASE e.status WHEN 'draft' THEN (e.updated_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7 ELSE e.ends_on END,
           NULL, e.case_id, 'exit_plan', e.id, NULL
      FROM here JOIN exit_plans e ON e.case_id = here.id
     -- (A review that begins the exit lays an empty plan on the table: nobody has written it yet.)
     WHERE here.status <> 'closed'
       AND ((here.works AND e.status = 'approved' AND e.ends_on IS NOT NULL)
            OR (here.decides AND e.status = 'draft' AND :me <> ALL (e.contributor_ids || e.author_id)
                AND (e.version > 1 OR e.ends_on IS NOT NULL OR here.status <> 'exiting')))
 UNION ALL
    SELECT CASE a.status WHEN 'submitted' THEN 'approval' ELSE 'returned' END,
           (coalesce(a.decided_at, a.submitted_at) AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, a.case_id,
           'assessment', a.id, a.subject
      FROM here JOIN assessments a ON a.case_id = here.id
     WHERE here.status <> 'closed' AND a.status IN ('submitted', 'returned')
       AND ((a.status = 'returned' AND a.author_id = :me)
            OR (a.status = 'submitted' AND here.decides
                AND :me <> ALL (a.contributor_ids || a.author_id || a.submitted_by_id)))
 UNION ALL
    SELECT CASE p.status WHEN 'submitted' THEN 'approval' ELSE 'returned' END,
           (coalesce(p.decided_at, p.submitted_at) AT TIME ZONE 'Asia/Phnom_Penh')::date + 7, NULL, p.case_id,
           'care_plan', p.id, p.subject
      FROM here JOIN care_plans p ON p.case_id = here.id
     WHERE here.status <> 'closed' AND p.status IN ('submitted', 'returned')
       AND ((p.status = 'returned' AND p.author_id = :me)
            OR (p.status = 'submitted' AND here.decides
                AND :me <> ALL (p.contributor_ids || p.author_id || p.submitted_by_id)))
 UNION ALL
    -- A recurring request is decided once. What an emergency had paid first waits for its approval until a day that is set.
    SELECT 'approval', coalesce(d.approval_due_on, (d.created_at AT TIME ZONE 'Asia/Phnom_Penh')::date + 7), NULL,
           d.case_id, 'disbursement', d.id, d.urgency
      FROM here JOIN disbursements d ON d.case_id = here.id
     WHERE here.decides AND d.instalment = 1 AND d.approved_by_id IS NULL AND d.status IN ('requested', 'paid')
       AND d.requested_by_id <> :me AND d.paid_by_id IS DISTINCT FROM :me
 UNION ALL
    SELECT 'referral',
           (coalesce(r.acknowledged_at, r.received_at) AT TIME ZONE 'Asia/Phnom_Penh')::date
               + CASE r.status WHEN 'received' THEN 2 ELSE 7 END,
           NULL, NULL, 'referral', r.id, r.urgency
      FROM referrals r
     WHERE r.status IN ('received', 'acknowledged')
       AND (r.handed_to_id = :me OR r.team_id = ANY (:teams) OR (r.team_id IS NULL AND cardinality(:teams) > 0))
)
SELECT kind, due_on, at, case_id, record_kind, record_id, detail,
       due_on < :today AND (kind <> 'milestone' OR detail = '24') AS overdue,
       coalesce(at, due_on::timestamp AT TIME ZONE 'Asia/Phnom_Penh') AS begins
  FROM source
 WHERE due_on <= CASE kind WHEN 'milestone' THEN :milestones_until ELSE :until END
""")
    .bindparams(
        bindparam("me", type_=Uuid()),
        bindparam("teams", type_=ARRAY(Uuid())),
        bindparam("manages", type_=Boolean()),
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
"""Needs `me`, `teams` (supervised), `manages`, `today`, `until` and `milestones_until`; in order of `begins`."""
