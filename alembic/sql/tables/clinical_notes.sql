-- Therapy notes of a support session, in the clinical tier: readable for the author, the
-- supervisors of the team, and a lead worker to whom they were handed over.

ALTER TABLE clinical_notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record, its case or its author.
GRANT SELECT, INSERT ON clinical_notes TO firststep_api;
GRANT UPDATE (version, updated_at, text_encrypted) ON clinical_notes TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON clinical_notes TO firststep_gate;

CREATE POLICY gate_role_can_read ON clinical_notes FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON clinical_notes IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_by_tier ON clinical_notes FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_notes.case_id
                   AND access.can_read_tier(x, c, 'clinical', clinical_notes.author_id) OFFSET 0)
    );
COMMENT ON POLICY visible_by_tier ON clinical_notes IS
    'A row is visible if its case is visible and the caller is the author or a supervisor of the team.';

CREATE POLICY visible_by_handover ON clinical_notes FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.clinical_handovers h, access.context() x
                 WHERE h.case_id = clinical_notes.case_id AND h.worker_id = x.worker_id AND h.ended_at IS NULL
                   AND h.created_at > clinical_notes.created_at OFFSET 0)
    );
COMMENT ON POLICY visible_by_handover ON clinical_notes IS
    'A note is visible to the lead worker to whom a supervisor handed it over after it was written.';

CREATE POLICY insert_by_tier ON clinical_notes FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_notes.case_id
                   AND access.can_read_tier(x, c, 'clinical', clinical_notes.author_id))
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = clinical_notes.case_id AND c.child_id = clinical_notes.child_id
                       AND c.status <> 'closed')
        AND EXISTS (SELECT FROM public.support_sessions s
                     WHERE s.id = session_id AND s.case_id = clinical_notes.case_id)
    );
COMMENT ON POLICY insert_by_tier ON clinical_notes IS
    'A row can be inserted if its case is visible and has the same child_id, and the caller is the author or a '
    'supervisor of the team. Restrictive policies limit this to staff of the case and the worker of the session.';

CREATE POLICY author_is_caller ON clinical_notes AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON clinical_notes IS 'author_id of a new row must be the caller.';

CREATE POLICY update_by_tier ON clinical_notes FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_notes.case_id
                   AND access.can_read_tier(x, c, 'clinical', clinical_notes.author_id))
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_notes.case_id
                   AND c.status <> 'closed' AND access.can_read_tier(x, c, 'clinical', clinical_notes.author_id))
    );
COMMENT ON POLICY update_by_tier ON clinical_notes IS
    'A row can be updated if its case is visible and the caller is the author or a supervisor of the team, before and '
    'after the change. Restrictive policies limit this to the author.';

CREATE POLICY case_staff_can_insert ON clinical_notes AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_notes.case_id AND access.is_case_staff(x, c))
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT x.worker_id FROM access.context() x))
    );
COMMENT ON POLICY case_staff_can_insert ON clinical_notes IS
    'Only staff of the case and the worker of the session can insert a row. A caller with break-glass access can see the '
    'case, but not write to it.';

CREATE POLICY case_staff_can_update ON clinical_notes AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_notes.case_id AND access.is_case_staff(x, c))
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT x.worker_id FROM access.context() x))
    );
COMMENT ON POLICY case_staff_can_update ON clinical_notes IS
    'Only staff of the case and the worker of the session can update a row (WITH CHECK). USING is true because it also '
    'filters SELECT FOR UPDATE, which must find the note of an author who has break-glass access only.';

CREATE POLICY custodian_can_access ON clinical_notes TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON clinical_notes IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

-- Supervisors can read a note but not change it.
CREATE POLICY author_can_update ON clinical_notes AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (author_id = (SELECT x.worker_id FROM access.context() x));
COMMENT ON POLICY author_can_update ON clinical_notes IS 'Only the author of a note can update it.';

CREATE TRIGGER prevent_late_correction BEFORE UPDATE ON clinical_notes FOR EACH ROW
    WHEN (current_user = 'firststep_api')
    EXECUTE FUNCTION access.prevent_late_correction('created_at');
COMMENT ON TRIGGER prevent_late_correction ON clinical_notes IS
    'Only the author can correct a note, for 24 hours. Later texts are addenda.';

CREATE TRIGGER validate_change BEFORE UPDATE ON clinical_notes FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON clinical_notes IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
