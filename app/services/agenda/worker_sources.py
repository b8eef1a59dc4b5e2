"""The SQL of the agenda for the work on cases: by the lead worker and co-workers, or by a substitute for them.

`worker_cases` are the cases of the caller as a lead worker or co-worker, and the unstaffed cases that the caller is
responsible for. `own_cases` are all cases of the agenda. Each source selects the columns of `entry` in `app.services.agenda.sources`.
"""

REFERRAL_SQL = """
    SELECT '{kind}',
           -- An emergency is due immediately, until it is accepted.
           CASE r.urgency WHEN 'emergency' THEN (r.received_at AT TIME ZONE 'Asia/Phnom_Penh')::date
                ELSE (d.at AT TIME ZONE 'Asia/Phnom_Penh')::date END,
           CASE r.status WHEN 'received' THEN d.at END, NULL, 'referral', r.id, r.urgency, r.handed_to_id, NULL,
           r.content_encrypted, r.tracking_number
      FROM referrals r CROSS JOIN target t
     CROSS JOIN LATERAL (
           SELECT CASE r.status
                  WHEN 'received' THEN r.received_at + CASE r.urgency
                       WHEN 'emergency' THEN t.acknowledgement_emergency
                       WHEN 'urgent' THEN t.acknowledgement_urgent
                       ELSE t.acknowledgement_routine END
                  WHEN 'acknowledged' THEN r.acknowledged_at + t.referral_decision
                  ELSE t.partner_answer + (
                       SELECT max(q.asked_at) FROM referral_questions q
                        WHERE q.referral_id = r.id AND q.answered_at IS NULL) END AS at) d
     WHERE r.status IN ({statuses}) AND ({condition})
"""
"""Open referrals with their deadline: the acknowledgement, the decision, or the answer of the referrer."""


def build_referral_sources(condition: str) -> dict[str, str]:
    """Return the sources of the open referrals that meet a condition, by kind of entry."""
    statuses = {"referral": "'received', 'acknowledged'", "partner_answer": "'information_requested'"}
    return {
        kind: REFERRAL_SQL.format(kind=kind, statuses=values, condition=condition)
        for kind, values in statuses.items()
    }


RETURNED_SQL = """
    SELECT 'returned', ((r.decided_at + t.revision) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, r.case_id, '{kind}', r.id,
           r.subject, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN {cases} c JOIN {table} r ON r.case_id = c.id
     WHERE c.status <> 'closed' AND r.status = 'returned' AND {condition}
"""
"""Returned assessments or care plans."""


def build_returned_source() -> str:
    """Return the source of returned records: the author revises a record, and the lead worker if another person wrote it."""
    roles = {
        "own_cases": "r.author_id = :caller_id",
        "worker_cases": "r.author_id <> :caller_id AND (c.lead_worker_id = :caller_id OR c.is_unstaffed)",
    }
    tables = {"assessment": "assessments", "care_plan": "care_plans"}
    return " UNION ALL".join(
        RETURNED_SQL.format(kind=kind, table=table, cases=cases, condition=condition)
        for kind, table in tables.items()
        for cases, condition in roles.items()
    )


WORKER_SOURCES = {
    "review": """
    SELECT 'review', r.due_on, NULL, r.case_id, 'review', r.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN reviews r ON r.case_id = c.id
     WHERE c.status <> 'closed' AND r.status = 'scheduled'
    """,
    "session": """
    -- A session of a worker who cannot hold it belongs to the lead worker.
    SELECT 'session', (s.planned_at AT TIME ZONE 'Asia/Phnom_Penh')::date, s.planned_at, s.case_id, 'support_session',
           s.id, s.kind, s.worker_id, NULL, s.content_encrypted, NULL
      FROM own_cases c JOIN support_sessions s ON s.case_id = c.id
     WHERE c.status <> 'closed' AND s.worker_id = :caller_id AND s.status = 'planned' AND s.planned_at IS NOT NULL
       AND s.entered_in_error_at IS NULL
 UNION ALL
    SELECT 'session', (s.planned_at AT TIME ZONE 'Asia/Phnom_Penh')::date, s.planned_at, s.case_id, 'support_session',
           s.id, s.kind, s.worker_id, NULL, s.content_encrypted, NULL
      FROM worker_cases c JOIN support_sessions s ON s.case_id = c.id
     WHERE c.status <> 'closed' AND s.worker_id <> :caller_id AND s.status = 'planned' AND s.planned_at IS NOT NULL
       AND s.entered_in_error_at IS NULL
       AND (c.lead_worker_id = :caller_id OR c.is_unstaffed)
       AND NOT (access.can_act(s.worker_id, '{social_worker,supervisor}')
                AND (s.worker_id = c.lead_worker_id
                     OR EXISTS (SELECT FROM case_workers w WHERE w.case_id = c.id AND w.user_id = s.worker_id)
                     OR (access.can_act(s.worker_id, '{supervisor}')
                         AND EXISTS (SELECT FROM team_members m WHERE m.team_id = c.team_id
                                        AND m.user_id = s.worker_id AND m.is_supervisor))))
    """,
    "action": """
    -- The lead worker follows up the actions of the child, the supporter, the family and providers.
    SELECT 'action', a.due_on, NULL, a.case_id, 'action', a.id, a.by, NULL, a.goal_id, a.content_encrypted, NULL
      FROM worker_cases c JOIN actions a ON a.case_id = c.id JOIN care_plans p ON p.id = a.plan_id
     WHERE c.status <> 'closed' AND a.status = 'open' AND p.status = 'approved'
       AND (a.by = 'worker' OR c.lead_worker_id = :caller_id OR c.is_unstaffed)
    """,
    "person": """
    -- A referral that joined the case added the person, or names and phones to it. Staff confirm them.
    SELECT 'person', ((coalesce(r.decided_at, p.created_at) + t.person_confirmation) AT TIME ZONE 'Asia/Phnom_Penh')::date,
           NULL, p.case_id, 'person', p.id, p.role, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN people p ON p.case_id = c.id
      LEFT JOIN referrals r ON r.id = p.referral_to_confirm_id
     WHERE c.status <> 'closed' AND p.referral_to_confirm_id IS NOT NULL AND p.entered_in_error_at IS NULL
       AND (c.lead_worker_id = :caller_id OR c.is_unstaffed)
    """,
    "follow_up": """
    SELECT 'follow_up', f.due_on, NULL, f.case_id, 'follow_up', f.id, f.months::text, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN follow_ups f ON f.case_id = c.id
     WHERE f.status IN ('due', 'missed')
    """,
    "legal_step": """
    -- A court date is listed in every status of the case.
    SELECT 'legal_step', l.on, NULL, l.case_id, 'legal_step', l.id, l.kind, NULL, NULL, l.content_encrypted, NULL
      FROM worker_cases c JOIN legal_steps l ON l.case_id = c.id
     WHERE l.case_id = ANY (ARRAY(SELECT id FROM worker_cases)) AND l.status = 'planned' AND l.entered_in_error_at IS NULL
    """,
    "service_referral": """
    SELECT 'service_referral',
           CASE r.status
           WHEN 'sent' THEN ((r.sent_at + t.service_referral_answer) AT TIME ZONE 'Asia/Phnom_Penh')::date
           ELSE ((r.answered_at + t.service_referral_outcome) AT TIME ZONE 'Asia/Phnom_Penh')::date END,
           NULL, r.case_id, 'service_referral', r.id, r.service, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN service_referrals r ON r.case_id = c.id
     WHERE r.status IN ('sent', 'accepted')
    """,
    "recall": """
    -- Shared data to recall from a provider after a refusal or withdrawal, also in a closed case.
    SELECT 'recall', ((r.recall_requested_at + t.recall) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, r.case_id,
           'service_referral', r.id, r.service, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN service_referrals r ON r.case_id = c.id
     WHERE r.recall_requested_at IS NOT NULL AND r.recalled_at IS NULL
    """,
    "milestone": """
    -- 18 and 21 months are reminders; 24 months, or the end of an extension, is a deadline. Each case contributes its
    -- latest reached milestone and the following milestones. A programme manager gets the deadlines of all cases.
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
    -- An unplanned exit has no last day of support: it can end immediately.
    SELECT 'exit', coalesce(e.ends_on, (e.decided_at AT TIME ZONE 'Asia/Phnom_Penh')::date), NULL, e.case_id,
           'exit_plan', e.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN exit_plans e ON e.case_id = c.id
     WHERE c.status <> 'closed' AND e.status = 'approved'
    """,
    "first_contact": """
    -- No contact since a referral was received. A reopened case has no referral. The last contact decides on every day
    -- except that of the referral, so that the query reads few sessions.
    SELECT 'first_contact',
           CASE f.urgency WHEN 'emergency' THEN f.since ELSE (coalesce(f.since, c.opened_on) + t.first_contact)::date END,
           NULL, c.id, 'case', c.id, coalesce(f.urgency, 'routine'), NULL, NULL, NULL, NULL
      FROM worker_cases c CROSS JOIN target t
     CROSS JOIN LATERAL (
           SELECT min((r.received_at AT TIME ZONE 'Asia/Phnom_Penh')::date) AS since,
                  CASE WHEN bool_or(r.urgency = 'emergency') THEN 'emergency'
                       WHEN bool_or(r.urgency = 'urgent') THEN 'urgent'
                       WHEN count(*) > 0 THEN 'routine' END AS urgency
             FROM referrals r
            WHERE r.case_id = c.id
              AND CASE sign(c.last_contact_on - (r.received_at AT TIME ZONE 'Asia/Phnom_Penh')::date)
                  WHEN 1 THEN false
                  WHEN 0 THEN NOT EXISTS (
                       SELECT FROM support_sessions s
                        WHERE s.case_id = c.id
                          AND access.is_contact(s.kind, s.status, s.contact_with, s.entered_in_error_at)
                          AND access.is_later_contact(s.held_at, s.recorded_at, r.received_at))
                  ELSE true END) f
     WHERE c.status <> 'closed' AND (f.since IS NOT NULL OR c.last_contact_on IS NULL)
    """,
    "assessment": """
    SELECT 'assessment', (c.opened_on + t.assessment)::date, NULL, c.id, 'case', c.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c CROSS JOIN target t
     WHERE c.status = 'assessment'
       AND NOT EXISTS (SELECT FROM assessments a WHERE a.case_id = c.id AND a.subject = 'child'
                          AND a.status IN ('draft', 'returned', 'submitted'))
    """,
    "care_plan": """
    SELECT 'care_plan', (c.opened_on + t.care_plan)::date, NULL, c.id, 'case', c.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c CROSS JOIN target t
     WHERE c.status = 'planning'
       AND NOT EXISTS (SELECT FROM care_plans p WHERE p.case_id = c.id AND p.subject = 'child'
                          AND p.status IN ('draft', 'returned', 'submitted'))
    """,
    "draft": """
    SELECT 'draft',
           CASE WHEN c.status = 'assessment' AND a.subject = 'child' THEN (c.opened_on + t.assessment)::date
                ELSE ((a.created_at + t.draft) AT TIME ZONE 'Asia/Phnom_Penh')::date END,
           NULL, a.case_id, 'assessment', a.id, a.subject, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN assessments a ON a.case_id = c.id
     WHERE c.status <> 'closed' AND a.status = 'draft'
       AND (c.lead_worker_id = :caller_id OR c.is_unstaffed OR a.author_id = :caller_id)
 UNION ALL
    SELECT 'draft',
           CASE WHEN c.status = 'planning' AND p.subject = 'child' THEN (c.opened_on + t.care_plan)::date
                ELSE ((p.created_at + t.draft) AT TIME ZONE 'Asia/Phnom_Penh')::date END,
           NULL, p.case_id, 'care_plan', p.id, p.subject, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN care_plans p ON p.case_id = c.id
     WHERE c.status <> 'closed' AND p.status = 'draft'
       AND (c.lead_worker_id = :caller_id OR c.is_unstaffed OR p.author_id = :caller_id)
 UNION ALL
    -- A review that begins the exit creates an empty draft.
    SELECT 'draft', ((e.created_at + t.draft) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, e.case_id, 'exit_plan', e.id,
           NULL, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN exit_plans e ON e.case_id = c.id
     WHERE c.status = 'exiting' AND e.status = 'draft' AND e.version = 1 AND e.ends_on IS NULL
 UNION ALL
    SELECT 'draft', ((r.created_at + t.draft) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, r.case_id,
           'service_referral', r.id, r.service, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN worker_cases c JOIN service_referrals r ON r.case_id = c.id
     WHERE c.status <> 'closed' AND r.status = 'draft'
       AND (c.lead_worker_id = :caller_id OR c.is_unstaffed OR r.author_id = :caller_id)
    """,
    "returned": build_returned_source(),
    "consent": """
    -- A consent that ends, unless later entries of the register replace it for each giver. The adults replace each other,
    -- and a legal basis replaces all persons.
    SELECT 'consent', n.valid_until, NULL, n.case_id, 'consent', n.id, NULL, NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN consents n ON n.case_id = c.id
     WHERE n.status = 'given' AND n.withdrawn_at IS NULL AND n.valid_until IS NOT NULL AND n.entered_in_error_at IS NULL
       AND (c.status <> 'closed'
            OR EXISTS (SELECT FROM follow_ups f WHERE f.case_id = c.id AND f.status IN ('due', 'missed')))
       AND EXISTS (
           SELECT FROM unnest(CASE n.given_by WHEN '{}' THEN '{NULL}' ELSE n.given_by END) AS g (giver)
            WHERE NOT EXISTS (SELECT FROM consents l
                               WHERE l.case_id = c.id AND l.entered_in_error_at IS NULL AND l.scope @> n.scope
                                 AND (l.given_on, l.created_at) > (n.given_on, n.created_at)
                                 AND l.recipient_agency_id IS NOT DISTINCT FROM n.recipient_agency_id
                                 AND coalesce(l.valid_until > n.valid_until, true)
                                 AND (g.giver IS NULL OR l.given_by = '{}' OR g.giver = ANY (l.given_by)
                                      OR g.giver <> 'child' AND l.given_by && '{caregiver,guardian,other}')))
    """,
    "birthday": """
    -- Birth dates are encrypted. `app.services.agenda.birthdays` computes the days.
    SELECT 'birthday', b.day, NULL, c.id, 'case', c.id, '18', NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN unnest(:birthday_case_ids, :birthdays) AS b (case_id, day) ON b.case_id = c.id
    """,
    **build_referral_sources("r.handed_to_id = :caller_id"),
}
