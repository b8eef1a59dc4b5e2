-- Assessments of the child, the supporter or the family of a case.

ALTER TABLE assessments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record, its case or its author.
GRANT SELECT, INSERT ON assessments TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, risk_level, ratings, symptoms, family_circumstances, content_encrypted, submitted_at,
    submitted_by_id, decided_at, decided_by_id, decision_comment_encrypted
) ON assessments TO firststep_api;
GRANT SELECT (id, child_id, case_id, status, submitted_at, decided_at, author_id, submitted_by_id, contributor_ids) ON assessments TO firststep_gate;
GRANT SELECT (symptoms, family_circumstances) ON assessments TO firststep_reports;

CREATE POLICY gate_role_can_read ON assessments FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON assessments IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON assessments FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON assessments IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON assessments FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON assessments IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY author_is_caller ON assessments AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON assessments IS 'author_id of a new row must be the caller.';

CREATE POLICY update_with_visible_case ON assessments FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY update_with_visible_case ON assessments IS
    'A row can be updated if its case is visible and open, and has the same child_id. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON assessments AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = assessments.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON assessments IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON assessments AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = assessments.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON assessments IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON assessments TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON assessments IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER record_contributor BEFORE UPDATE ON assessments FOR EACH ROW
    EXECUTE FUNCTION access.record_contributor();
COMMENT ON TRIGGER record_contributor ON assessments IS
    'Adds a caller who changes a draft or returned record to contributor_ids.';

CREATE TRIGGER validate_authorship BEFORE INSERT OR UPDATE ON assessments FOR EACH ROW
    EXECUTE FUNCTION access.validate_authorship();
COMMENT ON TRIGGER validate_authorship ON assessments IS
    'Rejects a status change outside the state machine, and a submitter or decider other than the caller.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON assessments FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'draft',
        'draft draft, returned returned',
            'risk_level ratings symptoms family_circumstances content_encrypted contributor_ids',
        'draft submitted, returned submitted',
            'submitted_at submitted_by_id decided_at decided_by_id decision_comment_encrypted',
        'submitted approved, submitted returned',
            'decided_at decided_by_id decision_comment_encrypted',
        'approved approved',
            ''
    );
COMMENT ON TRIGGER validate_change ON assessments IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_status CHECK (
    status IN ('draft', 'submitted', 'returned', 'approved')
);

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_subject CHECK (subject IN ('child', 'supporter', 'family'));

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_decided_by_another_person CHECK (
    decided_by_id <> author_id AND decided_by_id <> submitted_by_id
    AND (status = 'returned' OR decided_by_id <> ALL (contributor_ids))
);
COMMENT ON CONSTRAINT ck_assessments_decided_by_another_person ON assessments IS
    'The decider is not the author, the submitter or a contributor. A decider who returned the record can contribute '
    'to it afterwards, but can then not approve it.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, child_id, case_id, subject, kind, status, risk_level, ratings, decided_at) ON assessments TO firststep_reports;

CREATE POLICY reports_can_count ON assessments FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON assessments IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
