-- Idempotency keys, and the periodic maintenance: removal of expired rows, and partitions of the access log.

-- The function is VOLATILE and runs the lock and the lookup as two statements, so that each has its own snapshot. The
-- lookup therefore finds a response that the previous holder of the lock has just committed.
CREATE FUNCTION access.claim_idempotency_key(p_access text, p_lock bigint, p_principal uuid, p_key bytea)
RETURNS TABLE (
    lock_acquired boolean, row_id uuid, fingerprint bytea, status integer, stored_at timestamptz,
    response_encrypted bytea
)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    lock_acquired := pg_try_advisory_xact_lock(p_lock);
    SELECT k.id, k.fingerprint, k.status, k.stored_at, k.response_encrypted
      INTO row_id, fingerprint, status, stored_at, response_encrypted
      FROM public.idempotency_records k
     WHERE k.principal_id = p_principal AND k.key_digest = p_key;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION access.claim_idempotency_key(text, bigint, uuid, bytea) IS
    'Tries to lock an idempotency key, and returns the response stored for it, if there is one, in one round trip. '
    'p_access is the value of the setting firststep.access. The function does not use it: the argument makes PostgreSQL '
    'set the access first, if one statement does both.';
REVOKE ALL ON FUNCTION access.claim_idempotency_key(text, bigint, uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.claim_idempotency_key(text, bigint, uuid, bytea) TO firststep_api;

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.delete_expired_rows() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    DELETE FROM public.idempotency_records WHERE stored_at < now() - interval '24 hours';
    DELETE FROM public.used_assertions WHERE expires_at < now() - interval '1 hour';
    DELETE FROM public.access_contexts WHERE opened_at < now() - interval '10 minutes';
    DELETE FROM public.sign_in_attempts WHERE last_at < now() - interval '1 day';
    DELETE FROM public.jobs WHERE finished_at < now() - interval '1 day';
    DELETE FROM public.report_run_contents c USING public.report_runs r
     WHERE r.id = c.id AND r.finished_at < now() - interval '24 hours';
    DELETE FROM public.report_runs WHERE created_at < now() - interval '30 days';
$$;
COMMENT ON FUNCTION access.delete_expired_rows() IS
    'Deletes stored responses and files of report runs after 24 hours, report runs after 30 days, used client assertions 1 hour after they expire, failed sign-ins and '
    'finished jobs after 1 day, and the contexts of accesses that were never concluded after 10 minutes.';
REVOKE ALL ON FUNCTION access.delete_expired_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.delete_expired_rows() TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

-- A new partition waits for all requests that use the log, and later requests wait for the new partition. The timeout
-- limits both. The job of this function tries again later.
CREATE FUNCTION access.create_log_partitions() RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s'
AS $$ SELECT access.create_partitions() $$;
COMMENT ON FUNCTION access.create_log_partitions() IS
    'Creates the missing partitions of the access log for this month and the next 18 months, as the owner of the '
    'tables, and returns how many it created.';
REVOKE ALL ON FUNCTION access.create_log_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.create_log_partitions() TO firststep_api;
