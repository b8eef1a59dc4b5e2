-- Links between cases of two children in the same matter. A link puts up the conflict wall between their workers.

ALTER TABLE case_links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON case_links TO firststep_api;
GRANT SELECT ON case_links TO firststep_gate;

CREATE POLICY gate ON case_links TO firststep_gate USING (true);
COMMENT ON POLICY gate ON case_links IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY seen_from_both_sides ON case_links FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
    );
COMMENT ON POLICY seen_from_both_sides ON case_links IS 'A link is visible if both cases are visible.';

CREATE POLICY linked ON case_links FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
    );
COMMENT ON POLICY linked ON case_links IS 'A link can be inserted if both cases are visible.';

CREATE POLICY by_ones_own_hands ON case_links AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = case_links.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = case_links.linked_case_id
                       AND ((SELECT access.sees_every_case())
                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                            OR c.lead_worker_id = (SELECT access.worker_id())
                            OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY by_ones_own_hands ON case_links IS 'Only staff of both cases can insert a link.';

CREATE POLICY custodian ON case_links TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON case_links IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

ALTER TABLE case_links ADD CONSTRAINT ck_case_links_one_row_a_pair CHECK (case_id < linked_case_id);
COMMENT ON CONSTRAINT ck_case_links_one_row_a_pair ON case_links IS 'Two cases are linked by one row at most.';
