-- Accounts of the ledger. The stored balance is kept by the trigger of ledger_entries; firststep_api cannot update it.

GRANT SELECT, INSERT ON ledger_accounts TO firststep_api;
GRANT SELECT ON ledger_accounts TO firststep_gate;

CREATE FUNCTION ledger.account_opens() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NEW.balance <> 0 OR NEW.currency <> (SELECT f.currency FROM public.funds f WHERE f.id = NEW.fund_id) THEN
        RAISE EXCEPTION 'an account opens empty, in the currency of its fund' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.account_opens() IS
    'Raises an error unless a new account is empty and in the currency of its fund.';

CREATE TRIGGER opens BEFORE INSERT ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION ledger.account_opens();
COMMENT ON TRIGGER opens ON ledger_accounts IS 'An account starts empty, in the currency of its fund.';

CREATE TRIGGER never_deleted BEFORE DELETE ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_deleted ON ledger_accounts IS 'Accounts are never deleted.';

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_accounts EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON ledger_accounts IS 'The table is never truncated.';

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_kind CHECK (
    kind IN ('donor', 'available', 'reserved', 'advanced', 'spent')
);

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_never_overdrawn CHECK (kind = 'donor' OR balance >= 0);
COMMENT ON CONSTRAINT ck_ledger_accounts_never_overdrawn ON ledger_accounts IS
    'No account except a donor''s is ever overdrawn: the row is locked by the change, and the constraint is '
    'checked last.';

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_given CHECK (kind <> 'donor' OR balance <= 0);
COMMENT ON CONSTRAINT ck_ledger_accounts_given ON ledger_accounts IS
    'A donor account records what was given, so its balance is never positive.';
