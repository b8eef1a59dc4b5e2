-- Money, and who may decide about it. Nothing of a child's is here: the API reads and writes these as its permissions say.

GRANT SELECT, INSERT, UPDATE ON funds, fund_transfers, disbursement_number_series TO firststep_api;
GRANT SELECT, INSERT ON approval_limits, exchange_rates, books_closings TO firststep_api;

ALTER TABLE funds ADD CONSTRAINT ck_funds_currency CHECK (currency IN ('USD', 'KHR'));
ALTER TABLE funds ADD CONSTRAINT ck_funds_status CHECK (status IN ('open', 'closed'));
ALTER TABLE funds ADD CONSTRAINT ck_funds_period CHECK (ends_on >= starts_on);
ALTER TABLE fund_transfers ADD CONSTRAINT ck_fund_transfers_status CHECK (status IN ('requested', 'approved', 'rejected'));
ALTER TABLE approval_limits ADD CONSTRAINT ck_approval_limits_currency CHECK (currency IN ('USD', 'KHR'));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['approval_limits', 'exchange_rates', 'books_closings'] LOOP
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION access.refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I EXECUTE FUNCTION access.refuse_change()', name);
    END LOOP;
END
$$;

-- To begin with, until an administrator sets others.
INSERT INTO approval_limits (id, created_at, version, role, act, currency, amount, starts_on) VALUES
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve', 'USD', 20000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'supervisor', 'approve', 'KHR', 800000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'USD', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'programme_manager', 'approve', 'KHR', NULL, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first', 'USD', 5000, '2020-01-01'),
    (gen_random_uuid(), now(), 1, 'finance_officer', 'pay_first', 'KHR', 200000, '2020-01-01');
