-- Changes of children, cases, people and consents, with the values before and after. A row is visible like the record that it is about.

ALTER TABLE record_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON record_changes TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON record_changes TO firststep_gate;

CREATE POLICY gate_role_can_read ON record_changes FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON record_changes IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_record ON record_changes FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.child_id = record_changes.child_id
                   AND (record_changes.case_id IS NULL OR c.id = record_changes.case_id) OFFSET 0)
        OR (record_changes.case_id IS NULL
            AND EXISTS (SELECT FROM public.children h
                         WHERE h.id = record_changes.child_id AND h.merged_into_id IS NOT NULL OFFSET 0))
    );
COMMENT ON POLICY visible_with_record ON record_changes IS
    'A change of a case, person or consent is visible if the case is visible. A change of a child is visible if one of its '
    'cases is visible, or if the child is merged and visible.';

CREATE POLICY insert_with_visible_record ON record_changes FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.child_id = record_changes.child_id AND access.is_case_staff(x, c)
                   AND (record_changes.case_id IS NULL OR c.id = record_changes.case_id))
    );
COMMENT ON POLICY insert_with_visible_record ON record_changes IS
    'Only staff of the case, or of a case of the child, can insert a row. The case must belong to the child.';

CREATE POLICY author_is_caller ON record_changes AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (by_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON record_changes IS 'by_id of a new row must be the caller.';

CREATE POLICY custodian_can_access ON record_changes TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON record_changes IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE INSERT ON record_changes FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON record_changes IS 'Rejects a time in the future.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON record_changes FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON record_changes IS 'Rejects DELETE.';

ALTER TABLE record_changes ADD CONSTRAINT ck_record_changes_record CHECK (
    CASE record_kind
        WHEN 'child' THEN case_id IS NULL AND record_id = child_id
        WHEN 'case' THEN case_id IS NOT NULL AND record_id = case_id
        WHEN 'person' THEN case_id IS NOT NULL
        WHEN 'consent' THEN case_id IS NOT NULL
        ELSE false END
);
COMMENT ON CONSTRAINT ck_record_changes_record ON record_changes IS
    'A row is about a child, a case, a person or a consent, and its case decides who can see it.';
