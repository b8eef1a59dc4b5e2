-- Requests for money from the assistance fund. Visible to callers who can see the case, and to finance officers. The
-- narrative is in disbursement_details, which finance officers cannot read.

ALTER TABLE disbursements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON disbursements TO firststep_api;
GRANT SELECT (id, child_id, category) ON disbursements TO firststep_gate;

CREATE POLICY gate_role_can_read ON disbursements FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON disbursements IS 'Functions owned by firststep_gate can read all rows.';

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
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON disbursements IS
    'A row can be inserted if its case is visible and has the same child_id as the row.';

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
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';

-- The table owner is exempt, so that key rotation can re-encrypt rows.
CREATE FUNCTION access.prevent_change_of_request() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
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
        RAISE EXCEPTION 'the request, approval, payment or final status of a disbursement cannot change'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_change_of_request() IS
    'Raises an error if the request, an existing approval or payment, or a final status (rejected, cancelled, '
    'reversed) of a disbursement changes.';

CREATE TRIGGER prevent_change_of_request BEFORE UPDATE ON disbursements FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change_of_request();
COMMENT ON TRIGGER prevent_change_of_request ON disbursements IS
    'Rejects changes of the request, of an existing approval or payment, and of a final status (rejected, cancelled, '
    'reversed).';

CREATE TRIGGER prevent_delete BEFORE DELETE ON disbursements FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON disbursements IS 'Rejects DELETE.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_status CHECK (
    status IN ('requested', 'approved', 'rejected', 'paid', 'reconciled', 'cancelled', 'reversed')
);

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_amount CHECK (amount > 0 AND spent BETWEEN 0 AND amount);
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
