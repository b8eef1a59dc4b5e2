-- Once more, whoever sees a case writes on it.
DROP TRIGGER not_taken ON cases;
DROP TRIGGER not_taken ON support_sessions;
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT polname, polrelid::regclass AS here FROM pg_policy WHERE polname ~ '_ones_own_hands$' LOOP
        EXECUTE format('DROP POLICY %I ON %s', found.polname, found.here);
    END LOOP;
END
$$;
DROP FUNCTION access.refuse_taking(), access.works_on(uuid);
SET LOCAL ROLE firststep_gate;
DROP FUNCTION access.co_worked_cases();
RESET ROLE;
