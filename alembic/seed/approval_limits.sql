-- The limits that apply until an administrator sets others.

INSERT INTO approval_limits (id, created_at, version, role, act, currency, amount, starts_on) VALUES
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve', 'USD', 20000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve', 'KHR', 800000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'USD', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'KHR', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first', 'USD', 5000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first', 'KHR', 200000, '2020-01-01');
