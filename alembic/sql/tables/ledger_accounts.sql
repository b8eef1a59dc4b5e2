-- Accounts of the ledger. A trigger of ledger_entries updates the balance. firststep_api cannot update it.

GRANT SELECT, INSERT ON ledger_accounts TO firststep_api;
GRANT SELECT ON ledger_accounts TO firststep_gate;

CREATE FUNCTION ledger.validate_new_account() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NEW.balance <> 0 OR NEW.currency <> (SELECT f.currency FROM public.funds f WHERE f.id = NEW.fund_id) THEN
        RAISE EXCEPTION 'a new account must be empty and in the currency of its fund'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.validate_new_account() IS
    'Raises an error unless a new account has balance 0 and the currency of its fund.';

CREATE TRIGGER validate_new_account BEFORE INSERT ON ledger_accounts FOR EACH ROW
    EXECUTE FUNCTION ledger.validate_new_account();
COMMENT ON TRIGGER validate_new_account ON ledger_accounts IS
    'Rejects a new account whose balance is not 0 or whose currency differs from the currency of its fund.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON ledger_accounts IS 'Rejects DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON ledger_accounts EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON ledger_accounts IS 'Rejects TRUNCATE.';

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_kind CHECK (
    kind IN ('donor', 'available', 'reserved', 'advanced', 'spent', 'rounding')
);

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_not_overdrawn CHECK (
    kind IN ('donor', 'rounding') OR balance >= 0
);
COMMENT ON CONSTRAINT ck_ledger_accounts_not_overdrawn ON ledger_accounts IS
    'Only a donor account and a rounding account can have a negative balance. The trigger that changes a balance locks the row, so this also '
    'holds for concurrent requests.';

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_donor_balance CHECK (kind <> 'donor' OR balance <= 0);
COMMENT ON CONSTRAINT ck_ledger_accounts_donor_balance ON ledger_accounts IS
    'The balance of a donor account is the sum of the deposits with a minus sign, so it is never positive.';
