-- The wall as it was before: between the two cases that were linked.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;
DROP FUNCTION access.shares_a_worker(uuid, uuid), access.wall_stands(uuid, uuid[]);

CREATE OR REPLACE FUNCTION access.walled_cases() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH worker AS MATERIALIZED (SELECT access.worker_id() AS id, access.supervised_teams() AS teams)
    SELECT coalesce(array_agg(far.id), '{}')
      FROM worker
      JOIN (SELECT case_id AS near, linked_case_id AS far FROM public.case_links
             UNION ALL
            SELECT linked_case_id, case_id FROM public.case_links) l ON worker.id IS NOT NULL
      JOIN public.cases near ON near.id = l.near
      JOIN public.cases far ON far.id = l.far
     WHERE (near.lead_worker_id = worker.id
            OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = near.id AND w.user_id = worker.id))
       AND NOT (near.team_id = ANY (worker.teams) AND far.team_id = ANY (worker.teams))
$$;

CREATE FUNCTION access.wall_stands(p_case uuid, p_workers uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT linked_case_id AS far FROM public.case_links WHERE case_id = p_case
                      UNION ALL
                     SELECT case_id FROM public.case_links WHERE linked_case_id = p_case) l
          JOIN public.cases c ON c.id = l.far
         WHERE c.lead_worker_id = ANY (p_workers)
            OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = ANY (p_workers)))
       AND access.is_staff()
$$;
REVOKE ALL ON FUNCTION access.wall_stands(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.wall_stands(uuid, uuid[]) TO firststep_api, firststep_owner;
RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
