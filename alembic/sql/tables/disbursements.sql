-- Requests for money from the assistance fund. Visible to callers who can see the case, and to finance officers. The
-- narrative is in disbursement_details, which finance officers cannot read.

ALTER TABLE disbursements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON disbursements TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, fund_id, line, approved_by_id, approved_at, approval_due_on, paid_by_id,
    paid_at, paid_on, method, payee_encrypted, tenders, rounding, acknowledgement_document_id, spent, reconciled_by_id,
    reconciled_at, receipt_document_ids, finance_documents, ended_by_id, ended_at, reversal_reason_encrypted
) ON disbursements TO firststep_api;
GRANT SELECT (
    id, child_id, case_id, number, category, created_at, status, currency, amount, series_id, instalment, approved_by_id,
    approved_at, approval_due_on, paid_at, acknowledgement_document_id, receipt_document_ids, finance_documents
) ON disbursements TO firststep_gate;
GRANT UPDATE (child_id) ON disbursements TO firststep_gate;

CREATE POLICY gate_role_can_access ON disbursements TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON disbursements IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_with_case ON disbursements FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON disbursements IS 'A row is visible if its case is visible.';

CREATE POLICY finance_officer_can_read ON disbursements FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer));
COMMENT ON POLICY finance_officer_can_read ON disbursements IS 'A finance officer can read all disbursements.';

CREATE POLICY insert_with_visible_case ON disbursements FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id AND c.status <> 'closed')
    );
COMMENT ON POLICY insert_with_visible_case ON disbursements IS
    'A row can be inserted if its case is visible and open, and has the same child_id as the row.';

CREATE POLICY update_with_visible_case ON disbursements FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    );
COMMENT ON POLICY update_with_visible_case ON disbursements IS
    'A row can be updated if its case is visible and has the same child_id, before and after the change.';

CREATE POLICY finance_officer_can_update ON disbursements FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer))
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_finance_officer));
COMMENT ON POLICY finance_officer_can_update ON disbursements IS 'A finance officer can update all disbursements.';

CREATE POLICY custodian_can_access ON disbursements TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON disbursements IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER prevent_delete BEFORE DELETE ON disbursements FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON disbursements IS 'Rejects DELETE.';

CREATE FUNCTION access.validate_disbursement_act() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM access.context() x
         WHERE CASE
                WHEN NEW.status = OLD.status AND NEW.approved_by_id IS NOT DISTINCT FROM OLD.approved_by_id THEN
                    access.is_case_staff(NEW.case_id)
                WHEN NEW.status IN ('paid', 'reconciled') AND NEW.status <> OLD.status THEN x.is_finance_officer
                WHEN NEW.status = 'reversed' THEN x.is_finance_officer OR x.can_read_all_cases
                WHEN NEW.status = 'cancelled' THEN access.is_case_staff(NEW.case_id)
                ELSE x.can_read_all_cases
                     OR EXISTS (SELECT FROM public.cases c
                                 WHERE c.id = NEW.case_id AND c.team_id = ANY (x.supervised_team_ids)) END) THEN
        RAISE EXCEPTION 'the caller has no right to this act on a disbursement' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.validate_disbursement_act() IS
    'Raises an error unless a finance officer pays and reconciles, a finance officer or a programme manager reverses, '
    'staff of the case cancel and name the documents for finance, and a supervisor of the team or a programme manager '
    'approves and rejects a disbursement.';

CREATE FUNCTION access.validate_disbursement_limits() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    total constant bigint := NEW.amount + (
        SELECT coalesce(sum(d.amount), 0) FROM public.disbursements d
         WHERE d.series_id = NEW.series_id AND d.id <> NEW.id AND d.status IN ('approved', 'paid', 'reconciled'));
    approved_on constant date := NEW.approved_at AT TIME ZONE 'Asia/Phnom_Penh';
    recorded_on constant date := NEW.paid_at AT TIME ZONE 'Asia/Phnom_Penh';
BEGIN
    IF NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id
       AND NOT (access.is_within_limit('approve', NEW.currency, total)
                AND access.find_case_limit_fault(
                    NEW.case_id, NEW.id, 'approve_case_month', NEW.currency, NEW.amount, approved_on) IS NULL)
       OR NEW.status = 'paid' AND OLD.status = 'requested'
       AND NOT (access.is_within_limit('pay_first', NEW.currency, NEW.amount)
                AND access.find_case_limit_fault(
                    NEW.case_id, NEW.id, 'pay_first_case_day', NEW.currency, NEW.amount, recorded_on) IS NULL) THEN
        RAISE EXCEPTION 'the amount exceeds a limit of the caller'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'above_limit';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.validate_disbursement_limits() IS
    'Raises an error if an approval or an emergency payment exceeds a limit of the caller''s roles: for the request, for the '
    'child in a month, or for the child on a day.';

CREATE TRIGGER validate_limits BEFORE UPDATE ON disbursements FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_disbursement_limits();
COMMENT ON TRIGGER validate_limits ON disbursements IS
    'Rejects an approval or an emergency payment above a limit of the caller.';

CREATE FUNCTION access.validate_receipts() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF EXISTS (SELECT FROM access.find_payments_of_receipts(
        NEW.case_id, NEW.id, NEW.receipt_document_ids || NEW.acknowledgement_document_id)) THEN
        RAISE EXCEPTION 'a receipt proves one payment only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_used';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.validate_receipts() IS
    'Raises an error if a receipt or acknowledgement of the new row, or its original, proves another payment.';

CREATE TRIGGER validate_receipts BEFORE UPDATE ON disbursements FOR EACH ROW
    WHEN (current_user = 'firststep_api' AND NEW.status IN ('paid', 'reconciled') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION access.validate_receipts();
COMMENT ON TRIGGER validate_receipts ON disbursements IS 'Rejects a receipt that proves another payment.';

CREATE TRIGGER validate_act BEFORE UPDATE ON disbursements FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_disbursement_act();
COMMENT ON TRIGGER validate_act ON disbursements IS 'Rejects an act for which the caller has no right.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON disbursements FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'requested',
        'requested approved',
            'fund_id line approved_by_id approved_at',
        'requested paid',
            'fund_id line approval_due_on paid_by_id paid_at paid_on method payee_encrypted tenders rounding acknowledgement_document_id',
        'approved paid',
            'paid_by_id paid_at paid_on method payee_encrypted tenders rounding acknowledgement_document_id',
        'requested requested, approved approved, reconciled reconciled',
            'finance_documents',
        'paid paid',
            'approved_by_id approved_at finance_documents',
        'paid reconciled',
            'spent reconciled_by_id reconciled_at receipt_document_ids',
        'requested rejected, requested cancelled, approved cancelled',
            'ended_by_id ended_at',
        'paid reversed, reconciled reversed',
            'ended_by_id ended_at reversal_reason_encrypted'
    );
COMMENT ON TRIGGER validate_change ON disbursements IS
    'Rejects a change of the status, or of a column, that the trigger arguments do not list.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_status CHECK (
    status IN ('requested', 'approved', 'rejected', 'paid', 'reconciled', 'cancelled', 'reversed')
);

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_amount CHECK (amount > 0 AND spent BETWEEN 0 AND amount);
ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_rounding CHECK (
    abs(rounding) <= CASE currency WHEN 'KHR' THEN 100 ELSE 10 END
);
COMMENT ON CONSTRAINT ck_disbursements_rounding ON disbursements IS
    'A payment in cash differs from the amount by at most 100 riel.';

COMMENT ON CONSTRAINT ck_disbursements_amount ON disbursements IS
    'The amount is positive, and spent is between 0 and the amount.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_approved_by_another_person CHECK (
    approved_by_id <> requested_by_id
);
COMMENT ON CONSTRAINT ck_disbursements_approved_by_another_person ON disbursements IS
    'The approver is not the requester; separation of duties is by person, not by role.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_paid_by_third_person CHECK (
    paid_by_id <> requested_by_id AND paid_by_id <> approved_by_id
);
COMMENT ON CONSTRAINT ck_disbursements_paid_by_third_person ON disbursements IS
    'The payer is a third person, neither the requester nor the approver.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_complete_for_status CHECK (
    (status <> 'approved' OR approved_by_id IS NOT NULL)
    AND (status NOT IN ('paid', 'reconciled')
         OR (paid_by_id IS NOT NULL AND paid_on IS NOT NULL AND fund_id IS NOT NULL))
    AND (status <> 'reconciled' OR (spent IS NOT NULL AND approved_by_id IS NOT NULL))
);
COMMENT ON CONSTRAINT ck_disbursements_complete_for_status ON disbursements IS
    'An approved disbursement has an approver. A paid or reconciled disbursement has a payer, a payment date and a '
    'fund, and a reconciled one also has an approver and an amount spent.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (
    id, child_id, case_id, category, amount, currency, status, fund_id, created_at, approved_at, approval_due_on, paid_on,
    spent, reconciled_at, ended_at
) ON disbursements TO firststep_reports;

CREATE POLICY reports_can_count ON disbursements FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON disbursements IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
