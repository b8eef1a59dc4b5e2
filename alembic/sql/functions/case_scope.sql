-- Decide which cases a caller can read and write. The row policies of cases, and of the tables that refer to cases, use
-- these functions.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.assigned_case_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(w.case_id), '{}') FROM public.case_workers w WHERE w.user_id = (SELECT access.worker_id())
$$;
COMMENT ON FUNCTION access.assigned_case_ids() IS
    'Returns the ids of the cases that the caller is assigned to as a co-worker.';

CREATE FUNCTION access.assigned_or_break_glass_case_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH worker AS MATERIALIZED (SELECT access.worker_id() AS id)
    SELECT coalesce(array_agg(c.case_id), '{}')
      FROM (SELECT w.case_id FROM public.case_workers w WHERE w.user_id = (SELECT id FROM worker)
             UNION ALL
            SELECT b.case_id FROM public.break_glass b
             WHERE b.user_id = (SELECT id FROM worker) AND b.expires_at > clock_timestamp()) c
$$;
COMMENT ON FUNCTION access.assigned_or_break_glass_case_ids() IS
    'Returns the ids of the cases that the caller is assigned to as a co-worker or has unexpired break-glass access '
    'to.';

-- The conflict wall separates children, not single cases. It also hides cases that are opened later for a linked child,
-- and work on a closed case counts as work with the child.
--
-- The query starts from the links, so that it is fast for a caller without linked children. The role is tested inside
-- the CASE, because PostgreSQL would evaluate a separate AND condition first, also when no children are linked.
CREATE FUNCTION access.conflict_wall_case_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH worker AS MATERIALIZED (
        SELECT access.worker_id() AS id, access.supervised_team_ids() AS team_ids
    ), assigned AS MATERIALIZED (
        SELECT w.case_id AS id FROM public.case_workers w WHERE w.user_id = (SELECT id FROM worker)
    ), break_glass AS MATERIALIZED (
        SELECT b.case_id AS id FROM public.break_glass b
         WHERE b.user_id = (SELECT id FROM worker) AND b.expires_at > clock_timestamp()
    ), linked (child_id, other_child_id) AS MATERIALIZED (
        SELECT child_id, linked_child_id FROM public.case_links
         UNION
        SELECT linked_child_id, child_id FROM public.case_links
    ), hidden AS (
        -- Cases of a child that is linked with a child the caller works with.
        SELECT other.id
          FROM worker
          JOIN linked l ON worker.id IS NOT NULL
          JOIN public.cases own ON own.child_id = l.child_id
          JOIN public.cases other ON other.child_id = l.other_child_id
         WHERE (own.lead_worker_id = worker.id OR own.id IN (SELECT id FROM assigned))
           AND NOT (own.team_id = ANY (worker.team_ids) AND other.team_id = ANY (worker.team_ids))
         UNION
        -- Cases that the caller opened by break-glass, if their child is linked with a child whose case the caller
        -- supervises or also opened by break-glass.
        SELECT other.id
          FROM worker
          JOIN break_glass ON worker.id IS NOT NULL
          JOIN public.cases other ON other.id = break_glass.id
          JOIN linked l ON l.other_child_id = other.child_id
          JOIN public.cases own ON own.child_id = l.child_id
         WHERE EXISTS (SELECT FROM linked)
           AND (own.team_id = ANY (worker.team_ids) OR own.id IN (SELECT id FROM break_glass))
           AND CASE WHEN other.team_id = ANY (worker.team_ids) OR other.lead_worker_id = worker.id
                      OR other.id IN (SELECT id FROM assigned) THEN false
                    ELSE NOT (SELECT access.can_read_all_cases()) END
    )
    SELECT coalesce(array_agg(id), '{}') FROM hidden
$$;
COMMENT ON FUNCTION access.conflict_wall_case_ids() IS
    'Returns the ids of the cases that the conflict wall hides from the caller: cases of a child that is linked with '
    'a child the caller works with, unless the caller supervises both teams; and cases that the caller opened by '
    'break-glass, if their child is linked with a child whose case the caller supervises or also opened by '
    'break-glass.';

CREATE FUNCTION access.violates_conflict_wall(p_child uuid, p_workers uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT linked_child_id AS child_id FROM public.case_links WHERE child_id = p_child
                      UNION
                     SELECT child_id FROM public.case_links WHERE linked_child_id = p_child) l
          JOIN public.cases c ON c.child_id = l.child_id
         WHERE c.lead_worker_id = ANY (p_workers)
            OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = ANY (p_workers)))
       AND access.is_staff()
$$;
COMMENT ON FUNCTION access.violates_conflict_wall(uuid, uuid[]) IS
    'Returns whether any of the workers works, or worked, with a child that is linked with the given child. Assigning '
    'such a worker would violate the conflict wall.';

CREATE FUNCTION access.children_share_worker(p_child uuid, p_other uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH work AS (
        SELECT c.child_id, c.status, c.lead_worker_id AS worker_id
          FROM public.cases c WHERE c.child_id IN (p_child, p_other)
         UNION ALL
        SELECT c.child_id, c.status, w.user_id
          FROM public.cases c JOIN public.case_workers w ON w.case_id = c.id WHERE c.child_id IN (p_child, p_other)
    )
    SELECT coalesce((SELECT (access.current_event()).act) = 'case.link', false)
       AND EXISTS (SELECT FROM work one JOIN work two USING (worker_id)
                    WHERE one.child_id = p_child AND two.child_id = p_other
                      AND 'closed' <> ANY (ARRAY[one.status, two.status]))
$$;
COMMENT ON FUNCTION access.children_share_worker(uuid, uuid) IS
    'Returns whether linking two children would hide an open case from its own worker, because that worker also '
    'works, or worked, with the other child. Always false unless the act of the access event is case.link.';

-- coalesce() makes the result false instead of NULL if no access event is set.
CREATE FUNCTION access.has_open_case(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce((SELECT (access.current_event()).act) IN ('referral.accept', 'case.reopen'), false)
       AND EXISTS (SELECT FROM public.cases c WHERE c.child_id = p_child AND c.status <> 'closed')
$$;
COMMENT ON FUNCTION access.has_open_case(uuid) IS
    'Returns whether a child has an open case, also one that the caller cannot see, so that no child gets two open '
    'cases. Always false unless the act of the access event is referral.accept or case.reopen.';

REVOKE ALL ON FUNCTION
    access.assigned_case_ids(), access.assigned_or_break_glass_case_ids(), access.conflict_wall_case_ids(),
    access.violates_conflict_wall(uuid, uuid[]), access.children_share_worker(uuid, uuid), access.has_open_case(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.assigned_case_ids(), access.assigned_or_break_glass_case_ids(), access.conflict_wall_case_ids(),
    access.violates_conflict_wall(uuid, uuid[]), access.children_share_worker(uuid, uuid), access.has_open_case(uuid)
    TO firststep_api, firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

-- The two functions below run with the privileges of the role that calls them. Services and triggers call them. Row
-- policies repeat the same conditions instead (except WITH CHECK of referrals), because PostgreSQL evaluates a function
-- with a column as argument for every row.

CREATE FUNCTION access.is_case_staff(p_case uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c
                    WHERE c.id = p_case
                      AND ((SELECT access.can_read_all_cases())
                           OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                           OR c.lead_worker_id = (SELECT access.worker_id())
                           OR c.id = ANY ((SELECT access.assigned_case_ids())::uuid[])))
$$;
COMMENT ON FUNCTION access.is_case_staff(uuid) IS
    'Returns whether the caller is staff of a visible case: its lead worker, a co-worker, a supervisor of its team, '
    'or a caller who can read the cases of all teams. Break-glass access does not make a caller staff.';
GRANT EXECUTE ON FUNCTION access.is_case_staff(uuid) TO firststep_api, firststep_owner;

CREATE FUNCTION access.can_read_tier(p_tier text, p_case uuid, p_author uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c
                    WHERE c.id = p_case
                      AND CASE p_tier
                          WHEN 'case' THEN true
                          WHEN 'clinical' THEN p_author = (SELECT access.worker_id())
                                               OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                          WHEN 'legal' THEN (SELECT access.can_read_all_cases())
                                            OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                                            OR c.lead_worker_id = (SELECT access.worker_id())
                                            OR EXISTS (SELECT FROM public.case_workers w
                                                        WHERE w.case_id = c.id
                                                          AND w.user_id = (SELECT access.worker_id()))
                          ELSE false END)
$$;
COMMENT ON FUNCTION access.can_read_tier(text, uuid, uuid) IS
    'Returns whether the caller can read records of a tier in a visible case. Readers of the tier case: all who can '
    'see the case; of the tier clinical: the author and the supervisors of the team; of the tier legal: the staff of '
    'the case.';
GRANT EXECUTE ON FUNCTION access.can_read_tier(text, uuid, uuid) TO firststep_api, firststep_owner;
