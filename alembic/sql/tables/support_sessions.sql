-- Planned and held contacts with a child, a supporter or a family.

ALTER TABLE support_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api can update only the columns that do not identify the record, its case and its author.
GRANT SELECT, INSERT ON support_sessions TO firststep_api;
GRANT UPDATE (
    version, kind, form, status, planned_at, held_at, recorded_at, attendance, areas, goal_ids, worker_id,
    author_id, updated_at, content_encrypted
) ON support_sessions TO firststep_api;

CREATE POLICY visible_with_case ON support_sessions FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id)
    );
COMMENT ON POLICY visible_with_case ON support_sessions IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON support_sessions FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON support_sessions IS
    'A row can be inserted if its case is visible and belongs to the same child.';

CREATE POLICY author_is_caller ON support_sessions AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.caller_id()));
COMMENT ON POLICY author_is_caller ON support_sessions IS
    'The caller can insert a row only with itself as author_id.';

CREATE POLICY update_with_visible_case ON support_sessions FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id AND c.child_id = support_sessions.child_id)
    );
COMMENT ON POLICY update_with_visible_case ON support_sessions IS
    'A row can be updated if its case is visible and belongs to the same child, before and after the change.';

CREATE POLICY case_staff_can_insert ON support_sessions AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id
                   AND ((SELECT access.can_read_all_cases())
                        OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.assigned_case_ids())::uuid[])))
        OR (worker_id = (SELECT access.worker_id()) AND status IN ('held', 'missed'))
    );
COMMENT ON POLICY case_staff_can_insert ON support_sessions IS
    'Only staff of the case can insert a row, or its worker if the session was held or missed, because '
    'break-glass access is read-only otherwise.';

CREATE POLICY case_staff_can_update ON support_sessions AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = support_sessions.case_id
                   AND ((SELECT access.can_read_all_cases())
                        OR c.team_id = ANY ((SELECT access.supervised_team_ids())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.assigned_case_ids())::uuid[])))
        OR (worker_id = (SELECT access.worker_id()) AND status IN ('held', 'missed'))
    );
COMMENT ON POLICY case_staff_can_update ON support_sessions IS
    'Only staff of the case can update a row, or its worker if the session was held or missed; USING is true so '
    'that locking a row does not hide it from a break-glass reader.';

CREATE POLICY custodian_can_access ON support_sessions TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian_can_access ON support_sessions IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

CREATE TRIGGER prevent_reassignment BEFORE UPDATE ON support_sessions FOR EACH ROW
    WHEN (OLD.worker_id IS DISTINCT FROM NEW.worker_id) EXECUTE FUNCTION access.prevent_reassignment('case_id');
COMMENT ON TRIGGER prevent_reassignment ON support_sessions IS
    'Only staff of the case can change the worker of a session.';

ALTER TABLE support_sessions ADD CONSTRAINT ck_support_sessions_status CHECK (
    status IN ('planned', 'held', 'missed', 'cancelled')
);
