-- Who sees a payment: whoever sees the case, and whoever pays. What it is for, only whoever sees the case.

GRANT CREATE ON SCHEMA access TO firststep_gate;
GRANT SELECT (id, case_id, kind) ON documents TO firststep_gate;
CREATE POLICY gate ON documents FOR SELECT TO firststep_gate USING (true);
GRANT SELECT (id, category) ON disbursements TO firststep_gate;
CREATE POLICY gate ON disbursements FOR SELECT TO firststep_gate USING (true);
GRANT SELECT ON ledger_transactions, ledger_entries, ledger_accounts TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.handles_the_fund() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce((e.event).kind = 'person' AND (e.event).roles && ARRAY['finance_officer'], false)
      FROM (SELECT access.event() AS event) e
$$;

-- How many of these documents are receipts or acknowledgements of a case: the finance officer names them, and does not
-- read them, since a receipt may name the child.
CREATE FUNCTION access.proofs_of_payment(p_case uuid, p_documents uuid[]) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*) FROM public.documents d
     WHERE d.case_id = p_case AND d.id = ANY (p_documents) AND d.kind IN ('receipt', 'acknowledgement')
       AND (SELECT access.handles_the_fund())
$$;

-- What was spent on each category, in all: a statement's lines come to its sum, whatever its reader may see of the cases.
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

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['access.handles_the_fund()', 'access.proofs_of_payment(uuid, uuid[])',
                                'access.spent_on(uuid, date, date)']::regprocedure[] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO firststep_api, firststep_owner', f);
    END LOOP;
END
$$;
RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

DO $$
DECLARE
    name text;
    here text;
BEGIN
    FOREACH name IN ARRAY ARRAY['disbursements', 'disbursement_words'] LOOP
        here := format('EXISTS (SELECT FROM public.cases c WHERE c.id = %1$I.case_id AND c.child_id = %1$I.child_id)', name);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO firststep_api', name);
        EXECUTE format('CREATE POLICY through_the_case ON %I FOR SELECT TO firststep_api, firststep_owner USING (%s)', name, here);
        EXECUTE format('CREATE POLICY added ON %I FOR INSERT TO firststep_api WITH CHECK (%s)', name, here);
        EXECUTE format('CREATE POLICY changed ON %I FOR UPDATE TO firststep_api, firststep_owner USING (%s) WITH CHECK (%s)',
                       name, here, here);
        EXECUTE format('CREATE POLICY custodian ON %I TO firststep_owner USING ((SELECT access.is_custodian()))', name);
    END LOOP;
END
$$;
CREATE POLICY by_who_pays ON disbursements FOR SELECT TO firststep_api, firststep_owner
    USING ((SELECT access.handles_the_fund()));
CREATE POLICY changed_by_who_pays ON disbursements FOR UPDATE TO firststep_api, firststep_owner
    USING ((SELECT access.handles_the_fund())) WITH CHECK ((SELECT access.handles_the_fund()));
-- What is paid stands in the case's timeline, though whoever pays does not see the case.
CREATE POLICY paid ON case_history FOR INSERT TO firststep_api WITH CHECK (
    record_kind = 'disbursement' AND by_id = (SELECT access.actor_id()) AND (SELECT access.handles_the_fund())
    AND EXISTS (SELECT FROM public.disbursements d
                 WHERE d.id = record_id AND d.case_id = case_history.case_id AND d.child_id = case_history.child_id));

-- Three people, whatever roles each of them holds.
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_another_approves CHECK (approved_by_id <> requested_by_id);
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_another_pays
    CHECK (paid_by_id <> requested_by_id AND paid_by_id <> approved_by_id);
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_amount CHECK (amount > 0 AND spent BETWEEN 0 AND amount);
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_currency CHECK (currency IN ('USD', 'KHR'));
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_status CHECK (
    status IN ('requested', 'approved', 'rejected', 'paid', 'reconciled', 'cancelled', 'reversed'));
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_told CHECK (
    (status <> 'approved' OR approved_by_id IS NOT NULL)
    AND (status NOT IN ('paid', 'reconciled') OR (paid_by_id IS NOT NULL AND paid_on IS NOT NULL AND fund_id IS NOT NULL))
    AND (status <> 'reconciled' OR (spent IS NOT NULL AND approved_by_id IS NOT NULL)));

-- What was asked for stays as it was asked, whatever becomes of it; and what was paid is not unpaid.
CREATE FUNCTION access.refuse_other_request() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_user <> 'firststep_owner' AND (
        (NEW.id, NEW.child_id, NEW.case_id, NEW.number, NEW.case_number, NEW.beneficiary, NEW.category, NEW.amount,
         NEW.currency, NEW.urgency, NEW.requested_by_id, NEW.series_id, NEW.release_on)
        IS DISTINCT FROM
        (OLD.id, OLD.child_id, OLD.case_id, OLD.number, OLD.case_number, OLD.beneficiary, OLD.category, OLD.amount,
         OLD.currency, OLD.urgency, OLD.requested_by_id, OLD.series_id, OLD.release_on)
        OR (OLD.approved_by_id IS NOT NULL AND NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id)
        OR (OLD.paid_by_id IS NOT NULL AND (NEW.paid_by_id, NEW.paid_on, NEW.fund_id, NEW.tenders)
            IS DISTINCT FROM (OLD.paid_by_id, OLD.paid_on, OLD.fund_id, OLD.tenders))
        OR (OLD.status IN ('rejected', 'cancelled', 'reversed') AND NEW.status <> OLD.status)
    ) THEN
        RAISE EXCEPTION 'what was asked, approved or paid stays as it was' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER kept BEFORE UPDATE ON disbursements FOR EACH ROW EXECUTE FUNCTION access.refuse_other_request();
CREATE TRIGGER never_deleted BEFORE DELETE ON disbursements FOR EACH ROW EXECUTE FUNCTION access.refuse_change();
