-- Care plans of the child, the supporter or the family of a case. A review can open the next edition of a plan.

ALTER TABLE care_plans ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record, its case or its author.
GRANT SELECT, INSERT ON care_plans TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, assessment_id, needs_social_work, content_encrypted, submitted_at,
    submitted_by_id, decided_at, decided_by_id, decision_comment_encrypted
) ON care_plans TO firststep_api;
GRANT SELECT (id, child_id, case_id, status, submitted_at, decided_at, author_id, submitted_by_id, contributor_ids) ON care_plans TO firststep_gate;

CREATE POLICY gate_role_can_read ON care_plans FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON care_plans IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON care_plans FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON care_plans IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON care_plans FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON care_plans IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY update_with_visible_case ON care_plans FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY update_with_visible_case ON care_plans IS
    'A row can be updated if its case is visible and open, and has the same child_id. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON care_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = care_plans.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON care_plans IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON care_plans AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = care_plans.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON care_plans IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON care_plans TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON care_plans IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE POLICY author_is_caller_or_lead_worker ON care_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        author_id = (SELECT x.caller_id FROM access.context() x)
        OR (previous_id IS NOT NULL
            AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_id AND c.lead_worker_id = author_id))
    );
COMMENT ON POLICY author_is_caller_or_lead_worker ON care_plans IS
    'author_id of a new care plan must be the caller or, for a next edition (previous_id is set), the lead worker of '
    'the case.';

CREATE TRIGGER record_contributor BEFORE UPDATE ON care_plans FOR EACH ROW
    EXECUTE FUNCTION access.record_contributor();
COMMENT ON TRIGGER record_contributor ON care_plans IS
    'Adds a caller who changes a draft or returned record to contributor_ids.';

CREATE TRIGGER validate_authorship BEFORE INSERT OR UPDATE ON care_plans FOR EACH ROW
    EXECUTE FUNCTION access.validate_authorship();
COMMENT ON TRIGGER validate_authorship ON care_plans IS
    'Rejects a status change outside the state machine, and a submitter or decider other than the caller.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON care_plans FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'draft',
        'draft draft, returned returned',
            'assessment_id needs_social_work content_encrypted contributor_ids',
        'draft submitted, returned submitted',
            'submitted_at submitted_by_id decided_at decided_by_id decision_comment_encrypted',
        'submitted approved, submitted returned',
            'decided_at decided_by_id decision_comment_encrypted',
        'submitted submitted, approved approved, approved superseded',
            ''
    );
COMMENT ON TRIGGER validate_change ON care_plans IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_status CHECK (
    status IN ('draft', 'submitted', 'returned', 'approved', 'superseded')
);

ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_subject CHECK (subject IN ('child', 'supporter', 'family'));

ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_decided_by_another_person CHECK (
    decided_by_id <> author_id AND decided_by_id <> submitted_by_id
    AND (status = 'returned' OR decided_by_id <> ALL (contributor_ids))
);
COMMENT ON CONSTRAINT ck_care_plans_decided_by_another_person ON care_plans IS
    'The decider is not the author, the submitter or a contributor. A decider who returned the record can contribute '
    'to it afterwards, but can then not approve it.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, child_id, case_id, assessment_id, subject, status, edition, decided_at) ON care_plans TO firststep_reports;

CREATE POLICY reports_can_count ON care_plans FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON care_plans IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
