-- Notes of a supervision meeting, in the supervision tier: readable for the supervisor who held the meeting and its worker.

ALTER TABLE supervision_notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON supervision_notes TO firststep_api;
GRANT UPDATE (text_encrypted) ON supervision_notes TO firststep_api;

CREATE POLICY visible_to_participants ON supervision_notes FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.supervision_meetings m, access.context() x
                 WHERE m.id = supervision_notes.id AND x.caller_id IN (m.worker_id, m.supervisor_id) OFFSET 0)
    );
COMMENT ON POLICY visible_to_participants ON supervision_notes IS
    'Notes are visible to the supervisor and the worker of the meeting only.';

CREATE POLICY insert_by_supervisor ON supervision_notes FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.supervision_meetings m, access.context() x
                 WHERE m.id = supervision_notes.id AND m.supervisor_id = x.caller_id AND m.entered_in_error_at IS NULL)
    );
COMMENT ON POLICY insert_by_supervisor ON supervision_notes IS 'Only the supervisor of the meeting can write its notes.';

CREATE POLICY update_by_supervisor ON supervision_notes FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.supervision_meetings m, access.context() x
                 WHERE m.id = supervision_notes.id AND m.supervisor_id = x.caller_id AND m.entered_in_error_at IS NULL)
    );
COMMENT ON POLICY update_by_supervisor ON supervision_notes IS
    'Only the supervisor of the meeting can change its notes, unless it was entered in error.';

CREATE POLICY custodian_can_access ON supervision_notes TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON supervision_notes IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';
