-- The callers who listed the matches of an identity of a referral (see functions/matching.sql).

ALTER TABLE referral_match_readings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON referral_match_readings TO firststep_gate;

CREATE POLICY gate_role_can_access ON referral_match_readings TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON referral_match_readings IS
    'Functions owned by firststep_gate can access all rows. No other role can, so that a caller cannot claim a review.';

ALTER TABLE referral_match_readings ADD CONSTRAINT ck_referral_match_readings_digest
    CHECK (octet_length(identity_digest) = 32);
COMMENT ON CONSTRAINT ck_referral_match_readings_digest ON referral_match_readings IS 'A digest has 32 bytes (SHA-256).';
