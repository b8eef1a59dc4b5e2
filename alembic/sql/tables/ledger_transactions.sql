-- Transactions of the ledger: a deposit, an approval, a payment and so on. Append-only.

-- firststep_api cannot insert xid: the database sets it.
GRANT SELECT ON ledger_transactions TO firststep_api;
GRANT INSERT (
    id, created_at, kind, "on", fund_id, disbursement_id, transfer_id, reference, by_id
) ON ledger_transactions TO firststep_api;
GRANT SELECT ON ledger_transactions TO firststep_gate;

-- Ledger transactions take the advisory lock ledger.books in shared mode and a closing takes it in exclusive mode, so
-- that no transaction is added to a period while it is being closed.
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
    'Raises an error if the books of the day of a transaction are closed.';

CREATE TRIGGER require_open_period BEFORE INSERT ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION ledger.require_open_period();
COMMENT ON TRIGGER require_open_period ON ledger_transactions IS
    'A transaction is dated after the last closing of the books.';

CREATE CONSTRAINT TRIGGER require_balanced_transaction AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.require_balanced_transaction();
COMMENT ON TRIGGER require_balanced_transaction ON ledger_transactions IS
    'The entries of a transaction sum to zero in each fund and currency when it commits.';

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON ledger_transactions IS 'Rows are never updated or deleted.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON ledger_transactions EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON ledger_transactions IS 'The table is never truncated.';

ALTER TABLE ledger_transactions ADD CONSTRAINT ck_ledger_transactions_kind CHECK (
    kind IN ('deposit', 'approval', 'release', 'payment', 'emergency_payment', 'reconciliation', 'reversal', 'transfer',
             'closing')
);
