-- The history of a case: which records were created and changed, when, and by which caller.

ALTER TABLE case_history ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON case_history TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON case_history TO firststep_gate;

CREATE POLICY gate_role_can_read ON case_history FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON case_history IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON case_history FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = case_history.case_id OFFSET 0));
COMMENT ON POLICY visible_with_case ON case_history IS 'A row is visible if its case is visible.';

CREATE POLICY tier_limits_visibility ON case_history AS RESTRICTIVE FOR SELECT TO firststep_api
    USING (
        case_history.tier = 'case'
        OR EXISTS (SELECT FROM public.cases c, access.context() x
                    WHERE c.id = case_history.case_id
                      AND access.can_read_tier(x, c, case_history.tier, case_history.by_id) OFFSET 0)
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
        record_kind = 'disbursement'
        AND EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer AND by_id = x.caller_id)
        AND EXISTS (SELECT FROM public.disbursements d
                     WHERE d.id = record_id AND d.case_id = case_history.case_id AND d.child_id = case_history.child_id)
    );
COMMENT ON POLICY finance_officer_can_insert ON case_history IS
    'A finance officer can insert history entries about a disbursement, because finance officers process '
    'disbursements of cases that they cannot see.';

CREATE POLICY author_is_caller ON case_history AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (by_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON case_history IS 'by_id of a new row must be the caller.';

CREATE POLICY custodian_can_access ON case_history TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON case_history IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_delete BEFORE DELETE ON case_history FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON case_history IS 'Rejects DELETE.';
