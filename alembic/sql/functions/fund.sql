-- What the finance officer and the programme manager learn about the assistance fund without reading cases.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- A receipt may show the child's name, so the finance officer refers to it without reading it.
CREATE FUNCTION access.proofs_of_payment(p_case uuid, p_documents uuid[]) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*) FROM public.documents d
     WHERE d.case_id = p_case AND d.id = ANY (p_documents) AND d.kind IN ('receipt', 'acknowledgement')
       AND (SELECT access.handles_the_fund())
$$;
COMMENT ON FUNCTION access.proofs_of_payment(uuid, uuid[]) IS
    'Returns how many of the documents are receipts or acknowledgements of the case, for a finance officer who '
    'refers to them.';

CREATE FUNCTION access.spent_on(p_fund uuid, p_first date, p_last date)
RETURNS TABLE (category text, spent bigint, payments bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT d.category::text, sum(l.amount)::bigint, count(DISTINCT d.id) FILTER (WHERE t.kind = 'reconciliation')
      FROM public.ledger_transactions t
      JOIN public.ledger_entries l ON l.transaction_id = t.id
      JOIN public.ledger_accounts a ON a.id = l.account_id
      JOIN public.disbursements d ON d.id = t.disbursement_id
     WHERE l.fund_id = p_fund AND a.kind = 'spent' AND t."on" BETWEEN p_first AND p_last
       AND (SELECT (e.event).kind = 'person' AND (e.event).roles && ARRAY['finance_officer', 'programme_manager']
              FROM (SELECT access.event() AS event) e)
     GROUP BY d.category ORDER BY d.category
$$;
COMMENT ON FUNCTION access.spent_on(uuid, date, date) IS
    'Returns the amount spent and the number of payments of a fund by category, over all cases, so that a '
    'statement adds up whatever cases its reader can see.';

REVOKE ALL ON FUNCTION access.proofs_of_payment(uuid, uuid[]), access.spent_on(uuid, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.proofs_of_payment(uuid, uuid[]), access.spent_on(uuid, date, date)
    TO firststep_api, firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
