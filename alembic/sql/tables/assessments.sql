-- Assessments of a child, a supporter or a family.

ALTER TABLE assessments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api can update only the columns that do not identify the record, its case and its author.
GRANT SELECT, INSERT ON assessments TO firststep_api;
GRANT UPDATE (
    status, submitted_at, submitted_by_id, decided_at, decided_by_id, decision_sealed, version, risk_level,
    ratings, updated_at, sealed
) ON assessments TO firststep_api;

CREATE POLICY through_the_case ON assessments FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id)
    );
COMMENT ON POLICY through_the_case ON assessments IS 'A row is visible if its case is visible.';

CREATE POLICY added ON assessments FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id)
    );
COMMENT ON POLICY added ON assessments IS
    'A row can be inserted if its case is visible and belongs to the same child.';

CREATE POLICY in_ones_own_name ON assessments AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.actor_id()));
COMMENT ON POLICY in_ones_own_name ON assessments IS 'The caller can insert a row only with itself as author_id.';

CREATE POLICY changed ON assessments FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id AND c.child_id = assessments.child_id)
    );
COMMENT ON POLICY changed ON assessments IS
    'A row can be updated if its case is visible and belongs to the same child, before and after the change.';

CREATE POLICY by_ones_own_hands ON assessments AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY by_ones_own_hands ON assessments IS
    'Only staff of the case can insert a row: break-glass access is read-only.';

CREATE POLICY in_ones_own_hands ON assessments AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = assessments.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY in_ones_own_hands ON assessments IS
    'Only staff of the case can update a row; USING is true so that locking a row does not hide it from a '
    'break-glass reader.';

CREATE POLICY custodian ON assessments TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON assessments IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

CREATE TRIGGER frozen BEFORE UPDATE ON assessments FOR EACH ROW EXECUTE FUNCTION access.refuse_thaw();
COMMENT ON TRIGGER frozen ON assessments IS
    'A submitted record changes only in the columns of its status and decision.';

CREATE TRIGGER contributed BEFORE UPDATE ON assessments FOR EACH ROW EXECUTE FUNCTION access.note_contributor();
COMMENT ON TRIGGER contributed ON assessments IS
    'The caller becomes a contributor of the draft that the caller changes.';

CREATE TRIGGER unforged BEFORE INSERT OR UPDATE ON assessments FOR EACH ROW EXECUTE FUNCTION access.refuse_forgery();
COMMENT ON TRIGGER unforged ON assessments IS
    'A record follows the state machine, and the caller submits and decides only as itself.';

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_status CHECK (
    status IN ('draft', 'submitted', 'returned', 'approved')
);

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_subject CHECK (subject IN ('child', 'supporter', 'family'));

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_another_decides CHECK (
    decided_by_id <> author_id AND decided_by_id <> submitted_by_id
    AND (status = 'returned' OR decided_by_id <> ALL (contributor_ids))
);
COMMENT ON CONSTRAINT ck_assessments_another_decides ON assessments IS
    'A record is decided by another person than its author, the person who submitted it and its contributors; the '
    'person who returned it may contribute afterwards, and then no longer decides.';
