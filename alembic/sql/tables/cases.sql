-- The policies of this table decide which callers can see a case. The policies of the other tables about a child select
-- from this table, and a row-secured select applies these policies too.
--
-- The subqueries of SELECT policies end with OFFSET 0, so that PostgreSQL looks up the case of each row by index. Without
-- it, the planner reads all cases into a hash table for a list of many records, although a page shows 50 of them.

ALTER TABLE cases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update last_contact_on; access.update_last_contact() computes it.
GRANT SELECT, INSERT ON cases TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, kind, team_id, lead_worker_id, next_review_on, risk_level, extended_until,
    content_encrypted, closed_on, close_reason, hsb_outcome, grant_code
) ON cases TO firststep_api;
GRANT SELECT (
    id, child_id, status, team_id, lead_worker_id, version, opened_on, extended_until, last_contact_on, updated_at,
    previous_case_id, referral_id
) ON cases TO firststep_gate;
GRANT UPDATE (version, child_id, last_contact_on, updated_at) ON cases TO firststep_gate;
GRANT SELECT (hsb_outcome, grant_code) ON cases TO firststep_reports;

CREATE POLICY gate_role_can_access ON cases TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON cases IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_in_scope ON cases FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x
                    WHERE access.can_read_case(x, cases.id, cases.team_id, cases.lead_worker_id)));
COMMENT ON POLICY visible_in_scope ON cases IS
    'A case is visible to its lead worker, its co-workers, the supervisors of its team, callers who can read the '
    'cases of all teams, and callers with break-glass access to it. A case that the conflict wall hides from the '
    'caller is not visible.';

CREATE POLICY staff_can_insert ON cases FOR INSERT TO firststep_api WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff));
COMMENT ON POLICY staff_can_insert ON cases IS 'Staff can insert a case.';

-- USING repeats the condition of the SELECT policy, because an UPDATE that reads no column (no WHERE) does not apply
-- SELECT policies.
CREATE POLICY update_in_scope ON cases FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x
                    WHERE access.can_read_case(x, cases.id, cases.team_id, cases.lead_worker_id)))
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff));
COMMENT ON POLICY update_in_scope ON cases IS
    'Staff can update a case that they can see. WITH CHECK does not require that they can see the new row, so that '
    'they can transfer the case to another team.';

CREATE POLICY custodian_can_access ON cases TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON cases IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER end_clinical_handovers AFTER UPDATE OF lead_worker_id ON cases FOR EACH ROW
    WHEN (NEW.lead_worker_id <> OLD.lead_worker_id) EXECUTE FUNCTION access.end_clinical_handovers();
COMMENT ON TRIGGER end_clinical_handovers ON cases IS
    'A worker who does not lead the case cannot read the clinical notes that were handed over.';

CREATE TRIGGER prevent_reassignment BEFORE UPDATE ON cases FOR EACH ROW
    EXECUTE FUNCTION access.prevent_reassignment('id');
COMMENT ON TRIGGER prevent_reassignment ON cases IS
    'Rejects an update by a caller who is not staff of the case. A caller with break-glass access can see the case, but '
    'not write to it.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON cases FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'assessment',
        'assessment assessment, planning planning, active active, exiting exiting',
            'kind team_id lead_worker_id next_review_on risk_level extended_until grant_code content_encrypted',
        'assessment planning, assessment active, planning active, active exiting, exiting active',
            'next_review_on risk_level',
        'assessment closed, planning closed, active closed, exiting closed',
            'closed_on close_reason hsb_outcome next_review_on content_encrypted',
        -- A handover also moves the follow-ups and court dates of closed cases.
        'closed closed',
            'lead_worker_id'
    );
COMMENT ON TRIGGER validate_change ON cases IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

CREATE FUNCTION access.require_supervisor_of_case() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM access.context() x
                    WHERE x.can_read_all_cases OR OLD.team_id = ANY (x.supervised_team_ids)) THEN
        RAISE EXCEPTION 'only a supervisor of the team or a programme manager can set the grant of a case'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.require_supervisor_of_case() IS
    'Raises an error unless the caller is a supervisor of the team of the case, or can read the cases of all teams.';

CREATE TRIGGER require_supervisor_of_case BEFORE UPDATE OF grant_code ON cases FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND NEW.grant_code IS DISTINCT FROM OLD.grant_code)
    EXECUTE FUNCTION access.require_supervisor_of_case();
COMMENT ON TRIGGER require_supervisor_of_case ON cases IS
    'Only a supervisor of the team or a programme manager can attribute the case to a grant.';

CREATE TRIGGER record_case_periods AFTER INSERT OR UPDATE OF status, team_id, lead_worker_id, child_id ON cases FOR EACH ROW
    EXECUTE FUNCTION access.record_case_periods();
COMMENT ON TRIGGER record_case_periods ON cases IS 'Records the assignment and status periods of the case.';

ALTER TABLE cases ADD CONSTRAINT ck_cases_status CHECK (
    status IN ('assessment', 'planning', 'active', 'exiting', 'closed')
);

ALTER TABLE cases ADD CONSTRAINT ck_cases_active_has_next_review CHECK (
    status <> 'active' OR next_review_on IS NOT NULL
);
COMMENT ON CONSTRAINT ck_cases_active_has_next_review ON cases IS 'An active case has a next review date.';

ALTER TABLE cases ADD CONSTRAINT ck_cases_risk_level CHECK (risk_level IN ('low', 'medium', 'high'));
COMMENT ON CONSTRAINT ck_cases_risk_level ON cases IS
    'The risk level of the child''s newest approved assessment is low, medium or high. It is NULL if there is none.';

ALTER TABLE cases ADD CONSTRAINT ck_cases_hsb_outcome CHECK (
    hsb_outcome IS NULL
    OR (hsb_outcome IN ('no_further_behaviour', 'further_behaviour', 'unknown') AND status = 'closed' AND kind <> 'survivor')
);
COMMENT ON CONSTRAINT ck_cases_hsb_outcome ON cases IS
    'Only a closed case of a child with harmful sexual behaviour has this outcome.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (
    id, child_id, kind, status, team_id, lead_worker_id, referral_id, previous_case_id, opened_on, closed_on, close_reason,
    next_review_on, risk_level, last_contact_on, extended_until, age_at_referral_min, age_at_referral_max, province_code
) ON cases TO firststep_reports;

CREATE POLICY reports_can_count ON cases FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_report_team(x, cases.team_id)));
COMMENT ON POLICY reports_can_count ON cases IS
    'A report counts the cases of all teams, or for a supervisor those of the supervised teams, including those behind a '
    'conflict wall.';
