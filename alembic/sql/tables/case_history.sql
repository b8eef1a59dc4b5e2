-- The timeline of a case: which record was created or changed, when and by whom.

ALTER TABLE case_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON case_history TO firststep_api;

CREATE POLICY through_the_case ON case_history FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = case_history.case_id));
COMMENT ON POLICY through_the_case ON case_history IS 'A row is visible if its case is visible.';

CREATE POLICY by_tier ON case_history AS RESTRICTIVE FOR SELECT TO firststep_api
    USING (
        case_history.tier = 'case' OR EXISTS (SELECT FROM public.cases c
                 WHERE c.id = case_history.case_id
                   AND CASE case_history.tier
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN case_history.by_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY by_tier ON case_history IS
    'An event of the clinical or legal tier is visible only to callers who read that tier of the case: an event '
    'reveals no more than its record.';

CREATE POLICY added ON case_history FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = case_history.case_id AND c.child_id = case_history.child_id)
    );
COMMENT ON POLICY added ON case_history IS
    'A row can be inserted if its case is visible and belongs to the same child.';

CREATE POLICY paid ON case_history FOR INSERT TO firststep_api
    WITH CHECK (
        record_kind = 'disbursement' AND by_id = (SELECT access.actor_id()) AND (SELECT access.handles_the_fund())
        AND EXISTS (SELECT FROM public.disbursements d
                     WHERE d.id = record_id AND d.case_id = case_history.case_id AND d.child_id = case_history.child_id)
    );
COMMENT ON POLICY paid ON case_history IS
    'A finance officer can insert an event about a disbursement of the case, although the case is not visible to '
    'a finance officer.';

CREATE POLICY in_ones_own_name ON case_history AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (by_id = (SELECT access.actor_id()));
COMMENT ON POLICY in_ones_own_name ON case_history IS 'The caller can insert a row only with itself as by_id.';

CREATE POLICY custodian ON case_history TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON case_history IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

CREATE TRIGGER never_changed BEFORE DELETE ON case_history FOR EACH ROW EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_changed ON case_history IS 'Events are never deleted.';
