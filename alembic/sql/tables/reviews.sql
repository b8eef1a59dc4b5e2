-- Three-monthly reviews of a case.

ALTER TABLE reviews ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record or its case.
GRANT SELECT, INSERT ON reviews TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, plan_id, due_on, held_on, decision, ratings, decisions, content_encrypted,
    completed_at, completed_by_id
) ON reviews TO firststep_api;
GRANT SELECT (id, child_id, case_id, status, due_on) ON reviews TO firststep_gate;

CREATE POLICY gate_role_can_read ON reviews FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON reviews IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON reviews FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = reviews.case_id AND c.child_id = reviews.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON reviews IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON reviews FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = reviews.case_id AND c.child_id = reviews.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON reviews IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY update_with_visible_case ON reviews FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = reviews.case_id AND c.child_id = reviews.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = reviews.case_id AND c.child_id = reviews.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY update_with_visible_case ON reviews IS
    'A row can be updated if its case is visible and open, and has the same child_id. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON reviews AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = reviews.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON reviews IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON reviews AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = reviews.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON reviews IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON reviews TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON reviews IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON reviews FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'scheduled',
        'scheduled scheduled',
            'plan_id due_on held_on decision ratings decisions content_encrypted',
        'scheduled completed',
            'completed_at completed_by_id content_encrypted',
        'scheduled cancelled',
            ''
    );
COMMENT ON TRIGGER validate_change ON reviews IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE reviews ADD CONSTRAINT ck_reviews_status CHECK (status IN ('scheduled', 'completed', 'cancelled'));

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, child_id, case_id, status, due_on, held_on, decision, ratings, completed_at) ON reviews TO firststep_reports;

CREATE POLICY reports_can_count ON reviews FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON reviews IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
