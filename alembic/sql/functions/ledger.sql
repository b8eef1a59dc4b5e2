-- Check that ledger transactions balance. A trigger function that only one table uses is in the file of that
-- table.

CREATE FUNCTION ledger.is_balanced(p_transaction uuid) RETURNS boolean LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.ledger_entries e WHERE e.transaction_id = p_transaction)
       AND NOT EXISTS (SELECT FROM public.ledger_entries e JOIN public.ledger_accounts a ON a.id = e.account_id
                        WHERE e.transaction_id = p_transaction
                        GROUP BY a.fund_id, a.currency HAVING sum(e.amount) <> 0)
$$;
COMMENT ON FUNCTION ledger.is_balanced(uuid) IS
    'Returns whether a ledger transaction has entries and they sum to zero in each fund and currency.';

CREATE FUNCTION ledger.require_balanced_transaction() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT ledger.is_balanced(coalesce(to_jsonb(NEW)->>'transaction_id', to_jsonb(NEW)->>'id')::uuid) THEN
        RAISE EXCEPTION 'the ledger transaction does not balance'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balanced';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.require_balanced_transaction() IS
    'Raises an error if the ledger transaction of the new row does not balance.';

CREATE FUNCTION ledger.has_posted_deposit(d public.deposits, p_kind text, p_sign integer) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT count(*) = 2
           AND count(*) FILTER (WHERE a.kind = 'available' AND a.line = d.line AND e.amount = p_sign * d.amount) = 1
           AND count(*) FILTER (WHERE a.kind = 'donor' AND e.amount = -p_sign * d.amount) = 1
      FROM public.ledger_transactions t
      JOIN public.ledger_entries e ON e.transaction_id = t.id
      JOIN public.ledger_accounts a ON a.id = e.account_id AND a.fund_id = d.fund_id
     WHERE t.deposit_id = d.id AND t.kind = p_kind AND t.fund_id = d.fund_id
$$;
COMMENT ON FUNCTION ledger.has_posted_deposit(deposits, text, integer) IS
    'Returns whether the ledger contains the transaction of a deposit (sign 1) or of its reversal (sign -1), with exactly '
    'its amount on its budget line.';

CREATE FUNCTION ledger.require_posted_deposit() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    deposit public.deposits;
BEGIN
    SELECT d.* INTO deposit FROM public.deposits d
     WHERE d.id = coalesce(to_jsonb(NEW) ->> 'deposit_id', to_jsonb(NEW) ->> 'id')::uuid;
    IF NOT ledger.has_posted_deposit(deposit, 'deposit', 1)
       OR (deposit.status = 'reversed') <> ledger.has_posted_deposit(deposit, 'deposit_reversal', -1) THEN
        RAISE EXCEPTION 'the ledger must contain a deposit once, and its reversal if and only if it is reversed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_posted';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.require_posted_deposit() IS
    'Raises an error unless the ledger contains exactly the deposit of the new row, and its reversal if and only if its '
    'status is reversed.';

CREATE FUNCTION ledger.balance_differences()
RETURNS TABLE (account_id uuid, fund_id uuid, stored bigint, recomputed bigint)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT a.id, a.fund_id, a.balance, coalesce(e.total, 0)::bigint
      FROM public.ledger_accounts a
      LEFT JOIN (SELECT l.account_id, sum(l.amount) AS total FROM public.ledger_entries l GROUP BY 1) e
             ON e.account_id = a.id
     WHERE a.balance <> coalesce(e.total, 0)
$$;
COMMENT ON FUNCTION ledger.balance_differences() IS
    'Returns the accounts whose stored balance differs from the sum of their entries. A consistent ledger returns no '
    'row.';

GRANT EXECUTE ON FUNCTION
    ledger.is_balanced(uuid), ledger.has_posted_deposit(deposits, text, integer), ledger.balance_differences()
    TO firststep_api;
