-- The consents that are required, by the age of the child. The gates of the consent register use this table. Contains
-- no data about a child.

GRANT SELECT ON consent_age_bands TO firststep_api;

ALTER TABLE consent_age_bands ADD CONSTRAINT ck_consent_age_bands_answers CHECK (
    min_age >= 0
    AND child IN ('required', 'sought', 'not_needed')
    AND caregiver IN ('required', 'sought', 'not_needed')
    AND 'required' IN (child, caregiver)
);
COMMENT ON CONSTRAINT ck_consent_age_bands_answers ON consent_age_bands IS
    'Each band has a lowest age and requires the consent of the child, of the caregiver, or of both.';
