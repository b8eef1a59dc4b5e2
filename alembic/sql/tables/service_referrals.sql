-- Referrals of a child or a family to a service provider.

ALTER TABLE service_referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record, its case or its author.
GRANT SELECT, INSERT ON service_referrals TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, provider_id, service, area, goal_id, consent_id, basis_without_consent,
    basis_entry_id, shared_fields, content_encrypted, sent_at, sent_by_id, answered_at, answer_encrypted, ended_at, outcome,
    recall_requested_at, recalled_at, recalled_by_id, recall_note_encrypted
) ON service_referrals TO firststep_api;
GRANT SELECT (id, child_id, case_id, status, sent_at, answered_at, recall_requested_at, recalled_at) ON service_referrals TO firststep_gate;

CREATE POLICY gate_role_can_read ON service_referrals FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON service_referrals IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON service_referrals FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON service_referrals IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON service_referrals FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id
                   AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON service_referrals IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case.';

CREATE POLICY author_is_caller ON service_referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON service_referrals IS 'author_id of a new row must be the caller.';

CREATE POLICY update_with_visible_case ON service_referrals FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id)
    );
COMMENT ON POLICY update_with_visible_case ON service_referrals IS
    'A row can be updated if its case is visible and has the same child_id, before and after the change. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON service_referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = service_referrals.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON service_referrals IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON service_referrals AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = service_referrals.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON service_referrals IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON service_referrals TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON service_referrals IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON service_referrals FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'draft',
        'draft draft',
            'provider_id service area goal_id consent_id basis_without_consent basis_entry_id shared_fields content_encrypted',
        'draft sent',
            'sent_at sent_by_id content_encrypted',
        'sent accepted',
            'answered_at answer_encrypted',
        'sent declined',
            'answered_at ended_at answer_encrypted',
        'accepted completed',
            'ended_at outcome answer_encrypted',
        'draft cancelled, sent cancelled, accepted cancelled',
            'ended_at answer_encrypted',
        'sent sent, accepted accepted, declined declined, completed completed, cancelled cancelled',
            'recall_requested_at recalled_at recalled_by_id recall_note_encrypted'
    );
COMMENT ON TRIGGER validate_change ON service_referrals IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE service_referrals ADD CONSTRAINT ck_service_referrals_recall CHECK (
    (recall_requested_at IS NULL OR sent_at IS NOT NULL)
    AND (recalled_at IS NULL) = (recalled_by_id IS NULL)
    AND (recalled_at IS NULL) = (recall_note_encrypted IS NULL)
    AND (recalled_at IS NULL OR recall_requested_at IS NOT NULL)
);
COMMENT ON CONSTRAINT ck_service_referrals_recall ON service_referrals IS
    'Only shared data is recalled. A recall was requested before it is recorded, and has a person and a note.';

CREATE TRIGGER prevent_change_of_final_row BEFORE UPDATE ON service_referrals FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND OLD.recalled_at IS NOT NULL
          AND (NEW.recall_requested_at IS DISTINCT FROM OLD.recall_requested_at
               OR NEW.recalled_at IS DISTINCT FROM OLD.recalled_at
               OR NEW.recalled_by_id IS DISTINCT FROM OLD.recalled_by_id
               OR NEW.recall_note_encrypted IS DISTINCT FROM OLD.recall_note_encrypted))
    EXECUTE FUNCTION access.prevent_change_of_final_row();
COMMENT ON TRIGGER prevent_change_of_final_row ON service_referrals IS 'A recorded recall never changes.';

ALTER TABLE service_referrals ADD CONSTRAINT ck_service_referrals_status CHECK (
    status IN ('draft', 'sent', 'accepted', 'declined', 'completed', 'cancelled')
);

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (
    id, child_id, case_id, service, status, consent_id, sent_at, answered_at, ended_at, outcome
) ON service_referrals TO firststep_reports;

CREATE POLICY reports_can_count ON service_referrals FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON service_referrals IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
