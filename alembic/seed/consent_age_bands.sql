-- The consents that a new installation requires, by the age of the child in completed years.

INSERT INTO consent_age_bands (min_age, child, caregiver) VALUES
    (0, 'sought', 'required'),
    (12, 'required', 'required'),
    (18, 'required', 'not_needed');
