-- Functions of the assistance fund for callers who cannot see the cases, such as finance officers.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- Acts on the money of one child run one after the other, so that two of them cannot both spend the remaining
-- amount of a limit, or use the same receipt. Every act takes this lock after the rows of disbursements and before the accounts.
CREATE FUNCTION access.lock_child_money(p_case uuid) RETURNS void LANGUAGE sql SET search_path = ''
AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('money of child ' || c.child_id, 0))
      FROM public.cases c WHERE c.id = p_case
$$;
COMMENT ON FUNCTION access.lock_child_money(uuid) IS
    'Takes a lock per child until the end of the transaction, so that acts on the disbursements for a child run one after '
    'another.';

CREATE FUNCTION access.convert_money(p_amount bigint, p_from text, p_to text, p_day date) RETURNS bigint
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT CASE WHEN p_from = p_to THEN p_amount ELSE (
        SELECT CASE p_from WHEN 'USD' THEN round(p_amount * r.riel_hundredths / 10000.0)
                           ELSE round(p_amount * 10000.0 / r.riel_hundredths) END::bigint
          FROM public.exchange_rates r WHERE r."on" <= p_day ORDER BY r."on" DESC, r.created_at DESC LIMIT 1) END
$$;
COMMENT ON FUNCTION access.convert_money(bigint, text, text, date) IS
    'Returns an amount in minor units of another currency, at the rate that applies on a day, or NULL if there is no rate.';

CREATE FUNCTION access.is_within_limit(p_act text, p_currency text, p_amount bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM access.context() x
          JOIN public.users u ON u.id = x.caller_id AND u.activation_digest IS NULL
         CROSS JOIN unnest(u.roles) AS r (role)
         CROSS JOIN LATERAL (
            SELECT l.amount FROM public.approval_limits l
             WHERE (l.role, l.act, l.currency) = (r.role, p_act, p_currency)
               AND l.starts_on <= (clock_timestamp() AT TIME ZONE 'Asia/Phnom_Penh')::date
             ORDER BY l.starts_on DESC LIMIT 1
         ) l
         WHERE l.amount IS NULL OR l.amount >= p_amount)
$$;
COMMENT ON FUNCTION access.is_within_limit(text, text, bigint) IS
    'Returns whether the limit of one of the caller''s roles permits an amount of an act today.';

CREATE FUNCTION access.find_case_limit_fault(
    p_case uuid, p_disbursement uuid, p_act text, p_currency text, p_amount bigint, p_day date
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    earlier bigint;
    has_all_rates boolean;
BEGIN
    PERFORM access.lock_child_money(p_case);
    IF access.is_within_limit(p_act, p_currency, 9223372036854775807) THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(sum(c.amount), 0), coalesce(bool_and(c.amount IS NOT NULL), true) INTO earlier, has_all_rates
      FROM public.disbursements d
     CROSS JOIN LATERAL (
        SELECT (CASE p_act WHEN 'approve_case_month' THEN d.approved_at ELSE d.paid_at END
                AT TIME ZONE 'Asia/Phnom_Penh')::date AS day
     ) e
     CROSS JOIN LATERAL (SELECT access.convert_money(d.amount, d.currency, p_currency, e.day) AS amount) c
     WHERE d.child_id = (SELECT k.child_id FROM public.cases k WHERE k.id = p_case) AND d.id <> p_disbursement
       AND CASE p_act
           WHEN 'approve_case_month' THEN
               d.status IN ('approved', 'paid', 'reconciled')
               AND date_trunc('month', e.day::timestamp) = date_trunc('month', p_day::timestamp)
           ELSE d.status IN ('paid', 'reconciled') AND d.approval_due_on IS NOT NULL AND e.day = p_day END;
    RETURN CASE
        WHEN NOT access.is_within_limit(p_act, p_currency, earlier + p_amount) THEN 'above_case_limit'
        WHEN NOT has_all_rates THEN 'rate_missing' END;
END
$$;
COMMENT ON FUNCTION access.find_case_limit_fault(uuid, uuid, text, text, bigint, date) IS
    'Returns above_case_limit if an amount exceeds the limit of the caller for one child. The sum includes the other '
    'approvals in the month of the day (approve_case_month) or the other emergency payments recorded on the day '
    '(pay_first_case_day), in all cases and currencies, but no cancelled or reversed disbursements. Returns rate_missing '
    'if an amount cannot be converted, otherwise NULL.';

-- A copy of a receipt, for example one with the name made unreadable, is a document about the original.
CREATE FUNCTION access.list_original_documents(p_documents uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH RECURSIVE original (id, about_id, depth) AS (
        SELECT d.id, CASE WHEN d.about_kind = 'document' THEN d.about_id END, 1
          FROM public.documents d WHERE d.id = ANY (p_documents)
         UNION ALL
        SELECT d.id, CASE WHEN d.about_kind = 'document' THEN d.about_id END, o.depth + 1
          FROM original o JOIN public.documents d ON d.id = o.about_id
         WHERE o.depth < 10 AND d.kind IN ('receipt', 'acknowledgement')
    )
    SELECT coalesce(array_agg(DISTINCT o.id), '{}') FROM original o
$$;
COMMENT ON FUNCTION access.list_original_documents(uuid[]) IS
    'Returns the ids of the given documents, and of the receipts and acknowledgements that they are copies of.';

CREATE FUNCTION access.find_payments_of_receipts(p_case uuid, p_disbursement uuid, p_documents uuid[])
RETURNS TABLE (id uuid, child_id uuid, case_id uuid, number text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    digests bytea[];
BEGIN
    PERFORM access.lock_child_money(p_case);
    SELECT array_agg(DISTINCT d.content_digest) INTO digests FROM public.documents d
     WHERE d.id = ANY (access.list_original_documents(p_documents)) AND d.content_digest IS NOT NULL;
    -- A file that was added twice can be in two cases. The order of the locks excludes a deadlock.
    PERFORM pg_advisory_xact_lock(hashtextextended('receipt ' || g.digest, 0))
       FROM (SELECT encode(u.d, 'hex') AS digest FROM unnest(digests) AS u (d) ORDER BY 1) g;
    RETURN QUERY
        SELECT DISTINCT d.id, d.child_id, d.case_id, d.number::text FROM access.context() x, public.documents r
          JOIN public.disbursements d ON d.case_id = r.case_id
         WHERE x.is_finance_officer AND r.content_digest = ANY (digests)
           AND d.id <> p_disbursement AND d.status IN ('paid', 'reconciled')
           AND r.id = ANY (access.list_original_documents(d.receipt_document_ids || d.acknowledgement_document_id));
END
$$;
COMMENT ON FUNCTION access.find_payments_of_receipts(uuid, uuid, uuid[]) IS
    'Returns the other payments of any case that already use one of the documents, its original, or a document with the '
    'same file. Reversed payments do not count. Returns no row unless the caller is a finance officer, because only '
    'finance officers pay and reconcile.';

-- A receipt may show the child's name, so a finance officer gets only the values with which an amount is checked.
CREATE FUNCTION access.list_payment_proofs(p_case uuid, p_documents uuid[])
RETURNS TABLE (id uuid, original_digest bytea, amount bigint, currency text, has_other_amount boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH proof AS (
        SELECT d.id, access.list_original_documents(ARRAY[d.id]) AS chain FROM public.documents d
         WHERE d.case_id = p_case AND d.id = ANY (p_documents) AND d.kind IN ('receipt', 'acknowledgement')
           AND d.entered_in_error_at IS NULL
    ), receipt AS (
        SELECT p.id, array_agg(o.content_digest) AS digests,
               (array_agg(o.content_digest)
                    FILTER (WHERE o.about_kind IS DISTINCT FROM 'document' OR o.about_id <> ALL (p.chain)))[1] AS original_digest
          FROM proof p JOIN public.documents o ON o.id = ANY (p.chain)
         GROUP BY p.id
    ), recorded AS (
        SELECT r.id, t.case_id = p_case AS is_of_case, t.amount, t.currency
          FROM receipt r JOIN public.documents t ON t.content_digest = ANY (r.digests)
         WHERE t.entered_in_error_at IS NULL AND t.amount IS NOT NULL
    )
    SELECT r.id, r.original_digest, a.amount, a.currency,
           (SELECT count(DISTINCT (c.amount, c.currency)) > 1 FROM recorded c WHERE c.id = r.id)
      FROM receipt r
      LEFT JOIN LATERAL (SELECT c.amount, c.currency FROM recorded c WHERE c.id = r.id AND c.is_of_case LIMIT 1) a ON true
     WHERE EXISTS (SELECT FROM public.disbursements b WHERE b.case_id = p_case)
       AND EXISTS (SELECT FROM access.context() x
                    WHERE x.is_finance_officer AND x.act IN ('disbursement.pay', 'disbursement.reconcile'))
$$;
COMMENT ON FUNCTION access.list_payment_proofs(uuid, uuid[]) IS
    'Returns the given documents that are receipts or acknowledgements of the case. Each row has the digest of the '
    'original file, the amount that a document of the case with this file or a copy of it has, and whether different '
    'amounts are recorded for them. Returns no row unless a finance officer is paying or reconciling, and the case has a '
    'disbursement.';

CREATE FUNCTION access.read_finance_document(p_disbursement uuid, p_document uuid)
RETURNS TABLE (id uuid, child_id uuid, case_id uuid, number text, kind text, media_type text, content_encrypted bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT c.id, c.child_id, c.case_id, b.number, d.kind, d.media_type, c.content_encrypted
      FROM access.context() x, public.disbursements b
      JOIN public.documents d ON d.case_id = b.case_id AND d.tier = 'case'
                             AND d.kind IN ('receipt', 'quotation', 'acknowledgement')
      JOIN public.document_contents c ON c.id = d.id
     WHERE x.is_finance_officer AND x.act = 'disbursement.read_document' AND b.id = p_disbursement AND d.id = p_document
       AND d.entered_in_error_at IS NULL
       AND b.finance_documents @> jsonb_build_array(jsonb_build_object('id', d.id))
$$;
COMMENT ON FUNCTION access.read_finance_document(uuid, uuid) IS
    'Returns the content of a receipt, quotation or acknowledgement for a finance officer, if staff of the case have named '
    'it on the disbursement. Returns no row for any other document.';

CREATE FUNCTION access.spending_by_month(p_fund uuid, p_last date)
RETURNS TABLE (month date, account text, category text, amount bigint, payments bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT date_trunc('month', t."on"::timestamp)::date, a.kind::text, CASE WHEN a.kind = 'spent' THEN d.category::text END,
           sum(l.amount)::bigint, count(DISTINCT d.id) FILTER (WHERE t.kind <> 'reversal')
      FROM public.ledger_transactions t
      JOIN public.ledger_entries l ON l.transaction_id = t.id
      JOIN public.ledger_accounts a ON a.id = l.account_id
      JOIN public.disbursements d ON d.id = t.disbursement_id
     WHERE l.fund_id = p_fund AND a.kind IN ('spent', 'rounding') AND t."on" <= p_last
       AND EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer OR x.can_read_all_cases)
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION access.spending_by_month(uuid, date) IS
    'Returns the amounts spent from a fund by month and category, and the rounding differences by month, with their number '
    'of payments, over all cases, including those that the caller cannot see. The lines of a fund statement therefore add '
    'up to its total.';

CREATE FUNCTION access.get_confirmed_rate(p_day date) RETURNS bigint
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT coalesce(
        (SELECT r.riel_hundredths FROM public.exchange_rates r WHERE r.confirmed_by_id IS NOT NULL AND r."on" <= p_day
          ORDER BY r."on" DESC, r.created_at DESC LIMIT 1),
        (SELECT r.riel_hundredths FROM public.exchange_rates r WHERE r.confirmed_by_id IS NOT NULL
          ORDER BY r."on", r.created_at DESC LIMIT 1),
        (SELECT r.riel_hundredths FROM public.exchange_rates r ORDER BY r.created_at, r.id LIMIT 1))
$$;
COMMENT ON FUNCTION access.get_confirmed_rate(date) IS
    'Returns the confirmed rate of a day: the last rate for the day or an earlier day that a second person confirmed, '
    'otherwise the first later one. If no rate is confirmed, it is the rate that was recorded first. One person alone can '
    'record only rates within 5 % of it.';

CREATE FUNCTION access.list_deviating_rates(p_days date[], p_rates bigint[]) RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = ''
AS $$
    WITH given AS (SELECT g.n, g.day, g.rate FROM unnest(p_days, p_rates) WITH ORDINALITY AS g (day, rate, n)),
    published AS (
        SELECT 0 AS n, r."on" AS day, r.riel_hundredths AS rate FROM public.exchange_rates r UNION ALL SELECT * FROM given
    ), confirmed AS (
        SELECT d.day, coalesce(access.get_confirmed_rate(d.day), p_rates[1]) AS rate
          FROM (SELECT DISTINCT g.day FROM given g) d
    ), compared AS (
        SELECT g.*, coalesce((SELECT max(p.day) FROM published p WHERE p.day < g.day),
                             (SELECT min(p.day) FROM published p WHERE p.day > g.day)) AS nearest_day
          FROM given g
    )
    SELECT c.n FROM compared c JOIN confirmed f USING (day)
     WHERE abs(c.rate - f.rate) * 20 > f.rate
        OR EXISTS (SELECT FROM published p
                    WHERE p.n <> c.n AND p.day IN (c.day, c.nearest_day) AND abs(c.rate - p.rate) * 20 > p.rate)
$$;
COMMENT ON FUNCTION access.list_deviating_rates(date[], bigint[]) IS
    'Returns the positions of the given rates that differ by more than 5 % from the confirmed rate (see '
    'access.get_confirmed_rate()), from the rates of the last earlier day with a rate, or from another rate of the same '
    'day. If no earlier day has a rate, the next later day counts. Other given rates are compared like stored rates, and '
    'the first given rate counts as confirmed if no rate is stored.';

CREATE FUNCTION access.insert_rates_within_tolerance(
    p_ids uuid[], p_days date[], p_rates bigint[], p_sources text[]
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_caller('{exchange_rate.record}', '{finance_officer}');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fund.exchange_rates'));
    IF EXISTS (SELECT FROM access.list_deviating_rates(p_days, p_rates)) THEN
        RETURN false;
    END IF;
    INSERT INTO public.exchange_rates (id, created_at, version, "on", riel_hundredths, source, recorded_by_id)
    SELECT r.id, clock_timestamp(), 1, r.day, r.rate, r.source, caller
      FROM unnest(p_ids, p_days, p_rates, p_sources) AS r (id, day, rate, source);
    RETURN true;
END
$$;
COMMENT ON FUNCTION access.insert_rates_within_tolerance(uuid[], date[], bigint[], text[]) IS
    'Inserts exchange rates for a finance officer. Returns false and inserts nothing if a second person must confirm one '
    'of them, because it differs by more than 5 % from another rate (see access.list_deviating_rates()).';

CREATE FUNCTION access.is_payment_rate_confirmed(p_disbursement uuid, p_rate bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM access.context() x, public.pending_changes c
                    WHERE x.is_finance_officer AND c.kind = 'payment_rate' AND c.status = 'confirmed'
                      AND c.record_id = p_disbursement AND (c.payload ->> 'riel_hundredths')::bigint = p_rate)
$$;
COMMENT ON FUNCTION access.is_payment_rate_confirmed(uuid, bigint) IS
    'Returns whether a second person has confirmed a rate for the payment of a disbursement. Returns false unless the '
    'caller is a finance officer. Bypasses row-level security, because it hides the pending changes of other people from '
    'finance officers.';

CREATE FUNCTION access.is_payment_date_confirmed(p_disbursement uuid, p_day date) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM access.context() x, public.pending_changes c
                    WHERE x.is_finance_officer AND c.kind = 'payment_date' AND c.status = 'confirmed'
                      AND c.record_id = p_disbursement AND (c.payload ->> 'paid_on')::date = p_day)
$$;
COMMENT ON FUNCTION access.is_payment_date_confirmed(uuid, date) IS
    'Returns whether a second person has confirmed a day for the payment of a disbursement. Returns false unless the '
    'caller is a finance officer. Bypasses row-level security, because it hides the pending changes of other people from '
    'finance officers.';

REVOKE ALL ON FUNCTION
    access.lock_child_money(uuid), access.convert_money(bigint, text, text, date),
    access.is_within_limit(text, text, bigint),
    access.find_case_limit_fault(uuid, uuid, text, text, bigint, date), access.list_original_documents(uuid[]),
    access.find_payments_of_receipts(uuid, uuid, uuid[]), access.list_payment_proofs(uuid, uuid[]),
    access.read_finance_document(uuid, uuid), access.spending_by_month(uuid, date),
    access.get_confirmed_rate(date), access.list_deviating_rates(date[], bigint[]),
    access.insert_rates_within_tolerance(uuid[], date[], bigint[], text[]),
    access.is_payment_rate_confirmed(uuid, bigint), access.is_payment_date_confirmed(uuid, date)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.convert_money(bigint, text, text, date), access.is_within_limit(text, text, bigint),
    access.find_case_limit_fault(uuid, uuid, text, text, bigint, date),
    access.find_payments_of_receipts(uuid, uuid, uuid[]), access.list_payment_proofs(uuid, uuid[]),
    access.read_finance_document(uuid, uuid), access.spending_by_month(uuid, date),
    access.get_confirmed_rate(date), access.list_deviating_rates(date[], bigint[]),
    access.insert_rates_within_tolerance(uuid[], date[], bigint[], text[]),
    access.is_payment_rate_confirmed(uuid, bigint), access.is_payment_date_confirmed(uuid, date)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
