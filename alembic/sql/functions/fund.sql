-- Functions of the assistance fund for callers who cannot see the cases, such as finance officers.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- A receipt may show the child's name, so a finance officer cannot read it and checks only that it exists.
CREATE FUNCTION access.count_payment_proofs(p_case uuid, p_documents uuid[]) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*) FROM public.documents d
     WHERE d.case_id = p_case AND d.id = ANY (p_documents) AND d.kind IN ('receipt', 'acknowledgement')
       AND EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer)
$$;
COMMENT ON FUNCTION access.count_payment_proofs(uuid, uuid[]) IS
    'Returns how many of the documents are receipts or acknowledgements of the case. Always 0 unless the caller is a '
    'finance officer.';

CREATE FUNCTION access.spending_by_category(p_fund uuid, p_first date, p_last date)
RETURNS TABLE (category text, spent bigint, payments bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT d.category::text, sum(l.amount)::bigint, count(DISTINCT d.id) FILTER (WHERE t.kind = 'reconciliation')
      FROM public.ledger_transactions t
      JOIN public.ledger_entries l ON l.transaction_id = t.id
      JOIN public.ledger_accounts a ON a.id = l.account_id
      JOIN public.disbursements d ON d.id = t.disbursement_id
     WHERE l.fund_id = p_fund AND a.kind = 'spent' AND t."on" BETWEEN p_first AND p_last
       AND EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer OR x.can_read_all_cases)
     GROUP BY d.category ORDER BY d.category
$$;
COMMENT ON FUNCTION access.spending_by_category(uuid, date, date) IS
    'Returns the amount spent and the number of payments of a fund by category, over all cases, also those that the '
    'caller cannot see. The lines of a fund statement therefore add up to its total.';

REVOKE ALL ON FUNCTION access.count_payment_proofs(uuid, uuid[]), access.spending_by_category(uuid, date, date)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.count_payment_proofs(uuid, uuid[]), access.spending_by_category(uuid, date, date)
    TO firststep_api, firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
