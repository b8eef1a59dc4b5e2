-- Documents of a case. The API never changes them: firststep_api has no UPDATE privilege, so the policies for UPDATE have
-- no effect for it. The table owner can update them in a key rotation.

ALTER TABLE documents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON documents TO firststep_api;
GRANT SELECT (id, child_id, case_id, kind) ON documents TO firststep_gate;

CREATE POLICY gate_role_can_read ON documents FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON documents IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_by_tier ON documents FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id) OFFSET 0)
    );
COMMENT ON POLICY visible_by_tier ON documents IS
    'A row is visible if its case is visible and the caller can read its tier (see access.can_read_tier()).';

CREATE POLICY insert_by_tier ON documents FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id))
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = documents.case_id AND c.child_id = documents.child_id)
    );
COMMENT ON POLICY insert_by_tier ON documents IS
    'A row can be inserted if its case is visible and has the same child_id, and the caller can read its tier. '
    'Restrictive policies limit this to staff of the case.';

CREATE POLICY author_is_caller ON documents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON documents IS 'author_id of a new row must be the caller.';

CREATE POLICY update_by_tier ON documents FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id))
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id))
    );
COMMENT ON POLICY update_by_tier ON documents IS
    'A row can be updated if its case is visible and the caller can read its tier, before and after the change. '
    'Restrictive policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON documents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON documents IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON documents AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON documents IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON documents TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON documents IS
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';
