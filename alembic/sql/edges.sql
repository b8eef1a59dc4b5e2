-- Who writes SQL by hand with the API's password writes nothing into the log's past: only into an access just opened.

GRANT CREATE ON SCHEMA access TO firststep_gate;

ALTER POLICY written_by_requests ON access_entries TO firststep_api
    WITH CHECK (event_id = (SELECT (access.event()).id));
CREATE POLICY written_by_the_custodian ON access_entries FOR INSERT TO firststep_owner WITH CHECK (true);

SET LOCAL ROLE firststep_gate;

-- How an access ended, told while it may still be under way.
CREATE OR REPLACE FUNCTION access.conclude(
    p_event uuid, p_outcome text, p_status integer, p_kind text, p_record uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET enable_seqscan = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.access_events e
                    WHERE e.id = p_event AND e.opened_at > clock_timestamp() - interval '5 minutes') THEN
        RAISE EXCEPTION 'no access was opened lately that could end now' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.access_entries (event_id, outcome, status, record_kind, record_id)
    VALUES (p_event, p_outcome, p_status, p_kind, p_record);
END
$$;

-- Without an access of the right act: false, whatever is true. (NULL told it apart.)
CREATE OR REPLACE FUNCTION access.has_open_case(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce((SELECT (access.event()).act) IN ('referral.accept', 'case.reopen'), false)
       AND EXISTS (SELECT FROM public.cases c WHERE c.child_id = p_child AND c.status <> 'closed')
$$;

CREATE OR REPLACE FUNCTION access.shares_a_worker(p_child uuid, p_other uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH work AS (
        SELECT c.child_id, c.status, c.lead_worker_id AS worker_id
          FROM public.cases c WHERE c.child_id IN (p_child, p_other)
         UNION ALL
        SELECT c.child_id, c.status, w.user_id
          FROM public.cases c JOIN public.case_workers w ON w.case_id = c.id WHERE c.child_id IN (p_child, p_other)
    )
    SELECT coalesce((SELECT (access.event()).act) = 'case.link', false)
       AND EXISTS (SELECT FROM work one JOIN work two USING (worker_id)
                    WHERE one.child_id = p_child AND two.child_id = p_other
                      AND 'closed' <> ANY (ARRAY[one.status, two.status]))
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
