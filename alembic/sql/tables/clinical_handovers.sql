-- Clinical handovers: a supervisor lets the lead worker of a case read the clinical notes that were written before the
-- handover.

ALTER TABLE clinical_handovers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON clinical_handovers TO firststep_api;
GRANT SELECT (id, child_id, case_id, worker_id, ended_at) ON clinical_handovers TO firststep_gate;
GRANT UPDATE (ended_at) ON clinical_handovers TO firststep_gate;

CREATE POLICY gate_role_can_access ON clinical_handovers TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON clinical_handovers IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_case_staff ON clinical_handovers FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = clinical_handovers.case_id AND access.is_case_staff(x, c) OFFSET 0)
    );
COMMENT ON POLICY visible_to_case_staff ON clinical_handovers IS 'A row is visible to the staff of its case.';

CREATE POLICY data_protection_officer_can_read ON clinical_handovers FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.can_read_access_log));
COMMENT ON POLICY data_protection_officer_can_read ON clinical_handovers IS
    'A data protection officer can read the handovers of all cases.';

CREATE POLICY supervisor_can_insert ON clinical_handovers FOR INSERT TO firststep_api
    WITH CHECK (
        handed_over_by_id = (SELECT x.worker_id FROM access.context() x)
        AND ended_at IS NULL
        AND created_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '1 minute'
        AND EXISTS (SELECT FROM public.cases c, access.context() x
                     WHERE c.id = clinical_handovers.case_id AND c.child_id = clinical_handovers.child_id
                       AND c.lead_worker_id = clinical_handovers.worker_id AND c.team_id = ANY (x.supervised_team_ids))
    );
COMMENT ON POLICY supervisor_can_insert ON clinical_handovers IS
    'A supervisor of the team of the case can hand over its clinical notes to the lead worker, starting now.';

CREATE POLICY custodian_can_access ON clinical_handovers TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON clinical_handovers IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';
