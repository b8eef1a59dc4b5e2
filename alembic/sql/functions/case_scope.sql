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
-- and work on a closed case counts as work with the child. The query starts from the children of the worker and finds
-- their links by index, so that its cost does not depend on the number of links in the database.
CREATE FUNCTION access.linked_case_ids(p_worker uuid, p_teams uuid[], p_assigned uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH own AS (
        SELECT c.child_id, c.team_id FROM public.cases c WHERE c.lead_worker_id = p_worker
         UNION
        SELECT c.child_id, c.team_id FROM public.cases c WHERE c.id = ANY (p_assigned)
    ), linked AS (
        SELECT l.linked_child_id AS child_id, own.team_id
          FROM own JOIN public.case_links l ON l.child_id = own.child_id
         UNION
        SELECT l.child_id, own.team_id
          FROM own JOIN public.case_links l ON l.linked_child_id = own.child_id
    )
    SELECT coalesce(array_agg(DISTINCT other.id), '{}')
      FROM linked
      JOIN public.cases other ON other.child_id = linked.child_id
     WHERE NOT (linked.team_id = ANY (p_teams) AND other.team_id = ANY (p_teams))
$$;
COMMENT ON FUNCTION access.linked_case_ids(uuid, uuid[], uuid[]) IS
    'Returns the ids of the cases of a child that is linked with a child the worker works with, unless the worker '
    'supervises both teams. The last argument is the cases that the worker is assigned to as a co-worker.';

CREATE FUNCTION access.linked_break_glass_case_ids(
    p_worker uuid, p_teams uuid[], p_assigned uuid[], p_break_glass uuid[]
) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(DISTINCT other.id), '{}')
      FROM public.cases other
      JOIN (SELECT child_id, linked_child_id AS other_child_id FROM public.case_links
             UNION ALL
            SELECT linked_child_id, child_id FROM public.case_links) l ON l.other_child_id = other.child_id
      JOIN public.cases own ON own.child_id = l.child_id
     WHERE other.id = ANY (p_break_glass)
       AND (own.team_id = ANY (p_teams) OR own.id = ANY (p_break_glass))
       AND NOT coalesce(other.team_id = ANY (p_teams) OR other.lead_worker_id = p_worker
                        OR other.id = ANY (p_assigned), false)
$$;
COMMENT ON FUNCTION access.linked_break_glass_case_ids(uuid, uuid[], uuid[], uuid[]) IS
    'Returns the ids of the cases that the worker opened by break-glass, if their child is linked with a child whose '
    'case the worker supervises or also opened by break-glass. Cases of which the worker is staff are not included.';

CREATE FUNCTION access.compute_case_scope(p_worker uuid, p_teams uuid[], p_can_read_all boolean)
RETURNS access.case_scope
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    scope access.case_scope := ROW ('{}', '{}', '{}');
BEGIN
    IF p_worker IS NULL THEN
        RETURN scope;
    END IF;
    scope.assigned_case_ids := ARRAY (SELECT w.case_id FROM public.case_workers w WHERE w.user_id = p_worker);
    scope.break_glass_case_ids := ARRAY (SELECT DISTINCT b.case_id FROM public.break_glass b
                                          WHERE b.user_id = p_worker AND b.expires_at > clock_timestamp());
    scope.conflict_wall_case_ids := access.linked_case_ids(p_worker, p_teams, scope.assigned_case_ids);
    IF cardinality(scope.break_glass_case_ids) > 0 AND NOT p_can_read_all THEN
        scope.conflict_wall_case_ids := scope.conflict_wall_case_ids || access.linked_break_glass_case_ids(
            p_worker, p_teams, scope.assigned_case_ids, scope.break_glass_case_ids);
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
    access.linked_case_ids(uuid, uuid[], uuid[]), access.linked_break_glass_case_ids(uuid, uuid[], uuid[], uuid[]),
    access.compute_case_scope(uuid, uuid[], boolean), access.violates_conflict_wall(uuid, uuid[]),
    access.children_share_worker(uuid, uuid), access.has_open_case(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.violates_conflict_wall(uuid, uuid[]), access.children_share_worker(uuid, uuid), access.has_open_case(uuid)
    TO firststep_api, firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
