-- The policies of this table decide which callers can see a case. The policies of the other tables about a child select
-- from this table, and a row-secured select applies these policies too.
--
-- The subqueries of SELECT policies end with OFFSET 0, so that PostgreSQL looks up the case of each row by index. Without
-- it, the planner reads all cases into a hash table for a list of many records, although a page shows 50 of them.

ALTER TABLE cases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update last_contact_on; access.update_last_contact() computes it.
GRANT SELECT, INSERT ON cases TO firststep_api;
GRANT UPDATE (
    version, kind, status, team_id, lead_worker_id, referral_id, opened_on, closed_on, next_review_on,
    risk_level, extended_until, age_at_referral_min, age_at_referral_max, province_code, updated_at, content_encrypted,
    close_reason
) ON cases TO firststep_api;
GRANT SELECT (id, child_id, status, team_id, lead_worker_id, version, last_contact_on, updated_at) ON cases TO firststep_gate;
GRANT UPDATE (version, last_contact_on, updated_at) ON cases TO firststep_gate;

CREATE POLICY gate_role_can_access ON cases TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON cases IS 'Functions owned by firststep_gate can use all rows.';

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
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_reassignment BEFORE UPDATE ON cases FOR EACH ROW
    EXECUTE FUNCTION access.prevent_reassignment('id');
COMMENT ON TRIGGER prevent_reassignment ON cases IS
    'Rejects an update by a caller who is not staff of the case. A caller with break-glass access can see the case, but '
    'not write to it.';

ALTER TABLE cases ADD CONSTRAINT ck_cases_status CHECK (
    status IN ('assessment', 'planning', 'active', 'exiting', 'closed')
);

ALTER TABLE cases ADD CONSTRAINT ck_cases_active_has_next_review CHECK (
    status <> 'active' OR next_review_on IS NOT NULL
);
COMMENT ON CONSTRAINT ck_cases_active_has_next_review ON cases IS 'An active case has a next review date.';

ALTER TABLE cases ADD CONSTRAINT ck_cases_risk_level CHECK (risk_level IN ('low', 'medium', 'high'));
COMMENT ON CONSTRAINT ck_cases_risk_level ON cases IS
    'The risk level of the child''s newest approved assessment is low, medium or high. It is NULL without one.';
