-- Care plans of a child, a supporter or a family; a review opens the next version.

ALTER TABLE care_plans ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api can update only the columns that do not identify the record, its case and its author.
GRANT SELECT, INSERT ON care_plans TO firststep_api;
GRANT UPDATE (
    status, submitted_at, submitted_by_id, decided_at, decided_by_id, decision_sealed, version, assessment_id,
    needs_social_work, updated_at, sealed
) ON care_plans TO firststep_api;

CREATE POLICY through_the_case ON care_plans FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id)
    );
COMMENT ON POLICY through_the_case ON care_plans IS 'A row is visible if its case is visible.';

CREATE POLICY added ON care_plans FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id)
    );
COMMENT ON POLICY added ON care_plans IS
    'A row can be inserted if its case is visible and belongs to the same child.';

CREATE POLICY changed ON care_plans FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id AND c.child_id = care_plans.child_id)
    );
COMMENT ON POLICY changed ON care_plans IS
    'A row can be updated if its case is visible and belongs to the same child, before and after the change.';

CREATE POLICY by_ones_own_hands ON care_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY by_ones_own_hands ON care_plans IS
    'Only staff of the case can insert a row: break-glass access is read-only.';

CREATE POLICY in_ones_own_hands ON care_plans AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = care_plans.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY in_ones_own_hands ON care_plans IS
    'Only staff of the case can update a row; USING is true so that locking a row does not hide it from a '
    'break-glass reader.';

CREATE POLICY custodian ON care_plans TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON care_plans IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

CREATE POLICY in_ones_own_name ON care_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        author_id = (SELECT access.actor_id())
        OR (previous_id IS NOT NULL
            AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_id AND c.lead_worker_id = author_id))
    );
COMMENT ON POLICY in_ones_own_name ON care_plans IS
    'The author of an inserted care plan is the caller, or the lead worker of the case if a review opens the next '
    'version.';

CREATE TRIGGER frozen BEFORE UPDATE ON care_plans FOR EACH ROW EXECUTE FUNCTION access.refuse_thaw();
COMMENT ON TRIGGER frozen ON care_plans IS
    'A submitted record changes only in the columns of its status and decision.';

CREATE TRIGGER contributed BEFORE UPDATE ON care_plans FOR EACH ROW EXECUTE FUNCTION access.note_contributor();
COMMENT ON TRIGGER contributed ON care_plans IS
    'The caller becomes a contributor of the draft that the caller changes.';

CREATE TRIGGER unforged BEFORE INSERT OR UPDATE ON care_plans FOR EACH ROW EXECUTE FUNCTION access.refuse_forgery();
COMMENT ON TRIGGER unforged ON care_plans IS
    'A record follows the state machine, and the caller submits and decides only as itself.';

ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_status CHECK (
    status IN ('draft', 'submitted', 'returned', 'approved', 'superseded')
);

ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_subject CHECK (subject IN ('child', 'supporter', 'family'));

ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_another_decides CHECK (
    decided_by_id <> author_id AND decided_by_id <> submitted_by_id
    AND (status = 'returned' OR decided_by_id <> ALL (contributor_ids))
);
COMMENT ON CONSTRAINT ck_care_plans_another_decides ON care_plans IS
    'A record is decided by another person than its author, the person who submitted it and its contributors; the '
    'person who returned it may contribute afterwards, and then no longer decides.';
