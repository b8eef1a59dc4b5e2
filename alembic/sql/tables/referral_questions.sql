-- Questions of staff to the agency about its referral, with the answers.

ALTER TABLE referral_questions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON referral_questions TO firststep_api;
GRANT UPDATE (answered_at, answer_encrypted) ON referral_questions TO firststep_api;
GRANT SELECT (id, referral_id) ON referral_questions TO firststep_gate;

CREATE POLICY gate_role_can_read ON referral_questions FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON referral_questions IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY access_with_referral ON referral_questions TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.referrals r WHERE r.id = referral_questions.referral_id OFFSET 0));
COMMENT ON POLICY access_with_referral ON referral_questions IS
    'A question can be read, inserted and updated if its referral is visible.';

CREATE POLICY custodian_can_access ON referral_questions TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON referral_questions IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_change_of_final_row BEFORE UPDATE ON referral_questions FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND OLD.answered_at IS NOT NULL)
    EXECUTE FUNCTION access.prevent_change_of_final_row();
COMMENT ON TRIGGER prevent_change_of_final_row ON referral_questions IS 'An answered question never changes.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON referral_questions FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON referral_questions IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
