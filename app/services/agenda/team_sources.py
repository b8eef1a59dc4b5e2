"""The SQL of the agenda for supervisors, programme managers and finance officers, besides their own cases.

Each source selects the columns of `entry` in `app.services.agenda.sources`.
"""

from app.services.agenda.worker_sources import build_referral_sources

TEAMS_WITHOUT_SUPERVISOR_CTE = """
teams_without_supervisor AS MATERIALIZED (
    SELECT o.id FROM teams o
     WHERE NOT EXISTS (SELECT FROM team_members m
                        WHERE m.team_id = o.id AND m.is_supervisor AND access.can_act(m.user_id, '{supervisor}'))
)
"""
IN_TEAM_WITHOUT_SUPERVISOR = "{}.team_id = ANY (ARRAY(SELECT id FROM teams_without_supervisor))"
APPROVAL_SQL = """
    -- The ids of the cases are an array, because PostgreSQL would otherwise read the records of all teams and join them.
    -- A review that begins the exit creates an empty draft, which does not need an approval yet.
    SELECT 'approval', ((e.updated_at + t.approval) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, e.case_id, 'exit_plan',
           e.id, NULL, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN {cases} c JOIN exit_plans e ON e.case_id = c.id
     WHERE e.case_id = ANY (ARRAY(SELECT id FROM {cases})) AND e.status = 'draft' AND c.status <> 'closed'
       AND (e.version > 1 OR e.ends_on IS NOT NULL OR c.status <> 'exiting') AND {exit_plan_condition}
 UNION ALL
    SELECT 'approval', ((a.submitted_at + t.approval) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, a.case_id,
           'assessment', a.id, a.subject, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN assessments a
     WHERE a.case_id = ANY (ARRAY(SELECT id FROM {cases})) AND a.status = 'submitted' AND {assessment_condition}
 UNION ALL
    SELECT 'approval', ((p.submitted_at + t.approval) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, p.case_id,
           'care_plan', p.id, p.subject, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN care_plans p
     WHERE p.case_id = ANY (ARRAY(SELECT id FROM {cases})) AND p.status = 'submitted' AND {care_plan_condition}
"""
OVERDUE_REVIEW_SQL = """
    SELECT 'review', r.due_on, NULL, r.case_id, 'review', r.id, NULL, NULL, NULL, NULL, NULL
      FROM {cases} c JOIN reviews r ON r.case_id = c.id
     WHERE c.next_review_on < :today AND r.status = 'scheduled' AND r.due_on < :today AND {condition}
       AND NOT EXISTS (SELECT FROM worker_cases w WHERE w.id = c.id)
"""
SUPERVISOR_SOURCES = {
    "approval": APPROVAL_SQL.format(
        cases="supervisor_cases",
        exit_plan_condition=":caller_id <> ALL (e.contributor_ids || e.author_id)",
        assessment_condition=":caller_id <> ALL (a.contributor_ids || a.author_id || a.submitted_by_id)",
        care_plan_condition=":caller_id <> ALL (p.contributor_ids || p.author_id || p.submitted_by_id)",
    ),
    "review": OVERDUE_REVIEW_SQL.format(cases="supervisor_cases", condition="true"),
    **build_referral_sources(
        "r.handed_to_id IS DISTINCT FROM :caller_id AND (r.team_id = ANY (:supervised_team_ids) OR r.team_id IS NULL)"
    ),
}
WITHOUT_APPROVER = "{}.id = ANY (ARRAY(SELECT record_id FROM without_approver))"
MANAGER_SOURCES = {
    "milestone": """
    SELECT 'milestone', greatest(c.extended_until, (c.opened_on + interval '24 months')::date), NULL, c.id, 'case', c.id,
           '24', NULL, NULL, NULL, NULL
      FROM manager_cases c
     WHERE NOT EXISTS (SELECT FROM worker_cases a WHERE a.id = c.id)
    """,
    "approval": APPROVAL_SQL.format(
        cases="manager_cases",
        exit_plan_condition=WITHOUT_APPROVER.format("e"),
        assessment_condition=WITHOUT_APPROVER.format("a"),
        care_plan_condition=WITHOUT_APPROVER.format("p"),
    ),
    "review": OVERDUE_REVIEW_SQL.format(
        cases="manager_cases", condition=IN_TEAM_WITHOUT_SUPERVISOR.format("c")
    ),
    "unstaffed": """
    -- Only a programme manager can transfer the cases of an inactive team.
    SELECT 'unstaffed', :today, NULL, c.id, 'case', c.id, 'inactive_team', NULL, NULL, NULL, NULL
      FROM manager_cases c JOIN teams m ON m.id = c.team_id
     WHERE NOT m.is_active AND NOT EXISTS (SELECT FROM unstaffed_cases u WHERE u.id = c.id)
    """,
    # A supervisor sees the referrals without a team.
    **build_referral_sources(
        "r.handed_to_id IS DISTINCT FROM :caller_id AND ("
        + IN_TEAM_WITHOUT_SUPERVISOR.format("r")
        + " OR r.team_id IS NULL AND NOT EXISTS (SELECT FROM team_members m"
        " WHERE m.is_supervisor AND access.can_act(m.user_id, '{supervisor}')))"
    ),
}
SUBSTITUTE_SOURCES = {
    "unstaffed": """
    SELECT 'unstaffed', :today, NULL, c.id, 'case', c.id, 'no_lead_worker', NULL, NULL, NULL, NULL
      FROM worker_cases c JOIN unstaffed_cases u ON u.id = c.id
     WHERE c.status <> 'closed'
    """,
    "matching": """
    -- A limit omitted the hidden matches of a referral. A referral that was accepted belongs to an open case.
    SELECT 'matching', ((u.listed_at + t.duplicate_comparison) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, r.case_id,
           'referral', r.id, r.urgency, r.handed_to_id, NULL, r.content_encrypted, r.tracking_number
      FROM target t CROSS JOIN uncompared_referrals u JOIN referrals r ON r.id = u.referral_id
     WHERE r.case_id IS NULL OR r.case_id IN (SELECT c.id FROM own_cases c WHERE c.status <> 'closed')
    """,
}
"""Sources of supervisors and programme managers, who are responsible for unstaffed cases, and for matches that a limit
omitted.
"""
FUND_SOURCES = {
    "approval": """
    SELECT 'approval', ((f.created_at + t.approval) AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, NULL, 'fund_transfer',
           f.id, NULL, NULL, NULL, NULL, NULL
      FROM target t CROSS JOIN fund_transfers f
     WHERE f.status = 'requested' AND f.asked_by_id <> :caller_id
    """,
}
CONFIRMER_SOURCES = {
    "pending_change": """
    -- The condition is that of the list of pending changes with `awaiting=me`.
    SELECT 'pending_change', (p.expires_at AT TIME ZONE 'Asia/Phnom_Penh')::date, NULL, NULL, 'pending_change', p.id,
           p.kind, NULL, NULL, NULL, NULL
      FROM pending_changes p
     WHERE p.status = 'pending' AND p.expires_at > now() AND p.requested_by_id IS DISTINCT FROM :caller_id
       AND p.person_id IS DISTINCT FROM :caller_id
    """,
}
