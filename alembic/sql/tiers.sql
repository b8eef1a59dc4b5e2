-- Tiers within a case. Clinical: the author, and the supervisor of the case's team. Legal: those who work on the case and
-- those who decide for it; not who broke the glass. Everything else of a case: whoever sees the case.

-- One rule, written into the policies themselves: there it asks who is asking once a statement. As a function it asks again
-- for every row, at more than a millisecond each; the function is for single questions.
DO $$
DECLARE
    rule constant text := $rule$
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = %2$s
                   AND CASE %1$s
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN %3$s = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    $rule$;
    name text;
    tier text;
    here text;
BEGIN
    EXECUTE format('CREATE FUNCTION access.reads_tier(p_tier text, p_case uuid, p_author uuid) RETURNS boolean
                    LANGUAGE sql STABLE SET search_path = %L AS %L',
                   '', 'SELECT ' || format(rule, 'p_tier', 'p_case', 'p_author'));
    GRANT EXECUTE ON FUNCTION access.reads_tier(text, uuid, uuid) TO firststep_api, firststep_owner;

    FOREACH name IN ARRAY ARRAY['clinical_notes', 'session_addenda', 'legal_steps', 'documents'] LOOP
        tier := CASE name WHEN 'clinical_notes' THEN '''clinical''' WHEN 'legal_steps' THEN '''legal''' ELSE name || '.tier' END;
        here := format(rule, tier, name || '.case_id', name || '.author_id');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO firststep_api', name);
        EXECUTE format('CREATE POLICY by_tier ON %I FOR SELECT TO firststep_api, firststep_owner USING (%s)', name, here);
        EXECUTE format('CREATE POLICY added ON %1$I FOR INSERT TO firststep_api WITH CHECK (%2$s AND EXISTS (
                        SELECT FROM public.cases c WHERE c.id = %1$I.case_id AND c.child_id = %1$I.child_id))', name, here);
        EXECUTE format('CREATE POLICY custodian ON %I TO firststep_owner USING ((SELECT access.is_custodian()))', name);
        CONTINUE WHEN name = 'session_addenda';
        EXECUTE format('GRANT UPDATE ON %I TO firststep_api', name);
        EXECUTE format('CREATE POLICY changed ON %I FOR UPDATE TO firststep_api, firststep_owner USING (%s) WITH CHECK (%s)',
                       name, here, here);
    END LOOP;

    -- A line of the timeline tells no more than the record it is about.
    EXECUTE format('CREATE POLICY by_tier ON case_history AS RESTRICTIVE FOR SELECT TO firststep_api
                    USING (case_history.tier = %L OR %s)',
                   'case', format(rule, 'case_history.tier', 'case_history.case_id', 'case_history.by_id'));
END
$$;
-- Whoever may read a note may not therefore write it.
CREATE POLICY written_by_its_author ON clinical_notes AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (author_id = (SELECT access.worker_id()));

-- A document's bytes are read by whoever reads the document; they never change.
ALTER TABLE document_contents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON document_contents TO firststep_api;
CREATE POLICY through_the_document ON document_contents FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.documents d WHERE d.id = document_contents.id));
CREATE POLICY added ON document_contents FOR INSERT TO firststep_api WITH CHECK (EXISTS (
    SELECT FROM public.documents d WHERE d.id = document_contents.id
       AND d.case_id = document_contents.case_id AND d.child_id = document_contents.child_id));
CREATE POLICY custodian ON document_contents TO firststep_owner USING ((SELECT access.is_custodian()));
