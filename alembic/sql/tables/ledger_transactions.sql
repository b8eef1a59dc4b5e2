-- Transactions of the ledger: a deposit, an approval, a payment and so on. Append-only.

-- firststep_api cannot insert xid: the database sets it.
GRANT SELECT ON ledger_transactions TO firststep_api;
GRANT INSERT (
    id, created_at, kind, "on", fund_id, disbursement_id, transfer_id, reference, by_id
) ON ledger_transactions TO firststep_api;
GRANT SELECT ON ledger_transactions TO firststep_gate;

-- Writers take the lock ledger.books shared and a closing takes it exclusively, so that no transaction slips into a
-- period while it is being closed.
CREATE FUNCTION ledger.period_is_open() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('ledger.books'));
    IF NEW."on" <= (SELECT max(b.until) FROM public.books_closings b) THEN
        RAISE EXCEPTION 'the books of that day are closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_closed';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.period_is_open() IS 'Raises an error if the books of the day of a transaction are closed.';

CREATE TRIGGER in_an_open_period BEFORE INSERT ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION ledger.period_is_open();
COMMENT ON TRIGGER in_an_open_period ON ledger_transactions IS
    'A transaction is dated after the last closing of the books.';

CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unbalanced();
COMMENT ON TRIGGER balanced ON ledger_transactions IS
    'The entries of a transaction sum to zero in each fund and currency when it commits.';

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON ledger_transactions FOR EACH ROW
    EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_changed ON ledger_transactions IS 'Rows are never updated or deleted.';

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_transactions EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON ledger_transactions IS 'The table is never truncated.';

ALTER TABLE ledger_transactions ADD CONSTRAINT ck_ledger_transactions_kind CHECK (
    kind IN ('deposit', 'approval', 'release', 'payment', 'emergency_payment', 'reconciliation', 'reversal', 'transfer',
             'closing')
);
