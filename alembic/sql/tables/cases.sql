-- Decides who sees a case. The policies of every other table about a child refer to this table, and so apply these
-- policies too.

ALTER TABLE cases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON cases TO firststep_api;
GRANT UPDATE (
    version, kind, status, team_id, lead_worker_id, referral_id, opened_on, closed_on, next_review_on,
    extended_until, age_at_referral_min, age_at_referral_max, province_code, updated_at, sealed, close_reason
) ON cases TO firststep_api;
GRANT SELECT (id, child_id, status, team_id, lead_worker_id) ON cases TO firststep_gate;

CREATE POLICY gate ON cases TO firststep_gate USING (true);
COMMENT ON POLICY gate ON cases IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY seen ON cases FOR SELECT TO firststep_api, firststep_owner
    USING (
        ((SELECT access.sees_every_case())
         OR team_id = ANY ((SELECT access.supervised_teams())::uuid[])
         OR lead_worker_id = (SELECT access.worker_id())
         OR id = ANY ((SELECT access.worked_cases())::uuid[]))
        AND NOT (id = ANY ((SELECT access.walled_cases())::uuid[]))
    );
COMMENT ON POLICY seen ON cases IS
    'A case is visible to its lead worker, its co-workers, the supervisors of its team, callers who read the '
    'cases of all teams, and callers with break-glass access to it, unless it is behind the conflict wall for the '
    'caller.';

CREATE POLICY opened ON cases FOR INSERT TO firststep_api WITH CHECK ((SELECT access.is_staff()));
COMMENT ON POLICY opened ON cases IS 'Staff can insert a case.';

-- USING repeats the condition of the SELECT policy, because an UPDATE without WHERE does not apply SELECT policies.
CREATE POLICY changed ON cases FOR UPDATE TO firststep_api, firststep_owner
    USING (
        ((SELECT access.sees_every_case())
         OR team_id = ANY ((SELECT access.supervised_teams())::uuid[])
         OR lead_worker_id = (SELECT access.worker_id())
         OR id = ANY ((SELECT access.worked_cases())::uuid[]))
        AND NOT (id = ANY ((SELECT access.walled_cases())::uuid[]))
    )
    WITH CHECK ((SELECT access.is_staff()));
COMMENT ON POLICY changed ON cases IS
    'Staff can update a case that is visible to them; the new row may be out of their scope, for a transfer.';

CREATE POLICY custodian ON cases TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON cases IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

CREATE TRIGGER not_taken BEFORE UPDATE ON cases FOR EACH ROW EXECUTE FUNCTION access.refuse_taking('id');
COMMENT ON TRIGGER not_taken ON cases IS 'Only staff of a case can update it: break-glass access is read-only.';

ALTER TABLE cases ADD CONSTRAINT ck_cases_status CHECK (
    status IN ('assessment', 'planning', 'active', 'exiting', 'closed')
);

ALTER TABLE cases ADD CONSTRAINT ck_cases_active_is_reviewed CHECK (status <> 'active' OR next_review_on IS NOT NULL);
COMMENT ON CONSTRAINT ck_cases_active_is_reviewed ON cases IS
    'An active case always has a next review date, whatever requests run at the same time.';
