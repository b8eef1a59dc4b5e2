-- Children. A child is visible if one of its cases is visible.

ALTER TABLE children ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON children TO firststep_api;
GRANT SELECT ON children TO firststep_gate;

CREATE POLICY gate_role_can_access ON children TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON children IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY visible_with_case ON children FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.child_id = children.id OFFSET 0));
COMMENT ON POLICY visible_with_case ON children IS 'A child is visible if one of its cases is visible.';

CREATE POLICY staff_can_insert ON children FOR INSERT TO firststep_api WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff));
COMMENT ON POLICY staff_can_insert ON children IS 'Staff can insert a child.';

CREATE POLICY update_with_visible_case ON children FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.child_id = children.id))
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff));
COMMENT ON POLICY update_with_visible_case ON children IS
    'Staff can update a child if one of its cases is visible. Restrictive policies limit this to staff of one of its '
    'cases.';

CREATE POLICY case_staff_can_update ON children AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.child_id = children.id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON children IS
    'Only staff of one of the child''s cases can update a child (WITH CHECK). USING is true because it also filters '
    'SELECT FOR SHARE, which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON children TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON children IS
    'The table owner can use all rows in a key rotation or a rebuild of the search tokens (see '
    'access.open_as_custodian()).';
