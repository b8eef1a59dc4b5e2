-- A key of a retry and the answer kept for it, in one round trip. The look comes after the lock and with a snapshot of
-- its own, so that whoever held the key a moment ago has committed: volatile, and never one statement.

CREATE FUNCTION access.claim(p_lock bigint, p_principal uuid, p_key bytea)
RETURNS TABLE (is_ours boolean, row_id uuid, fingerprint bytea, status integer, kept_at timestamptz, sealed bytea)
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = ''
AS $$
BEGIN
    is_ours := pg_try_advisory_xact_lock(p_lock);
    SELECT k.id, k.fingerprint, k.status, k.kept_at, k.sealed
      INTO row_id, fingerprint, status, kept_at, sealed
      FROM public.kept_answers k
     WHERE k.principal_id = p_principal AND k.key_digest = p_key;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION access.claim(bigint, uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.claim(bigint, uuid, bytea) TO firststep_api;
