ALTER TABLE referral_questions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON referral_questions TO firststep_api;

CREATE POLICY through_the_referral ON referral_questions TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.referrals r WHERE r.id = referral_questions.referral_id));
