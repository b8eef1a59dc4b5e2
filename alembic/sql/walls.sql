-- The wall stands around children, not around single cases: what is opened later for one of them stands behind it too,
-- and who knows a child from a case long closed does not come to work on the other side.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- A case stands behind the wall for who works with a child linked with its child, unless they supervise both teams. One
-- that broken glass alone shows stands there also for who supervises a linked child's case or broke glass on it: no reason
-- opens the wall, and who opens both sides sees neither. From the links outwards: without any, nothing else is asked. (In the
-- CASE, roles are asked of the few rows that come so far; beside an AND they would be asked first, and always.)
CREATE OR REPLACE FUNCTION access.walled_cases() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH worker AS MATERIALIZED (
        SELECT access.worker_id() AS id, access.supervised_teams() AS teams
    ), shared AS MATERIALIZED (
        SELECT w.case_id AS id FROM public.case_workers w WHERE w.user_id = (SELECT id FROM worker)
    ), opened AS MATERIALIZED (
        SELECT b.case_id AS id FROM public.break_glass b
         WHERE b.user_id = (SELECT id FROM worker) AND b.expires_at > clock_timestamp()
    ), linked (near, far) AS MATERIALIZED (
        SELECT child_id, linked_child_id FROM public.case_links
         UNION
        SELECT linked_child_id, child_id FROM public.case_links
    ), walled AS (
        SELECT far.id
          FROM worker
          JOIN linked l ON worker.id IS NOT NULL
          JOIN public.cases near ON near.child_id = l.near
          JOIN public.cases far ON far.child_id = l.far
         WHERE (near.lead_worker_id = worker.id OR near.id IN (SELECT id FROM shared))
           AND NOT (near.team_id = ANY (worker.teams) AND far.team_id = ANY (worker.teams))
         UNION
        SELECT far.id
          FROM worker
          JOIN opened ON worker.id IS NOT NULL
          JOIN public.cases far ON far.id = opened.id
          JOIN linked l ON l.far = far.child_id
          JOIN public.cases near ON near.child_id = l.near
         WHERE EXISTS (SELECT FROM linked)
           AND (near.team_id = ANY (worker.teams) OR near.id IN (SELECT id FROM opened))
           AND CASE WHEN far.team_id = ANY (worker.teams) OR far.lead_worker_id = worker.id
                      OR far.id IN (SELECT id FROM shared) THEN false
                    ELSE NOT (SELECT access.sees_every_case()) END
    )
    SELECT coalesce(array_agg(id), '{}') FROM walled
$$;

-- Whether any of these people works, or worked, with a child that a child is linked with: for the one rule that must
-- know it unseen, that nobody is assigned to both sides.
DROP FUNCTION access.wall_stands(uuid, uuid[]);
CREATE FUNCTION access.wall_stands(p_child uuid, p_workers uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT linked_child_id AS far FROM public.case_links WHERE child_id = p_child
                      UNION
                     SELECT child_id FROM public.case_links WHERE linked_child_id = p_child) l
          JOIN public.cases c ON c.child_id = l.far
         WHERE c.lead_worker_id = ANY (p_workers)
            OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = ANY (p_workers)))
       AND access.is_staff()
$$;

-- Whether somebody works on an open case of one child, and works or worked on any of another's: a wall between the two
-- would shut them out of their own case. For the act of linking, seen or not.
CREATE FUNCTION access.shares_a_worker(p_child uuid, p_other uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH work AS (
        SELECT c.child_id, c.status, c.lead_worker_id AS worker_id
          FROM public.cases c WHERE c.child_id IN (p_child, p_other)
         UNION ALL
        SELECT c.child_id, c.status, w.user_id
          FROM public.cases c JOIN public.case_workers w ON w.case_id = c.id WHERE c.child_id IN (p_child, p_other)
    )
    SELECT EXISTS (SELECT FROM work one JOIN work two USING (worker_id)
                    WHERE one.child_id = p_child AND two.child_id = p_other
                      AND 'closed' <> ANY (ARRAY[one.status, two.status]))
       AND (SELECT (access.event()).act) = 'case.link'
$$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['access.wall_stands(uuid, uuid[])', 'access.shares_a_worker(uuid, uuid)']::regprocedure[] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO firststep_api, firststep_owner', f);
    END LOOP;
END
$$;
RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
