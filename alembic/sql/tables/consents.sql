-- The consent register. An entry never changes, except that it can be withdrawn once, marked as entered in error once, and
-- that a second person can confirm its legal basis once.

ALTER TABLE consents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON consents TO firststep_api;
GRANT UPDATE (
    version, withdrawn_at, withdrawn_by_id, withdrawn_givers, withdrawal_reason_encrypted, entered_in_error_at,
    entered_in_error_by_id, entered_in_error_reason_encrypted
) ON consents TO firststep_api;
GRANT SELECT (
    id, version, child_id, case_id, given_by, status, given_on, created_at, scope, recipient_agency_id, valid_until,
    basis_without_consent, basis_confirmed_at, alternative_giver_reason_encrypted, withdrawn_at, withdrawn_givers,
    entered_in_error_at
) ON consents TO firststep_gate;
GRANT UPDATE (version, basis_confirmed_at, basis_confirmed_by_id) ON consents TO firststep_gate;

ALTER TABLE consents ADD CONSTRAINT ck_consents_basis_confirmed CHECK (
    (basis_confirmed_at IS NULL) = (basis_confirmed_by_id IS NULL)
    AND (basis_confirmed_at IS NULL
         OR basis_without_consent IS NOT NULL AND basis_confirmed_by_id <> recorded_by_id)
);
COMMENT ON CONSTRAINT ck_consents_basis_confirmed ON consents IS
    'Only a legal basis is confirmed, by another person than the one who recorded it.';

CREATE POLICY gate_role_can_access ON consents TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON consents IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY basis_is_not_confirmed ON consents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (basis_confirmed_at IS NULL AND basis_confirmed_by_id IS NULL);
COMMENT ON POLICY basis_is_not_confirmed ON consents IS 'A new legal basis is not confirmed.';

CREATE POLICY visible_with_case ON consents FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = consents.case_id OFFSET 0));
COMMENT ON POLICY visible_with_case ON consents IS 'A row is visible if its case is visible.';

CREATE POLICY data_protection_officer_can_read ON consents FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.can_read_access_log));
COMMENT ON POLICY data_protection_officer_can_read ON consents IS
    'A data protection officer can read the consents of all cases, although the cases are not visible to data '
    'protection officers.';

CREATE POLICY insert_with_visible_case ON consents FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = consents.case_id AND c.child_id = consents.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON consents IS
    'A row can be inserted if its case is visible and has the same child_id as the row. Restrictive policies limit '
    'this to staff of the case.';

CREATE POLICY update_with_visible_case ON consents FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = consents.case_id));
COMMENT ON POLICY update_with_visible_case ON consents IS
    'A consent can be updated if its case is visible. Restrictive policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON consents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = consents.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON consents IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON consents AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = consents.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON consents IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON consents TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON consents IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_change_of_final_row BEFORE UPDATE ON consents FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND OLD.withdrawn_at IS NOT NULL
          AND NEW.entered_in_error_at IS NOT DISTINCT FROM OLD.entered_in_error_at)
    EXECUTE FUNCTION access.prevent_change_of_final_row();
COMMENT ON TRIGGER prevent_change_of_final_row ON consents IS 'A withdrawn consent never changes, except that it can be marked as entered in error.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON consents FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON consents IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON consents FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_entered_in_error('recorded_by_id');
COMMENT ON TRIGGER protect_entered_in_error ON consents IS
    'Rejects a mark as entered in error together with another change or by a person who may not set it, and changes of a '
    'marked row.';

CREATE TRIGGER lock_consent_register BEFORE INSERT OR UPDATE ON consents FOR EACH ROW
    WHEN (current_user IN ('firststep_api', 'firststep_gate')) EXECUTE FUNCTION access.lock_consent_register();
COMMENT ON TRIGGER lock_consent_register ON consents IS
    'Makes a change of the register wait for acts that were permitted by it, and the other way round.';
