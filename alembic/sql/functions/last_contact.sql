-- The date of the last contact in cases, computed from the support sessions.
--
-- The function belongs to firststep_gate, because a worker who is not staff of the case can record and correct sessions
-- of their own, but cannot update the case. firststep_api has no privilege to set the column to another value.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.update_last_contact(p_case uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE public.cases c
       SET last_contact_on = s.last_contact_on, version = c.version + 1,
           updated_at = greatest(c.updated_at, s.updated_at)
      FROM (SELECT (max(held_at) FILTER (WHERE status = 'held' AND entered_in_error_at IS NULL)
                          AT TIME ZONE 'Asia/Phnom_Penh')::date AS last_contact_on,
                   max(updated_at) AS updated_at
              FROM public.support_sessions WHERE case_id = p_case) s
     WHERE c.id = p_case AND c.last_contact_on IS DISTINCT FROM s.last_contact_on
       AND EXISTS (SELECT FROM access.context() x
                    WHERE x.is_staff AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id))
$$;
COMMENT ON FUNCTION access.update_last_contact(uuid) IS
    'Sets last_contact_on of a case to the local date of its latest held support session, or to NULL without one, and '
    'increments the version of the case if the date changes. Sessions that were entered in error do not count. Has no effect unless the caller can read the case.';

REVOKE ALL ON FUNCTION access.update_last_contact(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.update_last_contact(uuid) TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
