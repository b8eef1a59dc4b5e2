-- Supervision meetings. The cases that were discussed are a list of ids: a reader sees those that the policies of cases show.

ALTER TABLE supervision_meetings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the meeting, its worker, its supervisor or its team.
GRANT SELECT, INSERT ON supervision_meetings TO firststep_api;
GRANT UPDATE (
    version, held_on, next_on, case_ids, updated_at, entered_in_error_at, entered_in_error_by_id,
    entered_in_error_reason_encrypted
) ON supervision_meetings TO firststep_api;
GRANT SELECT (id) ON supervision_meetings TO firststep_gate;

CREATE POLICY gate_role_can_read ON supervision_meetings FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON supervision_meetings IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_to_participants_and_supervisors ON supervision_meetings FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.caller_id IN (supervision_meetings.worker_id, supervision_meetings.supervisor_id)
                    OR supervision_meetings.team_id = ANY (x.supervised_team_ids)
                    OR x.can_read_all_cases)
    );
COMMENT ON POLICY visible_to_participants_and_supervisors ON supervision_meetings IS
    'A meeting is visible to its worker and its supervisor, to the supervisors of its team, and to callers who can read '
    'the cases of all teams.';

CREATE POLICY insert_by_supervisor ON supervision_meetings FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.caller_id = supervision_meetings.supervisor_id
                   AND x.caller_id <> supervision_meetings.worker_id
                   AND (supervision_meetings.team_id = ANY (x.supervised_team_ids) OR x.can_read_all_cases))
        AND EXISTS (SELECT FROM public.team_members m
                     WHERE m.team_id = supervision_meetings.team_id AND m.user_id = supervision_meetings.worker_id)
    );
COMMENT ON POLICY insert_by_supervisor ON supervision_meetings IS
    'A meeting is recorded by its supervisor, who supervises the team or can read the cases of all teams, with another '
    'member of the team.';

CREATE POLICY update_by_supervisor ON supervision_meetings FOR UPDATE TO firststep_api, firststep_owner
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.caller_id = supervision_meetings.supervisor_id OR x.can_read_all_cases)
    );
COMMENT ON POLICY update_by_supervisor ON supervision_meetings IS
    'A meeting can be changed by its supervisor, and by callers who can read the cases of all teams (WITH CHECK). USING '
    'is true because it also filters SELECT FOR SHARE, which must find the meeting for its worker.';

CREATE POLICY custodian_can_access ON supervision_meetings TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON supervision_meetings IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE UPDATE ON supervision_meetings FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON supervision_meetings IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_mark BEFORE UPDATE ON supervision_meetings FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_mark();
COMMENT ON TRIGGER protect_mark ON supervision_meetings IS
    'Rejects a mark as entered in error with another change, and changes of a marked row.';

ALTER TABLE supervision_meetings ADD CONSTRAINT ck_supervision_meetings_next CHECK (next_on >= held_on);
COMMENT ON CONSTRAINT ck_supervision_meetings_next ON supervision_meetings IS
    'The next meeting is not before this one.';

ALTER TABLE supervision_meetings ADD CONSTRAINT ck_supervision_meetings_persons CHECK (worker_id <> supervisor_id);
COMMENT ON CONSTRAINT ck_supervision_meetings_persons ON supervision_meetings IS
    'A meeting has two persons.';
