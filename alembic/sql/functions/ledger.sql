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
