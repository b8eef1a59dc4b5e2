-- Counts for the metrics of the operator. They are totals of the whole organisation and show no child, so that no access
-- event is needed.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- The kinds and the days are those of the agenda (app/services/agenda/sources.py), for all people together.
CREATE FUNCTION access.count_backlog(OUT measure text, OUT kind text, OUT number bigint) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH day AS (
        SELECT access.day_in_cambodia(now()) AS today
    ), open_case AS (
        SELECT c.id, c.status, greatest(c.extended_until, (c.opened_on + interval '24 months')::date) AS ends_on
          FROM public.cases c
         WHERE c.status <> 'closed'
    ), item AS (
        SELECT 'review' AS kind, r.due_on FROM public.reviews r JOIN open_case c ON c.id = r.case_id WHERE r.status = 'scheduled'
         UNION ALL
        SELECT 'session', access.day_in_cambodia(s.planned_at)
          FROM public.support_sessions s JOIN open_case c ON c.id = s.case_id
         WHERE s.status = 'planned' AND s.entered_in_error_at IS NULL
         UNION ALL
        SELECT 'action', a.due_on
          FROM public.actions a JOIN open_case c ON c.id = a.case_id JOIN public.care_plans p ON p.id = a.plan_id
         WHERE a.status = 'open' AND a.by = 'worker' AND p.status = 'approved'
         UNION ALL
        SELECT 'follow_up', f.due_on FROM public.follow_ups f WHERE f.status IN ('due', 'missed')
         UNION ALL
        SELECT 'legal_step', l.on FROM public.legal_steps l WHERE l.status = 'planned' AND l.entered_in_error_at IS NULL
         UNION ALL
        SELECT 'service_referral',
               CASE r.status WHEN 'sent' THEN access.day_in_cambodia(r.sent_at + access.get_target('service_referral_answer'))
                    ELSE access.day_in_cambodia(r.answered_at + access.get_target('service_referral_outcome')) END
          FROM public.service_referrals r
         WHERE r.status IN ('sent', 'accepted')
         UNION ALL
        SELECT 'milestone', c.ends_on FROM open_case c
         UNION ALL
        SELECT 'exit', coalesce(e.ends_on, access.day_in_cambodia(e.decided_at)) FROM public.exit_plans e JOIN open_case c ON c.id = e.case_id WHERE e.status = 'approved'
         UNION ALL
        SELECT 'returned', access.day_in_cambodia(a.decided_at + access.get_target('revision'))
          FROM public.assessments a JOIN open_case c ON c.id = a.case_id
         WHERE a.status = 'returned'
         UNION ALL
        SELECT 'returned', access.day_in_cambodia(p.decided_at + access.get_target('revision'))
          FROM public.care_plans p JOIN open_case c ON c.id = p.case_id
         WHERE p.status = 'returned'
         UNION ALL
        SELECT 'approval', access.day_in_cambodia(a.submitted_at + access.get_target('approval'))
          FROM public.assessments a JOIN open_case c ON c.id = a.case_id
         WHERE a.status = 'submitted'
         UNION ALL
        SELECT 'approval', access.day_in_cambodia(p.submitted_at + access.get_target('approval'))
          FROM public.care_plans p JOIN open_case c ON c.id = p.case_id
         WHERE p.status = 'submitted'
         UNION ALL
        SELECT 'approval', access.day_in_cambodia(e.updated_at + access.get_target('approval'))
          FROM public.exit_plans e JOIN open_case c ON c.id = e.case_id
         WHERE e.status = 'draft' AND (e.version > 1 OR e.ends_on IS NOT NULL OR c.status <> 'exiting')
         UNION ALL
        SELECT 'approval', coalesce(d.approval_due_on, access.day_in_cambodia(d.created_at + access.get_target('approval')))
          FROM public.disbursements d
         WHERE (d.status = 'requested' OR d.status = 'paid' AND d.approved_by_id IS NULL)
           AND NOT EXISTS (SELECT FROM public.disbursements o
                            WHERE o.series_id = d.series_id AND o.instalment < d.instalment AND o.status = 'requested')
         UNION ALL
        -- A referral must be acknowledged until a time, not a day.
        SELECT 'referral', CASE WHEN r.status = 'acknowledged' AND r.urgency = 'emergency' THEN access.day_in_cambodia(r.received_at)
                                WHEN r.status = 'acknowledged'
                                THEN access.day_in_cambodia(r.acknowledged_at + access.get_target('referral_decision'))
                                WHEN r.received_at + access.get_target('acknowledgement_' || r.urgency) < now() THEN '-infinity'
                                ELSE 'infinity' END
          FROM public.referrals r
         WHERE r.status IN ('received', 'acknowledged')
    )
    SELECT 'overdue', i.kind, count(*) FILTER (WHERE i.due_on < d.today) FROM item i, day d GROUP BY i.kind
     UNION ALL
    SELECT 'unacknowledged', 'referral', count(*) FROM public.referrals r WHERE r.status = 'received'
$$;
COMMENT ON FUNCTION access.count_backlog() IS
    'Returns the number of overdue agenda items by kind and the number of referrals that are not acknowledged, for the '
    'metrics. firststep_api can execute it without an access event, because it returns only totals of the whole '
    'organisation.';
REVOKE ALL ON FUNCTION access.count_backlog() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.count_backlog() TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
