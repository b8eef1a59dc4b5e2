-- The history of a case: which records were created and changed, when, and by which caller.

ALTER TABLE case_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON case_history TO firststep_api;

CREATE POLICY visible_with_case ON case_history FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = case_history.case_id));
COMMENT ON POLICY visible_with_case ON case_history IS 'A row is visible if its case is visible.';

CREATE POLICY tier_limits_visibility ON case_history AS RESTRICTIVE FOR SELECT TO firststep_api
    USING (
        case_history.tier = 'case'
        OR EXISTS (SELECT FROM public.cases c
                    WHERE c.id = case_history.case_id
                      AND CASE case_history.tier
                          WHEN 'case' THEN true
                          WHEN 'clinical' THEN case_history.by_id = (SELECT access.worker_id())
                                               OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                          WHEN 'legal' THEN (SELECT access.can_read_all_cases())
                                            OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                                            OR c.lead_worker_id = (SELECT access.worker_id())
                                            OR EXISTS (SELECT FROM public.case_workers w
                                                        WHERE w.case_id = c.id
                                                          AND w.user_id = (SELECT access.worker_id()))
                          ELSE false END)
    );
COMMENT ON POLICY tier_limits_visibility ON case_history IS
    'A history entry of the clinical or legal tier is visible only to callers who can read that tier, because it '
    'describes a record of that tier.';

CREATE POLICY insert_with_visible_case ON case_history FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = case_history.case_id AND c.child_id = case_history.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON case_history IS
    'A row can be inserted if its case is visible and has the same child_id as the row.';

CREATE POLICY finance_officer_can_insert ON case_history FOR INSERT TO firststep_api
    WITH CHECK (
        record_kind = 'disbursement' AND by_id = (SELECT access.caller_id()) AND (SELECT access.is_finance_officer())
        AND EXISTS (SELECT FROM public.disbursements d
                     WHERE d.id = record_id AND d.case_id = case_history.case_id AND d.child_id = case_history.child_id)
    );
COMMENT ON POLICY finance_officer_can_insert ON case_history IS
    'A finance officer can insert history entries about a disbursement, because finance officers process '
    'disbursements of cases that they cannot see.';

CREATE POLICY author_is_caller ON case_history AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (by_id = (SELECT access.caller_id()));
COMMENT ON POLICY author_is_caller ON case_history IS 'by_id of a new row must be the caller.';

CREATE POLICY custodian_can_access ON case_history TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian_can_access ON case_history IS
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_delete BEFORE DELETE ON case_history FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON case_history IS 'Rejects DELETE.';
