-- The consent register. An entry never changes, except that it can be withdrawn once.

ALTER TABLE consents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON consents TO firststep_api;
GRANT UPDATE (version, withdrawn_at, withdrawn_by_id, withdrawal_reason_encrypted) ON consents TO firststep_api;
GRANT SELECT (id, child_id) ON consents TO firststep_gate;

CREATE POLICY gate_role_can_read ON consents FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON consents IS 'Functions owned by firststep_gate can read all rows.';

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
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';

CREATE FUNCTION access.prevent_second_withdrawal() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at THEN
        RAISE EXCEPTION 'a consent can be withdrawn only once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_second_withdrawal() IS
    'Raises an error if a consent that is already withdrawn gets another withdrawn_at.';

CREATE TRIGGER prevent_second_withdrawal BEFORE UPDATE ON consents FOR EACH ROW
    EXECUTE FUNCTION access.prevent_second_withdrawal();
COMMENT ON TRIGGER prevent_second_withdrawal ON consents IS 'Rejects a second withdrawal of a consent.';
