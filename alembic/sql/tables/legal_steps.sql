-- Steps of a legal procedure, in the legal tier: readable for the staff of the case.

ALTER TABLE legal_steps ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record, its case or its author.
GRANT SELECT, INSERT ON legal_steps TO firststep_api;
GRANT UPDATE (
    version, kind, status, "on", updated_at, content_encrypted, entered_in_error_at, entered_in_error_by_id,
    entered_in_error_reason_encrypted
) ON legal_steps TO firststep_api;
GRANT SELECT (id, child_id, case_id, status, "on", entered_in_error_at) ON legal_steps TO firststep_gate;

CREATE POLICY gate_role_can_read ON legal_steps FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON legal_steps IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_by_tier ON legal_steps FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = legal_steps.case_id AND access.is_case_staff(x, c) OFFSET 0)
    );
COMMENT ON POLICY visible_by_tier ON legal_steps IS
    'A row is visible if its case is visible and the caller is staff of the case.';

CREATE POLICY insert_by_tier ON legal_steps FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = legal_steps.case_id AND access.is_case_staff(x, c))
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = legal_steps.case_id AND c.child_id = legal_steps.child_id)
    );
COMMENT ON POLICY insert_by_tier ON legal_steps IS
    'A row can be inserted if its case is visible and has the same child_id, and the caller is staff of the case.';

CREATE POLICY author_is_caller ON legal_steps AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON legal_steps IS 'author_id of a new row must be the caller.';

CREATE POLICY update_by_tier ON legal_steps FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = legal_steps.case_id AND access.is_case_staff(x, c))
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = legal_steps.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY update_by_tier ON legal_steps IS
    'A row can be updated if its case is visible and the caller is staff of the case, before and after the change.';

CREATE POLICY case_staff_can_insert ON legal_steps AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = legal_steps.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON legal_steps IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON legal_steps AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = legal_steps.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON legal_steps IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON legal_steps TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON legal_steps IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE UPDATE ON legal_steps FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON legal_steps IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON legal_steps FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_entered_in_error('author_id');
COMMENT ON TRIGGER protect_entered_in_error ON legal_steps IS
    'Rejects a mark as entered in error together with another change or by a person who may not set it, and changes of a '
    'marked row.';
