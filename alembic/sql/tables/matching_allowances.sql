-- Permissions of supervisors to compare more changes of a referral on one day (see functions/matching.sql).

ALTER TABLE matching_allowances ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON matching_allowances TO firststep_api;
GRANT SELECT (referral_id, allowed_by_id, allowed_at) ON matching_allowances TO firststep_gate;

CREATE POLICY gate_role_can_read ON matching_allowances FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON matching_allowances IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_referral ON matching_allowances FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x WHERE x.is_staff)
        AND EXISTS (SELECT FROM public.referrals r WHERE r.id = matching_allowances.referral_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_referral ON matching_allowances IS
    'A permission is visible to staff who can see its referral.';

CREATE POLICY supervisors_can_insert ON matching_allowances FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.referrals r, access.context() x
                 WHERE r.id = matching_allowances.referral_id AND matching_allowances.allowed_by_id = x.caller_id
                   AND x.is_staff
                   AND (x.can_read_all_cases
                        OR r.team_id = ANY (x.supervised_team_ids)
                        OR (r.team_id IS NULL AND cardinality(x.supervised_team_ids) > 0)))
        AND allowed_at BETWEEN clock_timestamp() - interval '60 seconds' AND clock_timestamp() + interval '60 seconds'
    );
COMMENT ON POLICY supervisors_can_insert ON matching_allowances IS
    'A supervisor of the team of a visible referral, a supervisor of any team if it has none, and a programme manager can '
    'insert a permission in their own name and for the present time.';

CREATE POLICY custodian_can_access ON matching_allowances TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON matching_allowances IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';
