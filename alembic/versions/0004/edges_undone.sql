GRANT CREATE ON SCHEMA access TO firststep_gate;

DROP POLICY written_by_the_custodian ON access_entries;
ALTER POLICY written_by_requests ON access_entries TO firststep_api, firststep_owner WITH CHECK (true);

SET LOCAL ROLE firststep_gate;

CREATE OR REPLACE FUNCTION access.conclude(
    p_event uuid, p_outcome text, p_status integer, p_kind text, p_record uuid
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.access_entries (event_id, outcome, status, record_kind, record_id)
    VALUES (p_event, p_outcome, p_status, p_kind, p_record)
$$;

CREATE OR REPLACE FUNCTION access.has_open_case(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c WHERE c.child_id = p_child AND c.status <> 'closed')
       AND (SELECT (access.event()).act) IN ('referral.accept', 'case.reopen')
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
