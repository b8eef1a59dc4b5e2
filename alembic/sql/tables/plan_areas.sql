-- The areas of a care plan, with the rating of each.

ALTER TABLE plan_areas ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record or its case.
GRANT SELECT, INSERT ON plan_areas TO firststep_api;
GRANT UPDATE (version, rating, status, content_encrypted) ON plan_areas TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON plan_areas TO firststep_gate;

CREATE POLICY gate_role_can_read ON plan_areas FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON plan_areas IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON plan_areas FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = plan_areas.case_id AND c.child_id = plan_areas.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON plan_areas IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON plan_areas FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = plan_areas.case_id AND c.child_id = plan_areas.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON plan_areas IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY update_with_visible_case ON plan_areas FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = plan_areas.case_id AND c.child_id = plan_areas.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = plan_areas.case_id AND c.child_id = plan_areas.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY update_with_visible_case ON plan_areas IS
    'A row can be updated if its case is visible and open, and has the same child_id. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON plan_areas AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = plan_areas.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON plan_areas IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON plan_areas AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = plan_areas.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON plan_areas IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON plan_areas TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON plan_areas IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER protect_plan_part BEFORE INSERT OR UPDATE ON plan_areas FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.protect_plan_part();
COMMENT ON TRIGGER protect_plan_part ON plan_areas IS
    'Rejects a change after the submission of the plan, except of the columns in the arguments.';

CREATE TRIGGER validate_change BEFORE UPDATE ON plan_areas FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON plan_areas IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

ALTER TABLE plan_areas ADD CONSTRAINT ck_plan_areas_rating CHECK (rating BETWEEN 1 AND 4);
COMMENT ON CONSTRAINT ck_plan_areas_rating ON plan_areas IS 'A rating is 1 (weak) to 4 (strong).';
