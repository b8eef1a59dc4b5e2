-- What belongs to a case is seen through it.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['people', 'consents', 'case_history', 'case_workers', 'case_links', 'break_glass'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO firststep_api', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['people', 'consents', 'case_history', 'case_workers'] LOOP
        EXECUTE format('CREATE POLICY through_the_case ON %I FOR SELECT TO firststep_api, firststep_owner
                        USING (EXISTS (SELECT FROM public.cases c WHERE c.id = %I.case_id))', name, name);
        EXECUTE format('CREATE POLICY added ON %I FOR INSERT TO firststep_api WITH CHECK (EXISTS (
                        SELECT FROM public.cases c WHERE c.id = %I.case_id AND c.child_id = %I.child_id))',
                       name, name, name);
    END LOOP;
END
$$;

GRANT UPDATE ON people TO firststep_api;
CREATE POLICY changed ON people FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = people.case_id));
CREATE POLICY gate ON people FOR SELECT TO firststep_gate USING (true);

-- The consent register is also the data protection officer's, without the cases.
CREATE POLICY register ON consents FOR SELECT TO firststep_api, firststep_owner
    USING ((SELECT access.reads_the_log()));

-- An entry is withdrawn once, and otherwise never changes.
GRANT UPDATE (version, withdrawn_at, withdrawn_by_id, withdrawal_sealed) ON consents TO firststep_api;
CREATE POLICY withdrawn ON consents FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = consents.case_id));
CREATE FUNCTION access.withdraw_once() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN
        RAISE EXCEPTION 'a consent is withdrawn once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER withdrawn_once BEFORE UPDATE ON consents FOR EACH ROW EXECUTE FUNCTION access.withdraw_once();

-- What happened, happened.
CREATE TRIGGER never_changed BEFORE DELETE ON case_history FOR EACH ROW EXECUTE FUNCTION access.refuse_change();

GRANT DELETE ON case_workers TO firststep_api;
CREATE POLICY gate ON case_workers TO firststep_gate USING (true);
CREATE POLICY taken_off ON case_workers FOR DELETE TO firststep_api
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = case_workers.case_id));

-- That two cases are linked is known to who sees both, and to nobody else.
CREATE POLICY gate ON case_links TO firststep_gate USING (true);
CREATE POLICY seen_from_both_sides ON case_links FOR SELECT TO firststep_api, firststep_owner USING (
    EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
    AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
);
CREATE POLICY linked ON case_links FOR INSERT TO firststep_api WITH CHECK (
    EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
    AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
);

-- Broken glass is seen at once by who broke it, their supervisor, the child's supervisor, the managers and the DPO.
CREATE POLICY gate ON break_glass TO firststep_gate USING (true);
CREATE POLICY seen ON break_glass FOR SELECT TO firststep_api, firststep_owner USING (
    (SELECT access.reads_the_log())
    OR user_id = (SELECT access.worker_id())
    OR user_id = ANY ((SELECT access.supervised_people())::uuid[])
    OR (cardinality((SELECT access.supervised_teams())) > 0
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = break_glass.case_id))
    OR (SELECT access.sees_every_case())
);
CREATE POLICY broken ON break_glass FOR INSERT TO firststep_api WITH CHECK (
    user_id = (SELECT access.worker_id())
    AND opened_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '1 minute'
    AND expires_at <= opened_at + interval '4 hours'
);
GRANT UPDATE (child_id) ON break_glass TO firststep_api;
CREATE POLICY completed ON break_glass FOR UPDATE TO firststep_api
    USING (user_id = (SELECT access.worker_id()) AND child_id IS NULL)
    WITH CHECK (user_id = (SELECT access.worker_id()));
