-- Transactions of the ledger, such as a deposit, an approval or a payment. Append-only.

-- firststep_api cannot insert xid, so that its value comes from the database.
GRANT SELECT ON ledger_transactions TO firststep_api;
GRANT INSERT (
    id, created_at, kind, "on", fund_id, disbursement_id, transfer_id, deposit_id, reference, by_id
) ON ledger_transactions TO firststep_api;
GRANT SELECT ON ledger_transactions TO firststep_gate;

-- A ledger transaction takes the advisory lock ledger.books in shared mode, and a closing takes it in exclusive mode.
-- No transaction can therefore be added to a period while it is being closed.
CREATE FUNCTION ledger.require_open_period() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('ledger.books'));
    IF NEW."on" <= (SELECT max(b.until) FROM public.books_closings b) THEN
        RAISE EXCEPTION 'the books are closed for that day'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_closed';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.require_open_period() IS
    'Raises an error if the day of a new ledger transaction is not after the last closing of the books.';

CREATE TRIGGER require_open_period BEFORE INSERT ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION ledger.require_open_period();
COMMENT ON TRIGGER require_open_period ON ledger_transactions IS
    'Rejects a ledger transaction whose day is not after the last closing of the books.';

CREATE CONSTRAINT TRIGGER require_balanced_transaction AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.require_balanced_transaction();
COMMENT ON TRIGGER require_balanced_transaction ON ledger_transactions IS
    'Rejects the commit unless the entries of the ledger transaction sum to zero in each fund and currency.';

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON ledger_transactions IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON ledger_transactions EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON ledger_transactions IS 'Rejects TRUNCATE.';

CREATE TRIGGER validate_change BEFORE INSERT ON ledger_transactions FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON ledger_transactions IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE CONSTRAINT TRIGGER require_posted_deposit AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.deposit_id IS NOT NULL) EXECUTE FUNCTION ledger.require_posted_deposit();
COMMENT ON TRIGGER require_posted_deposit ON ledger_transactions IS
    'Rejects the commit unless the transaction of a deposit, or of its reversal, has exactly the amount of the deposit.';

ALTER TABLE ledger_transactions ADD CONSTRAINT ck_ledger_transactions_deposit CHECK (
    (kind IN ('deposit', 'deposit_reversal')) = (deposit_id IS NOT NULL)
);
COMMENT ON CONSTRAINT ck_ledger_transactions_deposit ON ledger_transactions IS
    'A deposit and its reversal refer to the deposit, and no other transaction does.';

ALTER TABLE ledger_transactions ADD CONSTRAINT ck_ledger_transactions_kind CHECK (
    kind IN ('deposit', 'deposit_reversal', 'approval', 'release', 'payment', 'emergency_payment', 'reconciliation', 'reversal', 'transfer',
             'closing')
);
