-- Entries of the ledger: each adds a signed amount to the balance of one account. Append-only.

GRANT SELECT, INSERT ON ledger_entries TO firststep_api;
GRANT SELECT ON ledger_entries TO firststep_gate;

CREATE FUNCTION ledger.require_same_transaction() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    -- A restore into a new cluster restarts the transaction ids, so that the id of a later transaction can equal a stored
    -- one. The age of xmin shows when the row was written in this cluster.
    IF NOT EXISTS (SELECT FROM public.ledger_transactions t
                    WHERE t.id = NEW.transaction_id AND t.xid = pg_current_xact_id()
                      AND age(t.xmin) <= age(pg_current_xact_id()::xid))
       OR NEW.fund_id <> (SELECT a.fund_id FROM public.ledger_accounts a WHERE a.id = NEW.account_id) THEN
        RAISE EXCEPTION 'an entry must be inserted together with its ledger transaction'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.require_same_transaction() IS
    'Raises an error unless a new entry is inserted in the same database transaction as its ledger transaction, and '
    'its account belongs to its fund.';

-- SECURITY DEFINER, because firststep_api cannot update balances.
CREATE FUNCTION ledger.update_account_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.ledger_accounts SET balance = balance + NEW.amount WHERE id = NEW.account_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.update_account_balance() IS
    'Adds the amount of a new entry to the balance of its account.';
REVOKE ALL ON FUNCTION ledger.update_account_balance() FROM PUBLIC;

CREATE TRIGGER require_same_transaction BEFORE INSERT ON ledger_entries FOR EACH ROW
    EXECUTE FUNCTION ledger.require_same_transaction();
COMMENT ON TRIGGER require_same_transaction ON ledger_entries IS
    'Rejects an entry that is added to a ledger transaction after the database transaction that created it.';

CREATE TRIGGER update_account_balance AFTER INSERT ON ledger_entries FOR EACH ROW
    EXECUTE FUNCTION ledger.update_account_balance();
COMMENT ON TRIGGER update_account_balance ON ledger_entries IS
    'Adds the amount of a new entry to the balance of its account.';

CREATE CONSTRAINT TRIGGER require_balanced_transaction AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.require_balanced_transaction();
COMMENT ON TRIGGER require_balanced_transaction ON ledger_entries IS
    'Rejects the commit unless the entries of the ledger transaction sum to zero in each fund and currency.';

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON ledger_entries IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON ledger_entries EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON ledger_entries IS 'Rejects TRUNCATE.';

ALTER TABLE ledger_entries ADD CONSTRAINT ck_ledger_entries_amount CHECK (amount <> 0);
COMMENT ON CONSTRAINT ck_ledger_entries_amount ON ledger_entries IS 'The amount is not zero.';
