-- The actions that were agreed in a supervision meeting.

ALTER TABLE supervision_actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot change the agreed text, the owner or the meeting.
GRANT SELECT, INSERT ON supervision_actions TO firststep_api;
GRANT UPDATE (version, due_on, done_on) ON supervision_actions TO firststep_api;
GRANT SELECT (id) ON supervision_actions TO firststep_gate;

CREATE POLICY gate_role_can_read ON supervision_actions FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON supervision_actions IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_meeting ON supervision_actions FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.supervision_meetings m WHERE m.id = supervision_actions.meeting_id OFFSET 0));
COMMENT ON POLICY visible_with_meeting ON supervision_actions IS 'An action is visible if its meeting is visible.';

CREATE POLICY insert_by_supervisor ON supervision_actions FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.supervision_meetings m, access.context() x
                 WHERE m.id = supervision_actions.meeting_id AND m.supervisor_id = x.caller_id
                   AND m.entered_in_error_at IS NULL AND supervision_actions.owner_id IN (m.worker_id, m.supervisor_id))
    );
COMMENT ON POLICY insert_by_supervisor ON supervision_actions IS
    'Only the supervisor of a meeting can add an action, for the worker or the supervisor of the meeting.';

CREATE POLICY update_with_meeting ON supervision_actions FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.supervision_meetings m
                 WHERE m.id = supervision_actions.meeting_id AND m.entered_in_error_at IS NULL)
    );
COMMENT ON POLICY update_with_meeting ON supervision_actions IS
    'All who can see the meeting can update an action, so that a successor can complete it, unless the meeting was '
    'entered in error.';

CREATE POLICY custodian_can_access ON supervision_actions TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON supervision_actions IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE UPDATE ON supervision_actions FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON supervision_actions IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
