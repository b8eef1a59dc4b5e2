-- Links between the cases of two children in the same matter, for example a survivor and a child with harmful sexual
-- behaviour. A link creates the conflict wall between their workers.

ALTER TABLE case_links ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON case_links TO firststep_api;
GRANT UPDATE (version, entered_in_error_at, entered_in_error_by_id, entered_in_error_reason_encrypted) ON case_links
    TO firststep_api;
GRANT SELECT ON case_links TO firststep_gate;

CREATE POLICY gate_role_can_access ON case_links TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON case_links IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_with_both_cases ON case_links FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id OFFSET 0)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_both_cases ON case_links IS 'A link is visible if both cases are visible.';

CREATE POLICY insert_with_both_cases ON case_links FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
    );
COMMENT ON POLICY insert_with_both_cases ON case_links IS
    'A link can be inserted if both cases are visible. A restrictive policy limits this to staff of both cases.';

CREATE POLICY case_staff_can_insert ON case_links AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = case_links.case_id AND access.is_case_staff(x, c))
        AND EXISTS (SELECT FROM public.cases c, access.context() x
                     WHERE c.id = case_links.linked_case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON case_links IS
    'Only staff of both cases can insert a link. A caller with break-glass access can see a case, but not write to it.';

CREATE POLICY update_with_both_cases ON case_links FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.case_id)
        AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_links.linked_case_id)
    );
COMMENT ON POLICY update_with_both_cases ON case_links IS
    'A link can be marked as entered in error if both cases are visible. A restrictive policy limits this to staff of '
    'both cases.';

CREATE POLICY case_staff_can_update ON case_links AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = case_links.case_id AND access.is_case_staff(x, c))
        AND EXISTS (SELECT FROM public.cases c, access.context() x
                     WHERE c.id = case_links.linked_case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON case_links IS
    'Only staff of both cases can update a link (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON case_links TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON case_links IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON case_links FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON case_links IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON case_links FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_entered_in_error('linked_by_id');
COMMENT ON TRIGGER protect_entered_in_error ON case_links IS
    'Rejects a mark as entered in error together with another change or by a person who may not set it, and changes of a '
    'marked row.';

ALTER TABLE case_links ADD CONSTRAINT ck_case_links_ordered_pair CHECK (case_id < linked_case_id);
COMMENT ON CONSTRAINT ck_case_links_ordered_pair ON case_links IS
    'The smaller id comes first, so that two cases are linked by one row at most.';
