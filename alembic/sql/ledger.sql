-- The ledger: what the application forgets, or does wrong, or does twice at once, is refused here.

GRANT SELECT, INSERT ON ledger_accounts, ledger_entries TO firststep_api;
GRANT SELECT ON ledger_transactions TO firststep_api;
GRANT INSERT (id, created_at, kind, "on", fund_id, disbursement_id, transfer_id, reference, by_id)
    ON ledger_transactions TO firststep_api;

ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_kind
    CHECK (kind IN ('donor', 'available', 'reserved', 'advanced', 'spent'));
ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_currency CHECK (currency IN ('USD', 'KHR'));
-- Never overdrawn, whatever happens at the same time: the row is locked by whoever changes it, and this is asked last.
ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_never_overdrawn CHECK (kind = 'donor' OR balance >= 0);
ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_given CHECK (kind <> 'donor' OR balance <= 0);
ALTER TABLE ledger_entries ADD CONSTRAINT ck_ledger_entries_amount CHECK (amount <> 0);
ALTER TABLE ledger_transactions ADD CONSTRAINT ck_ledger_transactions_kind CHECK (kind IN (
    'deposit', 'approval', 'release', 'payment', 'emergency_payment', 'reconciliation', 'reversal', 'transfer', 'closing'));

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ledger_entries', 'ledger_transactions'] LOOP
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION access.refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I EXECUTE FUNCTION access.refuse_change()', name);
    END LOOP;
END
$$;
CREATE TRIGGER never_deleted BEFORE DELETE ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION access.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_accounts EXECUTE FUNCTION access.refuse_change();

CREATE SCHEMA ledger;
GRANT USAGE ON SCHEMA ledger TO firststep_api;

-- An account begins empty, in its fund's currency, and only its balance ever changes.
CREATE FUNCTION ledger.account_opens() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NEW.balance <> 0 OR NEW.currency <> (SELECT f.currency FROM public.funds f WHERE f.id = NEW.fund_id) THEN
        RAISE EXCEPTION 'an account opens empty, in the currency of its fund' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER opens BEFORE INSERT ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION ledger.account_opens();

-- A closed period accepts nothing. Whoever writes shares this lock, whoever closes takes it alone: nothing slips between.
CREATE FUNCTION ledger.period_is_open() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('ledger.books'));
    IF NEW."on" <= (SELECT max(b.until) FROM public.books_closings b) THEN
        RAISE EXCEPTION 'the books of that day are closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'books_closed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER in_an_open_period BEFORE INSERT ON ledger_transactions
    FOR EACH ROW EXECUTE FUNCTION ledger.period_is_open();
CREATE FUNCTION ledger.books_close() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.books'));
    IF NEW.until <= (SELECT max(b.until) FROM public.books_closings b) THEN
        RAISE EXCEPTION 'the books of that day are closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'books_closed';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER alone BEFORE INSERT ON books_closings FOR EACH ROW EXECUTE FUNCTION ledger.books_close();

-- Entries belong to a transaction written in the same breath: an old one gets no more, however well they balance.
CREATE FUNCTION ledger.entry_is_new() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.ledger_transactions t
                    WHERE t.id = NEW.transaction_id AND t.xid = pg_current_xact_id())
       OR NEW.fund_id <> (SELECT a.fund_id FROM public.ledger_accounts a WHERE a.id = NEW.account_id) THEN
        RAISE EXCEPTION 'entries are written with their transaction' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER is_new BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger.entry_is_new();

-- The stored balance, in the same transaction as the entry; nobody else may touch it.
CREATE FUNCTION ledger.keep_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.ledger_accounts SET balance = balance + NEW.amount WHERE id = NEW.account_id;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION ledger.keep_balance() FROM PUBLIC;
CREATE TRIGGER kept AFTER INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger.keep_balance();

-- Balanced when it commits: in each fund, and so in each currency.
CREATE FUNCTION ledger.is_balanced(p_transaction uuid) RETURNS boolean LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.ledger_entries e WHERE e.transaction_id = p_transaction)
       AND NOT EXISTS (SELECT FROM public.ledger_entries e JOIN public.ledger_accounts a ON a.id = e.account_id
                        WHERE e.transaction_id = p_transaction
                        GROUP BY a.fund_id, a.currency HAVING sum(e.amount) <> 0)
$$;
CREATE FUNCTION ledger.refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT ledger.is_balanced(coalesce(to_jsonb(NEW)->>'transaction_id', to_jsonb(NEW)->>'id')::uuid) THEN
        RAISE EXCEPTION 'a transaction that does not balance' USING ERRCODE = 'check_violation', CONSTRAINT = 'balanced';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unbalanced();
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_unbalanced();

-- Every balance again, from nothing but the entries; what is listed is wrong.
CREATE FUNCTION ledger.differences() RETURNS TABLE (account_id uuid, fund_id uuid, stored bigint, recomputed bigint)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT a.id, a.fund_id, a.balance, coalesce(e.total, 0)::bigint
      FROM public.ledger_accounts a
      LEFT JOIN (SELECT l.account_id, sum(l.amount) AS total FROM public.ledger_entries l GROUP BY 1) e
             ON e.account_id = a.id
     WHERE a.balance <> coalesce(e.total, 0)
$$;
