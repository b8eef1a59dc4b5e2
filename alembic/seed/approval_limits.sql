-- The limits that apply until an administrator sets others.

INSERT INTO approval_limits (id, created_at, version, role, act, currency, amount, starts_on) VALUES
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve', 'USD', 20000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve', 'KHR', 800000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'USD', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'KHR', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve_case_month', 'USD', 60000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve_case_month', 'KHR', 2400000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve_case_month', 'USD', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve_case_month', 'KHR', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first', 'USD', 5000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first', 'KHR', 200000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first_case_day', 'USD', 10000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first_case_day', 'KHR', 400000, '2020-01-01');
