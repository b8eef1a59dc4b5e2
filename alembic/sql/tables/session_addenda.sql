-- Addenda to a recorded support session. They never change.

ALTER TABLE session_addenda ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON session_addenda TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON session_addenda TO firststep_gate;

CREATE POLICY gate_role_can_read ON session_addenda FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON session_addenda IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_by_tier ON session_addenda FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = session_addenda.case_id
                   AND access.can_read_tier(x, c, session_addenda.tier, session_addenda.author_id) OFFSET 0)
    );
COMMENT ON POLICY visible_by_tier ON session_addenda IS
    'A row is visible if its case is visible and the caller can read its tier (see access.can_read_tier()).';

CREATE POLICY visible_by_handover ON session_addenda FOR SELECT TO firststep_api, firststep_owner
    USING (
        tier = 'clinical'
        AND EXISTS (SELECT FROM public.clinical_handovers h, access.context() x
                 WHERE h.case_id = session_addenda.case_id AND h.worker_id = x.worker_id AND h.ended_at IS NULL
                   AND h.created_at > session_addenda.created_at OFFSET 0)
    );
COMMENT ON POLICY visible_by_handover ON session_addenda IS
    'A clinical addendum is visible to the lead worker to whom a supervisor handed it over after it was written.';

CREATE POLICY insert_by_tier ON session_addenda FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = session_addenda.case_id
                   AND access.can_read_tier(x, c, session_addenda.tier, session_addenda.author_id))
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = session_addenda.case_id AND c.child_id = session_addenda.child_id
                       AND c.status <> 'closed')
        AND EXISTS (SELECT FROM public.support_sessions s
                     WHERE s.id = session_id AND s.case_id = session_addenda.case_id)
    );
COMMENT ON POLICY insert_by_tier ON session_addenda IS
    'A row can be inserted if its case is visible and open and has the same child_id, and the caller can read its tier. '
    'Restrictive policies limit this to staff of the case and the worker of the session.';

CREATE POLICY author_is_caller ON session_addenda AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON session_addenda IS 'author_id of a new row must be the caller.';

CREATE POLICY case_staff_can_insert ON session_addenda AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = session_addenda.case_id AND access.is_case_staff(x, c))
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT x.worker_id FROM access.context() x))
    );
COMMENT ON POLICY case_staff_can_insert ON session_addenda IS
    'Only staff of the case and the worker of the session can insert a row. A caller with break-glass access can see the '
    'case, but not write to it.';

CREATE POLICY case_staff_can_update ON session_addenda AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = session_addenda.case_id AND access.is_case_staff(x, c))
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT x.worker_id FROM access.context() x))
    );
COMMENT ON POLICY case_staff_can_update ON session_addenda IS
    'Only staff of the case and the worker of the session can update a row (WITH CHECK). USING is true because it also '
    'filters SELECT FOR SHARE, which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON session_addenda TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON session_addenda IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';
