-- A referral that joins a case is part of its file: broken glass reads the file, and adds nothing to it.

CREATE POLICY by_ones_own_hands ON referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (case_id IS NULL OR access.works_on(case_id));
CREATE POLICY in_ones_own_hands ON referrals AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true) WITH CHECK (case_id IS NULL OR access.works_on(case_id));

-- A policy sees what a row becomes, not what it was: nobody takes a referral out of a case they do not work on.
CREATE TRIGGER not_taken BEFORE UPDATE ON referrals FOR EACH ROW
    WHEN (OLD.case_id IS NOT NULL) EXECUTE FUNCTION access.refuse_taking('case_id');
