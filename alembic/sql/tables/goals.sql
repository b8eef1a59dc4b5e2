-- The goals of a care plan.

ALTER TABLE goals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record or its case.
GRANT SELECT, INSERT ON goals TO firststep_api;
GRANT UPDATE (version, status, updated_at, content_encrypted) ON goals TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON goals TO firststep_gate;

CREATE POLICY gate_role_can_read ON goals FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON goals IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON goals FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = goals.case_id AND c.child_id = goals.child_id OFFSET 0));
COMMENT ON POLICY visible_with_case ON goals IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON goals FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = goals.case_id AND c.child_id = goals.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON goals IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY update_with_visible_case ON goals FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = goals.case_id AND c.child_id = goals.child_id))
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = goals.case_id AND c.child_id = goals.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY update_with_visible_case ON goals IS
    'A row can be updated if its case is visible and open, and has the same child_id. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON goals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = goals.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON goals IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON goals AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = goals.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON goals IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON goals TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON goals IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER protect_plan_part BEFORE INSERT OR UPDATE ON goals FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.protect_plan_part('status');
COMMENT ON TRIGGER protect_plan_part ON goals IS
    'Rejects a change after the submission of the plan, except of the columns in the arguments.';

CREATE TRIGGER validate_change BEFORE UPDATE ON goals FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON goals IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

ALTER TABLE goals ADD CONSTRAINT ck_goals_status CHECK (status IN ('open', 'achieved', 'dropped'));

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, child_id, case_id, plan_id, area, status, origin_id) ON goals TO firststep_reports;

CREATE POLICY reports_can_count ON goals FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON goals IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
