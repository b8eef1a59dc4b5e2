-- Supporters, family members and other people around a child.

ALTER TABLE people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON people TO firststep_api;
GRANT UPDATE (
    version, role, relationship, is_responsible, referral_to_confirm_id, details_encrypted, entered_in_error_at,
    entered_in_error_by_id, entered_in_error_reason_encrypted
) ON people TO firststep_api;
GRANT SELECT ON people TO firststep_gate;

CREATE POLICY gate_role_can_read ON people FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON people IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON people FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = people.case_id OFFSET 0));
COMMENT ON POLICY visible_with_case ON people IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON people FOR INSERT TO firststep_api
    WITH CHECK (EXISTS (SELECT FROM public.cases c WHERE c.id = people.case_id AND c.child_id = people.child_id));
COMMENT ON POLICY insert_with_visible_case ON people IS
    'A row can be inserted if its case is visible and has the same child_id as the row. Restrictive policies limit '
    'this to staff of the case.';

CREATE POLICY update_with_visible_case ON people FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.id = people.case_id));
COMMENT ON POLICY update_with_visible_case ON people IS
    'A row can be updated if its case is visible. Restrictive policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON people AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = people.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON people IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON people AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = people.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON people IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON people TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON people IS
    'The table owner can access all rows during a key rotation or a rebuild of the search tokens (see '
    'access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE UPDATE ON people FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON people IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON people FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_entered_in_error();
COMMENT ON TRIGGER protect_entered_in_error ON people IS
    'Rejects a mark as entered in error together with another change or by a person who may not set it, and changes of a '
    'marked row.';
