-- Children. A child is visible if one of its cases is visible. The cases of a merged child belong to the child into which
-- it was merged.

ALTER TABLE children ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON children TO firststep_api;
GRANT UPDATE (version, sex, province_code, has_birth, identity_encrypted) ON children TO firststep_api;
GRANT SELECT ON children TO firststep_gate;
GRANT UPDATE (version, merged_into_id) ON children TO firststep_gate;

CREATE POLICY gate_role_can_access ON children TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON children IS 'Functions owned by firststep_gate can access all rows.';

-- PostgreSQL does not count coalesce() as leakproof. With it, the policies of cases would forbid the use of the index, and
-- each child would need a scan of all cases. CASE is leakproof.
CREATE POLICY visible_with_case ON children FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (
        SELECT FROM public.cases c
         WHERE c.child_id = CASE WHEN children.merged_into_id IS NULL THEN children.id ELSE children.merged_into_id END
        OFFSET 0));
COMMENT ON POLICY visible_with_case ON children IS
    'A child is visible if one of its cases is visible, and a merged child if a case of the child into which it was merged '
    'is visible.';

CREATE POLICY staff_can_insert ON children FOR INSERT TO firststep_api
    WITH CHECK (merged_into_id IS NULL AND EXISTS (SELECT FROM access.context() x WHERE x.is_staff));
COMMENT ON POLICY staff_can_insert ON children IS 'Staff can insert a child that is not merged.';

CREATE POLICY update_with_visible_case ON children FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (
        SELECT FROM public.cases c
         WHERE c.child_id = CASE WHEN children.merged_into_id IS NULL THEN children.id ELSE children.merged_into_id END))
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff));
COMMENT ON POLICY update_with_visible_case ON children IS
    'Staff can update a child if it is visible. Restrictive policies limit this to staff of one of its cases, so that a '
    'merged child can be locked, but not updated.';

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
    'The table owner can access all rows during a key rotation or a rebuild of the search tokens (see '
    'access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE UPDATE ON children FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON children IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, sex) ON children TO firststep_reports;

CREATE POLICY reports_can_count ON children FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON children IS
    'A report can read the sex of a child. Reports join children with cases, whose policy limits them to the teams of the caller.';
