-- Exit plans: how support of a case ends.

ALTER TABLE exit_plans ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api can update only the columns that do not identify the record, its case and its author.
GRANT SELECT, INSERT ON exit_plans TO firststep_api;
GRANT UPDATE (
    status, author_id, submitted_at, submitted_by_id, decided_at, decided_by_id, decision_sealed, version,
    ends_on, updated_at, sealed
) ON exit_plans TO firststep_api;

CREATE POLICY through_the_case ON exit_plans FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id)
    );
COMMENT ON POLICY through_the_case ON exit_plans IS 'A row is visible if its case is visible.';

CREATE POLICY added ON exit_plans FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id)
    );
COMMENT ON POLICY added ON exit_plans IS
    'A row can be inserted if its case is visible and belongs to the same child.';

CREATE POLICY in_ones_own_name ON exit_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.actor_id()));
COMMENT ON POLICY in_ones_own_name ON exit_plans IS 'The caller can insert a row only with itself as author_id.';

CREATE POLICY changed ON exit_plans FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id AND c.child_id = exit_plans.child_id)
    );
COMMENT ON POLICY changed ON exit_plans IS
    'A row can be updated if its case is visible and belongs to the same child, before and after the change.';

CREATE POLICY by_ones_own_hands ON exit_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY by_ones_own_hands ON exit_plans IS
    'Only staff of the case can insert a row: break-glass access is read-only.';

CREATE POLICY in_ones_own_hands ON exit_plans AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = exit_plans.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY in_ones_own_hands ON exit_plans IS
    'Only staff of the case can update a row; USING is true so that locking a row does not hide it from a '
    'break-glass reader.';

CREATE POLICY custodian ON exit_plans TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON exit_plans IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

CREATE TRIGGER unforged BEFORE INSERT OR UPDATE ON exit_plans FOR EACH ROW EXECUTE FUNCTION access.refuse_forgery();
COMMENT ON TRIGGER unforged ON exit_plans IS
    'An exit plan follows the state machine, its author writes it, and the caller decides only as itself.';

ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_status CHECK (status IN ('draft', 'approved'));

ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_another_decides CHECK (
    decided_by_id <> author_id AND decided_by_id <> submitted_by_id AND decided_by_id <> ALL (contributor_ids)
);
COMMENT ON CONSTRAINT ck_exit_plans_another_decides ON exit_plans IS
    'An exit plan is decided by another person than its author.';
