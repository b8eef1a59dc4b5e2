-- Links between the cases of two children in the same matter, for example a survivor and a child with harmful sexual
-- behaviour. A link creates the conflict wall between their workers.

ALTER TABLE case_links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON case_links TO firststep_api;
GRANT SELECT ON case_links TO firststep_gate;

CREATE POLICY gate_role_can_access ON case_links TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON case_links IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY visible_with_both_cases ON case_links FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id OFFSET 0)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_both_cases ON case_links IS 'A link is visible if both cases are visible.';

CREATE POLICY insert_with_both_cases ON case_links FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
    );
COMMENT ON POLICY insert_with_both_cases ON case_links IS
    'A link can be inserted if both cases are visible. A restrictive policy limits this to staff of both cases.';

CREATE POLICY case_staff_can_insert ON case_links AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = case_links.case_id AND access.is_case_staff(x, c))
        AND EXISTS (SELECT FROM public.cases c, access.context() x
                     WHERE c.id = case_links.linked_case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON case_links IS
    'Only staff of both cases can insert a link. A caller with break-glass access can see a case, but not write to it.';

CREATE POLICY custodian_can_access ON case_links TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON case_links IS
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';

ALTER TABLE case_links ADD CONSTRAINT ck_case_links_ordered_pair CHECK (case_id < linked_case_id);
COMMENT ON CONSTRAINT ck_case_links_ordered_pair ON case_links IS
    'The smaller id comes first, so that two cases are linked by one row at most.';
