-- An answer kept for a retry is for the principal who got it, and for nobody else.

ALTER TABLE kept_answers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON kept_answers TO firststep_api;
CREATE POLICY own ON kept_answers TO firststep_api, firststep_owner
    USING (principal_id = (SELECT access.actor_id()));

-- After a day they are nobody's: every server process tidies up, now and then.
GRANT SELECT (kept_at), DELETE ON kept_answers TO firststep_gate;
GRANT SELECT (expires_at), DELETE ON used_assertions TO firststep_gate;
GRANT SELECT (last_at), DELETE ON sign_in_attempts TO firststep_gate;
CREATE POLICY gate ON kept_answers TO firststep_gate USING (true);
GRANT CREATE ON SCHEMA access TO firststep_gate;
CREATE FUNCTION access.tidy_up() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    DELETE FROM public.kept_answers WHERE kept_at < now() - interval '24 hours';
    DELETE FROM public.used_assertions WHERE expires_at < now() - interval '1 hour';
    DELETE FROM public.sign_in_attempts WHERE last_at < now() - interval '1 day';
$$;
ALTER FUNCTION access.tidy_up() OWNER TO firststep_gate;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
SET LOCAL ROLE firststep_gate;
REVOKE ALL ON FUNCTION access.tidy_up() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.tidy_up() TO firststep_api;
RESET ROLE;
