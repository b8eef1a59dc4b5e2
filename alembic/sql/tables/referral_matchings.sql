-- The identities of referrals that were compared with all children (see functions/matching.sql).

ALTER TABLE referral_matchings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON referral_matchings TO firststep_gate;

CREATE POLICY gate_role_can_access ON referral_matchings TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON referral_matchings IS
    'Functions owned by firststep_gate can access all rows. No other role can, so that a caller cannot reset the limits.';

ALTER TABLE referral_matchings ADD CONSTRAINT ck_referral_matchings_digest CHECK (octet_length(identity_digest) = 32);
COMMENT ON CONSTRAINT ck_referral_matchings_digest ON referral_matchings IS 'A digest has 32 bytes (SHA-256).';
