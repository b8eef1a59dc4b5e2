-- A referral that joins a case is part of its file: broken glass reads the file, and adds nothing to it.

CREATE POLICY by_ones_own_hands ON referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (case_id IS NULL OR access.works_on(case_id));
CREATE POLICY in_ones_own_hands ON referrals AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true) WITH CHECK (case_id IS NULL OR access.works_on(case_id));
