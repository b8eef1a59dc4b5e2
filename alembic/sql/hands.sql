-- Seeing a case is not working on it. Whoever broke the glass reads it, and writes down only what they did themselves: a
-- support session they held, and what they add to it.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;
-- What `worked_cases` knows, without the glass.
CREATE FUNCTION access.co_worked_cases() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(w.case_id), '{}') FROM public.case_workers w WHERE w.user_id = (SELECT access.worker_id())
$$;
REVOKE ALL ON FUNCTION access.co_worked_cases() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.co_worked_cases() TO firststep_api, firststep_owner;
RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

-- One rule, written into the policies themselves, where it asks who is asking once a statement (see tiers.sql); the function
-- is for single questions. It asks which rows may come to be, not which may be looked at or locked: a lock that finds
-- nothing would say that there is no such record, to somebody who has just read it.
DO $$
DECLARE
    rule constant text := $rule$
        EXISTS (SELECT FROM public.cases c
                 WHERE %s
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    $rule$;
    held constant text := $held$
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT access.worker_id()))
    $held$;
    name text;
    here text;
    own text;
BEGIN
    EXECUTE format('CREATE FUNCTION access.works_on(p_case uuid) RETURNS boolean
                    LANGUAGE sql STABLE SET search_path = %L AS %L', '', 'SELECT ' || format(rule, 'c.id = p_case'));
    GRANT EXECUTE ON FUNCTION access.works_on(uuid) TO firststep_api, firststep_owner;

    FOR name, own IN VALUES
        ('assessments', ''), ('care_plans', ''), ('plan_areas', ''), ('goals', ''), ('actions', ''), ('reviews', ''),
        ('exit_plans', ''), ('follow_ups', ''), ('service_referrals', ''), ('legal_steps', ''), ('documents', ''),
        ('people', ''), ('consents', ''), ('case_workers', ''),
        ('support_sessions', $own$ OR (worker_id = (SELECT access.worker_id()) AND status IN ('held', 'missed')) $own$),
        ('clinical_notes', held), ('session_addenda', held)
    LOOP
        here := format(rule, format('c.id = %I.case_id', name)) || own;
        EXECUTE format('CREATE POLICY by_ones_own_hands ON %I AS RESTRICTIVE FOR INSERT TO firststep_api WITH CHECK (%s)',
                       name, here);
        EXECUTE format('CREATE POLICY in_ones_own_hands ON %I AS RESTRICTIVE FOR UPDATE TO firststep_api
                        USING (true) WITH CHECK (%s)', name, here);
    END LOOP;
    EXECUTE format('CREATE POLICY from_ones_own_hands ON case_workers AS RESTRICTIVE FOR DELETE TO firststep_api USING (%s)',
                   format(rule, 'c.id = case_workers.case_id'));
    EXECUTE format('CREATE POLICY by_ones_own_hands ON case_links AS RESTRICTIVE FOR INSERT TO firststep_api
                    WITH CHECK (%s AND %s)',
                   format(rule, 'c.id = case_links.case_id'), format(rule, 'c.id = case_links.linked_case_id'));
    EXECUTE format('CREATE POLICY in_ones_own_hands ON children AS RESTRICTIVE FOR UPDATE TO firststep_api
                    USING (true) WITH CHECK (%s)', format(rule, 'c.child_id = children.id'));
END
$$;

-- A policy sees what a row becomes, not what it was: nobody makes a case, or another's session, their own.
CREATE FUNCTION access.refuse_taking() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_user = 'firststep_api' AND NOT access.works_on((to_jsonb(OLD) ->> TG_ARGV[0])::uuid) THEN
        RAISE EXCEPTION 'only who works on a case changes %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER not_taken BEFORE UPDATE ON cases FOR EACH ROW EXECUTE FUNCTION access.refuse_taking('id');
CREATE TRIGGER not_taken BEFORE UPDATE ON support_sessions FOR EACH ROW
    WHEN (OLD.worker_id IS DISTINCT FROM NEW.worker_id) EXECUTE FUNCTION access.refuse_taking('case_id');
