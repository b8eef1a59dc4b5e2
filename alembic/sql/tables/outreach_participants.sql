-- Numbers of participants of an outreach activity, one row for each audience. Contains no data about a child, so the
-- permissions of the API alone control its use.

GRANT SELECT, INSERT, DELETE ON outreach_participants TO firststep_api;
GRANT SELECT ON outreach_participants TO firststep_reports;

CREATE TRIGGER protect_outreach_part BEFORE INSERT OR DELETE ON outreach_participants FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.protect_outreach_part();
COMMENT ON TRIGGER protect_outreach_part ON outreach_participants IS
    'Rejects changes of the participants of an activity that was entered in error.';

ALTER TABLE outreach_participants ADD CONSTRAINT ck_outreach_participants_attendances CHECK (
    persons > 0 AND attendances >= persons
);
COMMENT ON CONSTRAINT ck_outreach_participants_attendances ON outreach_participants IS
    'Each person attended at least once.';

ALTER TABLE outreach_participants ADD CONSTRAINT ck_outreach_participants_counts CHECK (
    least(sex_male, sex_female, sex_other, sex_unknown, age_under_5, age_from_5_to_9, age_from_10_to_13, age_from_14_to_17,
          age_from_18_to_24, age_from_25_to_59, age_from_60, age_unknown, disability_yes, disability_no,
          disability_unknown) >= 0
);
COMMENT ON CONSTRAINT ck_outreach_participants_counts ON outreach_participants IS 'No number is negative.';

ALTER TABLE outreach_participants ADD CONSTRAINT ck_outreach_participants_sex CHECK (
    sex_male + sex_female + sex_other + sex_unknown = persons
);
COMMENT ON CONSTRAINT ck_outreach_participants_sex ON outreach_participants IS
    'The numbers by sex add up to the number of persons.';

ALTER TABLE outreach_participants ADD CONSTRAINT ck_outreach_participants_age CHECK (
    age_under_5 + age_from_5_to_9 + age_from_10_to_13 + age_from_14_to_17 + age_from_18_to_24 + age_from_25_to_59 + age_from_60
        + age_unknown = persons
);
COMMENT ON CONSTRAINT ck_outreach_participants_age ON outreach_participants IS
    'The numbers by age add up to the number of persons.';

ALTER TABLE outreach_participants ADD CONSTRAINT ck_outreach_participants_disability CHECK (
    disability_yes + disability_no + disability_unknown = persons
);
COMMENT ON CONSTRAINT ck_outreach_participants_disability ON outreach_participants IS
    'The numbers by disability add up to the number of persons.';
