-- The access with which the job of a report run reads each report for the requester.
--
-- The job has no caller. It opens an access with a secret that only the key ring can compute, so that SQL with the password
-- of the API cannot open one.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.open_report_run(p_run uuid, p_secret bytea, p_act text, p_request text)
RETURNS access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    requester constant uuid := (SELECT r.requested_by_id FROM public.report_runs r
                                 WHERE r.id = p_run AND r.secret_hash = sha256(p_secret)
                                   AND r.status IN ('queued', 'running'));
    opened access.opened_access;
BEGIN
    PERFORM access.require_durable_commit();
    IF p_act IS NULL OR p_act NOT IN ('report.read', 'report.read_entry_profile') THEN
        RAISE EXCEPTION 'a report run has another act' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    opened := access.resolve_user(requester);
    IF opened.name IS NULL THEN
        PERFORM access.write_unauthenticated_event(
            'anonymous', NULL, NULL, NULL, p_act, p_request, NULL, NULL, 404);
    ELSE
        opened := access.write_event(opened, 'person', requester, NULL, NULL, p_act, p_request, NULL, NULL);
    END IF;
    RETURN opened;
END
$$;
COMMENT ON FUNCTION access.open_report_run(uuid, bytea, text, text) IS
    'Opens an access for the requester of an unfinished report run, with the act report.read or report.read_entry_profile '
    'and the current roles of the requester. If the secret is wrong or the requester is inactive, it writes an anonymous event with the outcome '
    'unauthenticated.';

REVOKE ALL ON FUNCTION access.open_report_run(uuid, bytea, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.open_report_run(uuid, bytea, text, text) TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
