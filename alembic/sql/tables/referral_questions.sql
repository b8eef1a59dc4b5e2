-- Questions of staff to the agency about its referral, with the answers.

ALTER TABLE referral_questions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON referral_questions TO firststep_api;
GRANT SELECT (id, child_id) ON referral_questions TO firststep_gate;

CREATE POLICY gate_role_can_read ON referral_questions FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON referral_questions IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY access_with_referral ON referral_questions TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.referrals r WHERE r.id = referral_questions.referral_id OFFSET 0));
COMMENT ON POLICY access_with_referral ON referral_questions IS
    'A question can be read, inserted and updated if its referral is visible.';

CREATE POLICY custodian_can_access ON referral_questions TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON referral_questions IS
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';
