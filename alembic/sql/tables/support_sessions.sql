-- Support sessions with the child, the supporter or the family: planned, held, missed and cancelled.

ALTER TABLE support_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record or its case. It can update author_id, because
-- the author is the caller who recorded the session.
GRANT SELECT, INSERT ON support_sessions TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, kind, form, planned_at, held_at, attendance, areas, topics, contact_with,
    goal_ids, worker_id, content_encrypted, recorded_at, author_id, entered_in_error_at, entered_in_error_by_id,
    entered_in_error_reason_encrypted
) ON support_sessions TO firststep_api;
GRANT SELECT (
    id, child_id, case_id, kind, status, worker_id, planned_at, held_at, contact_with, updated_at, entered_in_error_at
) ON support_sessions TO firststep_gate;
GRANT SELECT (topics, contact_with) ON support_sessions TO firststep_reports;

CREATE POLICY gate_role_can_access ON support_sessions TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON support_sessions IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_with_case ON support_sessions FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON support_sessions IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON support_sessions FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id
                   AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON support_sessions IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row. Restrictive policies '
    'limit this to staff of the case and the worker of the session.';

CREATE POLICY author_is_caller ON support_sessions AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON support_sessions IS 'author_id of a new row must be the caller.';

CREATE POLICY update_with_visible_case ON support_sessions FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id
                   AND (c.status <> 'closed' OR support_sessions.entered_in_error_at IS NOT NULL))
    );
COMMENT ON POLICY update_with_visible_case ON support_sessions IS
    'A row can be updated if its case is visible and has the same child_id. The case must be open, unless the session '
    'is marked as entered in error. Restrictive policies limit this to staff of the case and the worker of the session.';

CREATE POLICY case_staff_can_insert ON support_sessions AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = support_sessions.case_id AND access.is_case_staff(x, c))
        OR (worker_id = (SELECT x.worker_id FROM access.context() x) AND status IN ('held', 'missed'))
    );
COMMENT ON POLICY case_staff_can_insert ON support_sessions IS
    'Only staff of the case and the worker of a held or missed session can insert a row, because break-glass access '
    'is read-only.';

CREATE POLICY case_staff_can_update ON support_sessions AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = support_sessions.case_id AND access.is_case_staff(x, c))
        OR (worker_id = (SELECT x.worker_id FROM access.context() x) AND status IN ('held', 'missed'))
    );
COMMENT ON POLICY case_staff_can_update ON support_sessions IS
    'Only staff of the case and the worker of a held or missed session can update a row (WITH CHECK). USING is true '
    'because it also filters SELECT FOR SHARE, which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON support_sessions TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON support_sessions IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_reassignment BEFORE UPDATE ON support_sessions FOR EACH ROW
    WHEN (OLD.worker_id IS DISTINCT FROM NEW.worker_id) EXECUTE FUNCTION access.prevent_reassignment('case_id');
COMMENT ON TRIGGER prevent_reassignment ON support_sessions IS
    'Rejects a change of the worker by a caller who is not staff of the case.';

CREATE TRIGGER prevent_late_correction BEFORE UPDATE ON support_sessions FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND OLD.status IN ('held', 'missed')
          AND NEW.entered_in_error_at IS NOT DISTINCT FROM OLD.entered_in_error_at)
    EXECUTE FUNCTION access.prevent_late_correction('recorded_at');
COMMENT ON TRIGGER prevent_late_correction ON support_sessions IS
    'Only the author can correct a held or missed session, for 24 hours. Later texts are addenda. A mark as entered in '
    'error has no time limit.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON support_sessions FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'planned held missed',
        'planned planned, held held, missed missed, held missed, missed held',
            'kind form planned_at held_at attendance areas topics contact_with goal_ids worker_id content_encrypted',
        'planned held, planned missed',
            'kind form planned_at held_at attendance areas topics contact_with goal_ids worker_id content_encrypted recorded_at author_id',
        'planned cancelled',
            'content_encrypted'
    );
COMMENT ON TRIGGER validate_change ON support_sessions IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON support_sessions FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_entered_in_error('author_id');
COMMENT ON TRIGGER protect_entered_in_error ON support_sessions IS
    'Rejects a mark as entered in error together with another change or by a person who may not set it, and changes of a '
    'marked row.';

ALTER TABLE support_sessions ADD CONSTRAINT ck_support_sessions_status CHECK (
    status IN ('planned', 'held', 'missed', 'cancelled')
);

ALTER TABLE support_sessions ADD CONSTRAINT ck_support_sessions_has_time CHECK (
    planned_at IS NOT NULL OR held_at IS NOT NULL
);
COMMENT ON CONSTRAINT ck_support_sessions_has_time ON support_sessions IS
    'Every session has a time, because lists are sorted by it.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (
    id, child_id, case_id, kind, status, planned_at, held_at, recorded_at, attendance, worker_id, entered_in_error_at
) ON support_sessions TO firststep_reports;

CREATE POLICY reports_can_count ON support_sessions FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON support_sessions IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
