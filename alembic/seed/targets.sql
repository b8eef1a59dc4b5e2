-- The targets of a new installation, in hours of calendar time.

INSERT INTO targets (name, hours) VALUES
    ('acknowledgement_emergency', 2),
    ('acknowledgement_urgent', 24),
    ('acknowledgement_routine', 48),
    ('referral_decision', 7 * 24),
    ('partner_answer', 3 * 24),
    ('duplicate_comparison', 24),
    ('person_confirmation', 7 * 24),
    ('first_contact', 7 * 24),
    ('assessment', 30 * 24),
    ('care_plan', 45 * 24),
    ('draft', 14 * 24),
    ('approval', 7 * 24),
    ('revision', 7 * 24),
    ('service_referral_answer', 14 * 24),
    ('service_referral_outcome', 30 * 24),
    ('recall', 3 * 24),
    ('receipt', 14 * 24),
    ('milestone_notice', 30 * 24),
    ('consent_notice', 30 * 24),
    ('birthday_notice', 90 * 24);
