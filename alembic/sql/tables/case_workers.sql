-- The co-workers assigned to a case.

ALTER TABLE case_workers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON case_workers TO firststep_api;
GRANT SELECT ON case_workers TO firststep_gate;

CREATE POLICY gate_role_can_access ON case_workers TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON case_workers IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_with_case ON case_workers FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = case_workers.case_id OFFSET 0));
COMMENT ON POLICY visible_with_case ON case_workers IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON case_workers FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = case_workers.case_id AND c.child_id = case_workers.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON case_workers IS
    'A row can be inserted if its case is visible and has the same child_id as the row. Restrictive policies limit '
    'this to staff of the case.';

CREATE POLICY case_staff_can_insert ON case_workers AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = case_workers.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON case_workers IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON case_workers AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = case_workers.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON case_workers IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY delete_with_visible_case ON case_workers FOR DELETE TO firststep_api
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = case_workers.case_id));
COMMENT ON POLICY delete_with_visible_case ON case_workers IS
    'A row can be deleted if its case is visible. Restrictive policies limit this to staff of the case.';

CREATE POLICY case_staff_can_delete ON case_workers AS RESTRICTIVE FOR DELETE TO firststep_api
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = case_workers.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_delete ON case_workers IS
    'Only staff of the case can delete a row. A caller with break-glass access can see the case, but not write to it.';
