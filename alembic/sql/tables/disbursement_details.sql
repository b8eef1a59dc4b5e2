-- The narrative of a disbursement. It is a separate table because finance officers can read disbursements but not
-- their narrative.

ALTER TABLE disbursement_details ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON disbursement_details TO firststep_api;
GRANT UPDATE (version, reason_encrypted) ON disbursement_details TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON disbursement_details TO firststep_gate;

CREATE POLICY gate_role_can_read ON disbursement_details FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON disbursement_details IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON disbursement_details FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursement_details.case_id AND c.child_id = disbursement_details.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON disbursement_details IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON disbursement_details FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursement_details.case_id AND c.child_id = disbursement_details.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON disbursement_details IS
    'A row can be inserted if its case is visible and has the same child_id as the row.';

CREATE POLICY update_with_visible_case ON disbursement_details FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursement_details.case_id AND c.child_id = disbursement_details.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursement_details.case_id AND c.child_id = disbursement_details.child_id)
    );
COMMENT ON POLICY update_with_visible_case ON disbursement_details IS
    'A row can be updated if its case is visible and has the same child_id, before and after the change.';

CREATE POLICY custodian_can_access ON disbursement_details TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON disbursement_details IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_change_of_final_row BEFORE UPDATE ON disbursement_details FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND OLD.reason_encrypted IS NOT NULL)
    EXECUTE FUNCTION access.prevent_change_of_final_row();
COMMENT ON TRIGGER prevent_change_of_final_row ON disbursement_details IS 'The reason of a rejection or cancellation is set once.';

CREATE TRIGGER validate_change BEFORE UPDATE ON disbursement_details FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON disbursement_details IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
