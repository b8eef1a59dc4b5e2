-- Find out who is responsible for work: lead workers who can act, supervisors who can decide, and work without either.
--
-- A person can act if the account is active and a confirmed role is effective. Work without a lead worker who can act is
-- unstaffed: it belongs to the supervisors of the team, or to the programme managers if no supervisor can act.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.can_act(p_user uuid, p_roles text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.users u
                    WHERE u.id = p_user AND u.is_active AND u.activation_digest IS NULL AND u.roles && p_roles)
$$;
COMMENT ON FUNCTION access.can_act(uuid, text[]) IS
    'Returns whether a user is active and has at least one of the roles, and whether the roles have an effect.';

CREATE FUNCTION access.is_behind_conflict_wall(p_user uuid, p_case uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.case_links l JOIN public.cases c ON c.child_id = l.child_id WHERE c.id = p_case
                    UNION ALL
                   SELECT FROM public.case_links l JOIN public.cases c ON c.child_id = l.linked_child_id WHERE c.id = p_case)
       AND p_case = ANY ((access.compute_case_scope(
               p_user, ARRAY (SELECT m.team_id FROM public.team_members m WHERE m.user_id = p_user AND m.is_supervisor),
               access.can_act(p_user, '{programme_manager}'))).conflict_wall_case_ids)
$$;
COMMENT ON FUNCTION access.is_behind_conflict_wall(uuid, uuid) IS
    'Returns whether the conflict wall hides a case from a user.';

CREATE FUNCTION access.has_supervisor(p_case uuid, p_excluded uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT NOT EXISTS (SELECT FROM access.context() x WHERE x.can_read_all_cases)
        OR EXISTS (SELECT FROM public.cases c
                     JOIN public.team_members m ON m.team_id = c.team_id AND m.is_supervisor
                    WHERE c.id = p_case AND m.user_id <> ALL (array_remove(p_excluded, NULL))
                      AND access.can_act(m.user_id, '{supervisor}')
                      AND NOT access.is_behind_conflict_wall(m.user_id, c.id))
$$;
COMMENT ON FUNCTION access.has_supervisor(uuid, uuid[]) IS
    'Returns whether the team of a case has a supervisor who can act, can see the case and is not one of p_excluded. '
    'Without one, a programme manager decides. Always true unless the caller can read the cases of all teams.';

-- Begins with the people who cannot act, so that its cost does not depend on the number of cases. Without enable_seqscan =
-- off, PostgreSQL would scan whole tables for the few rows of the partial indexes.
CREATE FUNCTION access.list_unstaffed_cases() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = '' SET enable_seqscan = off
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
    absent constant uuid[] := ARRAY (SELECT u.id FROM public.users u
                                      WHERE NOT access.can_act(u.id, '{social_worker,supervisor}'));
BEGIN
    RETURN QUERY
    WITH unstaffed AS (
        SELECT c.id, c.team_id FROM public.cases c WHERE c.status <> 'closed' AND c.lead_worker_id = ANY (absent)
         UNION ALL
        -- Of the closed cases, only those with open work.
        SELECT c.id, c.team_id
          FROM public.cases c
         WHERE c.status = 'closed' AND c.lead_worker_id = ANY (absent) AND access.has_open_work(c.id)
    )
    SELECT u.id FROM unstaffed u
     WHERE u.team_id = ANY (context.supervised_team_ids)
        OR (context.can_read_all_cases AND NOT access.has_supervisor(u.id, '{}'));
END
$$;
COMMENT ON FUNCTION access.list_unstaffed_cases() IS
    'Returns the ids of the cases without a lead worker who can act, open or with open work, that the caller is '
    'responsible for: as a supervisor of the team, or as a programme manager if the team has no supervisor who can act.';

CREATE FUNCTION access.list_records_without_approver() RETURNS TABLE (record_id uuid, case_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = '' SET enable_seqscan = off
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
BEGIN
    IF context.can_read_all_cases THEN
        RETURN QUERY
        SELECT r.id, r.of_case
          FROM (SELECT a.id, a.case_id AS of_case, a.contributor_ids || a.author_id || a.submitted_by_id AS authors
                  FROM public.assessments a WHERE a.status = 'submitted'
                 UNION ALL
                SELECT p.id, p.case_id, p.contributor_ids || p.author_id || p.submitted_by_id
                  FROM public.care_plans p WHERE p.status = 'submitted'
                 UNION ALL
                SELECT e.id, e.case_id, ARRAY[e.author_id] FROM public.exit_plans e WHERE e.status = 'draft') AS r
         WHERE context.caller_id <> ALL (array_remove(r.authors, NULL))
           AND NOT access.has_supervisor(r.of_case, r.authors);
    END IF;
END
$$;
COMMENT ON FUNCTION access.list_records_without_approver() IS
    'Returns the submitted assessments and care plans, and the drafts of exit plans, that no supervisor of the team can '
    'approve, because the team has no supervisor, or every supervisor is an author. Returns no row unless the caller is a '
    'programme manager, and never a record that the caller wrote.';

CREATE FUNCTION access.count_remaining_work(
    p_user uuid, OUT cases integer, OUT co_worker_cases integer, OUT support_sessions integer, OUT hearings integer,
    OUT follow_ups integer, OUT referrals integer, OUT approvals integer, OUT team_ids uuid[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    led constant uuid[] := ARRAY (SELECT c.id FROM public.cases c WHERE c.lead_worker_id = p_user);
BEGIN
    PERFORM access.require_caller('{user.manage,user.hand_over}', '{administrator,supervisor,programme_manager}');
    team_ids := ARRAY (
        SELECT m.team_id FROM public.team_members m JOIN public.teams t ON t.id = m.team_id
         WHERE m.user_id = p_user AND m.is_supervisor
           AND NOT EXISTS (SELECT FROM public.team_members o
                            WHERE o.team_id = m.team_id AND o.is_supervisor AND o.user_id <> p_user
                              AND access.can_act(o.user_id, '{supervisor}')));
    SELECT count(*) FILTER (WHERE c.status <> 'closed') INTO cases FROM public.cases c WHERE c.lead_worker_id = p_user;
    SELECT count(*) INTO co_worker_cases
      FROM public.case_workers w JOIN public.cases c ON c.id = w.case_id
     WHERE w.user_id = p_user AND c.status <> 'closed';
    SELECT count(*) INTO support_sessions
      FROM public.support_sessions s WHERE s.worker_id = p_user AND s.status = 'planned' AND s.entered_in_error_at IS NULL;
    SELECT count(*) INTO hearings FROM public.legal_steps l WHERE l.case_id = ANY (led) AND l.status = 'planned' AND l.entered_in_error_at IS NULL;
    SELECT count(*) INTO follow_ups
      FROM public.follow_ups f WHERE f.case_id = ANY (led) AND f.status IN ('due', 'missed');
    SELECT count(*) INTO referrals
      FROM public.referrals r
     WHERE r.handed_to_id = p_user AND r.status IN ('received', 'acknowledged', 'information_requested');
    SELECT count(*) INTO approvals
      FROM (SELECT a.case_id FROM public.assessments a WHERE a.status = 'submitted'
             UNION ALL
            SELECT p.case_id FROM public.care_plans p WHERE p.status = 'submitted'
             UNION ALL
            -- A review that begins the exit creates an empty draft, which does not need an approval yet.
            SELECT e.case_id FROM public.exit_plans e JOIN public.cases x ON x.id = e.case_id
             WHERE e.status = 'draft' AND (e.version > 1 OR e.ends_on IS NOT NULL OR x.status <> 'exiting')
             UNION ALL
            SELECT d.case_id FROM public.disbursements d WHERE d.status = 'requested') AS waiting
      JOIN public.cases c ON c.id = waiting.case_id
     WHERE c.status <> 'closed' AND c.team_id = ANY (team_ids);
END
$$;
COMMENT ON FUNCTION access.count_remaining_work(uuid) IS
    'Returns how much open work a user has, and the teams without another supervisor who can act, for administrators who '
    'deactivate the user and for those who hand over the work. The numbers contain nothing about a child.';

CREATE FUNCTION access.get_target(p_name text) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT make_interval(hours => t.hours) FROM public.targets t WHERE t.name = p_name $$;
COMMENT ON FUNCTION access.get_target(text) IS 'Returns the time of a target, or NULL if its name is unknown.';

REVOKE ALL ON FUNCTION
    access.count_remaining_work(uuid), access.get_target(text), access.can_act(uuid, text[]), access.is_behind_conflict_wall(uuid, uuid), access.has_supervisor(uuid, uuid[]),
    access.list_unstaffed_cases(), access.list_records_without_approver()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.count_remaining_work(uuid), access.get_target(text), access.can_act(uuid, text[]), access.has_supervisor(uuid, uuid[]), access.list_unstaffed_cases(),
    access.list_records_without_approver()
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
