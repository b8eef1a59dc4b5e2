-- Exit plans: how the support of a case is reduced and ended.

ALTER TABLE exit_plans ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record or its case. It can update author_id, because
-- the author is the caller who last saved the plan.
GRANT SELECT, INSERT ON exit_plans TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, author_id, ends_on, conditions_met, conditions_unmet, content_encrypted, decided_at, decided_by_id,
    decision_comment_encrypted
) ON exit_plans TO firststep_api;
GRANT SELECT (id, child_id, case_id, version, status, ends_on, updated_at, author_id, decided_at) ON exit_plans TO firststep_gate;
GRANT SELECT (id, child_id, case_id, status, ends_on, decided_at, conditions_met, conditions_unmet) ON exit_plans TO firststep_reports;

CREATE POLICY gate_role_can_read ON exit_plans FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON exit_plans IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY reports_can_count ON exit_plans FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON exit_plans IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';

CREATE POLICY visible_with_case ON exit_plans FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON exit_plans IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON exit_plans FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON exit_plans IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY author_is_caller ON exit_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON exit_plans IS 'author_id of a new row must be the caller.';

CREATE POLICY update_with_visible_case ON exit_plans FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY update_with_visible_case ON exit_plans IS
    'A row can be updated if its case is visible and open, and has the same child_id. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON exit_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = exit_plans.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON exit_plans IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON exit_plans AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = exit_plans.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON exit_plans IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON exit_plans TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON exit_plans IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_authorship BEFORE INSERT OR UPDATE ON exit_plans FOR EACH ROW
    EXECUTE FUNCTION access.validate_authorship();
COMMENT ON TRIGGER validate_authorship ON exit_plans IS
    'Rejects a status change outside the state machine, an author or decider other than the caller, and a change of '
    'an approved exit plan.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON exit_plans FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'draft',
        'draft draft',
            'author_id ends_on conditions_met conditions_unmet content_encrypted',
        'draft approved',
            'decided_at decided_by_id decision_comment_encrypted',
        'approved draft',
            'author_id ends_on conditions_met conditions_unmet content_encrypted decided_at decided_by_id '
            'decision_comment_encrypted'
    );
COMMENT ON TRIGGER validate_change ON exit_plans IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_status CHECK (status IN ('draft', 'approved'));

ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_decided_by_another_person CHECK (
    decided_by_id <> author_id AND decided_by_id <> submitted_by_id AND decided_by_id <> ALL (contributor_ids)
);
COMMENT ON CONSTRAINT ck_exit_plans_decided_by_another_person ON exit_plans IS
    'The decider is neither the author nor the submitter. contributor_ids of an exit plan is always empty (see '
    'access.record_contributor()).';

ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_conditions CHECK (
    conditions_met || conditions_unmet <@ '{in_school,confident,friends,safe_home,supporter_able,self_protection}'
    AND NOT conditions_met && conditions_unmet
);
COMMENT ON CONSTRAINT ck_exit_plans_conditions ON exit_plans IS
    'Each condition is met, not met or unanswered.';
