-- Sealing everything anew under another key is work that no person asks for. The owner may do it, under an event
-- of the log opened as custodian, and only so: without one, row security shows it nothing.

CREATE FUNCTION access.is_custodian() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT coalesce((e.event).roles && ARRAY['custodian'], false) FROM (SELECT access.event() AS event) e $$;
GRANT CREATE ON SCHEMA access TO firststep_gate;
ALTER FUNCTION access.is_custodian() OWNER TO firststep_gate;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
SET LOCAL ROLE firststep_gate;
REVOKE ALL ON FUNCTION access.is_custodian() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.is_custodian() TO firststep_owner;
RESET ROLE;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['children', 'cases', 'referrals', 'referral_questions', 'people', 'consents',
                                'case_history', 'case_links', 'break_glass', 'kept_answers'] LOOP
        EXECUTE format('CREATE POLICY custodian ON %I TO firststep_owner USING ((SELECT access.is_custodian()))', name);
    END LOOP;
END
$$;
