-- Compute the cases that a caller works with and the cases that the conflict wall hides, and answer questions about
-- cases that the caller cannot see.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE TYPE access.case_scope AS (
    assigned_case_ids uuid[], break_glass_case_ids uuid[], conflict_wall_case_ids uuid[]
);
COMMENT ON TYPE access.case_scope IS
    'The cases of a worker that the columns of cases do not show: cases as a co-worker, with unexpired break-glass '
    'access, and behind the conflict wall.';

-- The conflict wall separates children, not single cases. It also hides cases that are opened later for a linked child,
-- and work on a closed case counts as work with the child. This query runs only for a worker whose children have links.
CREATE FUNCTION access.list_conflict_wall_case_ids(
    p_worker uuid, p_teams uuid[], p_assigned uuid[], p_break_glass uuid[], p_children uuid[], p_can_read_all boolean
) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH linked (child_id, other_child_id) AS (
        SELECT child_id, linked_child_id FROM public.case_links WHERE child_id = ANY (p_children)
         UNION ALL
        SELECT linked_child_id, child_id FROM public.case_links WHERE linked_child_id = ANY (p_children)
    ), hidden AS (
        -- Cases of a child that is linked with a child the caller works with.
        SELECT other.id
          FROM public.cases own
          JOIN linked l ON l.child_id = own.child_id
          JOIN public.cases other ON other.child_id = l.other_child_id
         WHERE (own.lead_worker_id = p_worker OR own.id = ANY (p_assigned))
           AND NOT (own.team_id = ANY (p_teams) AND other.team_id = ANY (p_teams))
         UNION
        -- Cases that the caller opened by break-glass, if their child is linked with a child whose case the caller
        -- supervises or also opened by break-glass.
        SELECT other.id
          FROM public.cases other
          JOIN linked l ON l.child_id = other.child_id
          JOIN public.cases own ON own.child_id = l.other_child_id
         WHERE other.id = ANY (p_break_glass) AND NOT p_can_read_all
           AND (own.team_id = ANY (p_teams) OR own.id = ANY (p_break_glass))
           AND NOT (other.team_id = ANY (p_teams) OR other.lead_worker_id = p_worker OR other.id = ANY (p_assigned))
    )
    SELECT coalesce(array_agg(id), '{}') FROM hidden
$$;
COMMENT ON FUNCTION access.list_conflict_wall_case_ids(uuid, uuid[], uuid[], uuid[], uuid[], boolean) IS
    'Returns the ids of the cases that the conflict wall hides from a worker: cases of a child that is linked with a '
    'child the worker works with, unless the worker supervises both teams; and cases that the worker opened by '
    'break-glass, if their child is linked with a child whose case the worker supervises or also opened by '
    'break-glass. p_children are the children of the cases that the worker leads, is assigned to or opened by '
    'break-glass.';

-- Every request calls this function. It looks up the links of the worker's children by index, so that its cost does not
-- depend on the number of links in the database.
CREATE FUNCTION access.compute_case_scope(p_worker uuid, p_teams uuid[], p_can_read_all boolean)
RETURNS access.case_scope
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    scope access.case_scope := ROW ('{}', '{}', '{}');
    children uuid[];
BEGIN
    IF p_worker IS NULL THEN
        RETURN scope;
    END IF;
    scope.assigned_case_ids := ARRAY (SELECT w.case_id FROM public.case_workers w WHERE w.user_id = p_worker);
    scope.break_glass_case_ids := ARRAY (SELECT b.case_id FROM public.break_glass b
                                          WHERE b.user_id = p_worker AND b.expires_at > clock_timestamp());
    children := ARRAY (
        SELECT c.child_id FROM public.cases c WHERE c.lead_worker_id = p_worker
         UNION ALL
        SELECT c.child_id FROM public.cases c
         WHERE c.id = ANY (scope.assigned_case_ids || scope.break_glass_case_ids));
    IF EXISTS (SELECT FROM public.case_links l WHERE l.child_id = ANY (children))
       OR EXISTS (SELECT FROM public.case_links l WHERE l.linked_child_id = ANY (children)) THEN
        scope.conflict_wall_case_ids := access.list_conflict_wall_case_ids(
            p_worker, p_teams, scope.assigned_case_ids, scope.break_glass_case_ids, children, p_can_read_all);
    END IF;
    RETURN scope;
END
$$;
COMMENT ON FUNCTION access.compute_case_scope(uuid, uuid[], boolean) IS
    'Returns the case scope of a social worker or supervisor who supervises the given teams. Without a worker, the '
    'scope is empty.';

CREATE FUNCTION access.violates_conflict_wall(p_child uuid, p_workers uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM access.context() x,
                    (SELECT linked_child_id AS child_id FROM public.case_links WHERE child_id = p_child
                      UNION
                     SELECT child_id FROM public.case_links WHERE linked_child_id = p_child) l
          JOIN public.cases c ON c.child_id = l.child_id
         WHERE x.is_staff
           AND (c.lead_worker_id = ANY (p_workers)
                OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = ANY (p_workers))))
$$;
COMMENT ON FUNCTION access.violates_conflict_wall(uuid, uuid[]) IS
    'Returns whether any of the workers works, or worked, with a child that is linked with the given child. Assigning '
    'such a worker would violate the conflict wall. Always false unless the caller is staff.';

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
    SELECT EXISTS (SELECT FROM access.context() x, work one JOIN work two USING (worker_id)
                    WHERE x.act = 'case.link' AND one.child_id = p_child AND two.child_id = p_other
                      AND 'closed' <> ANY (ARRAY[one.status, two.status]))
$$;
COMMENT ON FUNCTION access.children_share_worker(uuid, uuid) IS
    'Returns whether linking two children would hide an open case from its own worker, because that worker also '
    'works, or worked, with the other child. Always false unless the act of the access is case.link.';

CREATE FUNCTION access.has_open_case(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM access.context() x, public.cases c
                    WHERE x.act IN ('referral.accept', 'case.reopen') AND c.child_id = p_child AND c.status <> 'closed')
$$;
COMMENT ON FUNCTION access.has_open_case(uuid) IS
    'Returns whether a child has an open case, also one that the caller cannot see, so that no child gets two open '
    'cases. Always false unless the act of the access is referral.accept or case.reopen.';

REVOKE ALL ON FUNCTION
    access.list_conflict_wall_case_ids(uuid, uuid[], uuid[], uuid[], uuid[], boolean),
    access.compute_case_scope(uuid, uuid[], boolean), access.violates_conflict_wall(uuid, uuid[]),
    access.children_share_worker(uuid, uuid), access.has_open_case(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.violates_conflict_wall(uuid, uuid[]), access.children_share_worker(uuid, uuid), access.has_open_case(uuid)
    TO firststep_api, firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
