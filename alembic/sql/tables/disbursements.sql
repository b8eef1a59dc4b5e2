-- Requests for money from the assistance fund. Visible to the readers of the case and to finance officers; what the
-- money is for is in disbursement_words, which finance officers cannot read.

ALTER TABLE disbursements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON disbursements TO firststep_api;
GRANT SELECT (id, category) ON disbursements TO firststep_gate;

CREATE POLICY gate ON disbursements FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate ON disbursements IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY through_the_case ON disbursements FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    );
COMMENT ON POLICY through_the_case ON disbursements IS 'A row is visible if its case is visible.';

CREATE POLICY by_who_pays ON disbursements FOR SELECT TO firststep_api, firststep_owner
    USING ((SELECT access.handles_the_fund()));
COMMENT ON POLICY by_who_pays ON disbursements IS 'A finance officer can read all disbursements.';

CREATE POLICY added ON disbursements FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    );
COMMENT ON POLICY added ON disbursements IS
    'A row can be inserted if its case is visible and belongs to the same child.';

CREATE POLICY changed ON disbursements FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = disbursements.case_id AND c.child_id = disbursements.child_id)
    );
COMMENT ON POLICY changed ON disbursements IS
    'A row can be updated if its case is visible and belongs to the same child, before and after the change.';

CREATE POLICY changed_by_who_pays ON disbursements FOR UPDATE TO firststep_api, firststep_owner
    USING ((SELECT access.handles_the_fund()))
    WITH CHECK ((SELECT access.handles_the_fund()));
COMMENT ON POLICY changed_by_who_pays ON disbursements IS 'A finance officer can update all disbursements.';

CREATE POLICY custodian ON disbursements TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON disbursements IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

-- The table owner is exempt, so that key rotation can re-encrypt rows.
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
COMMENT ON FUNCTION access.refuse_other_request() IS
    'Raises an error if the request, an existing approval or payment, or a final status of a disbursement changes.';

CREATE TRIGGER kept BEFORE UPDATE ON disbursements FOR EACH ROW EXECUTE FUNCTION access.refuse_other_request();
COMMENT ON TRIGGER kept ON disbursements IS
    'The request, its approval, its payment and a final status never change once they are set.';

CREATE TRIGGER never_deleted BEFORE DELETE ON disbursements FOR EACH ROW EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_deleted ON disbursements IS 'Disbursements are never deleted.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_status CHECK (
    status IN ('requested', 'approved', 'rejected', 'paid', 'reconciled', 'cancelled', 'reversed')
);

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_amount CHECK (amount > 0 AND spent BETWEEN 0 AND amount);

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_another_approves CHECK (approved_by_id <> requested_by_id);
COMMENT ON CONSTRAINT ck_disbursements_another_approves ON disbursements IS
    'A person cannot approve their own request, whatever roles they hold.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_another_pays CHECK (
    paid_by_id <> requested_by_id AND paid_by_id <> approved_by_id
);
COMMENT ON CONSTRAINT ck_disbursements_another_pays ON disbursements IS
    'The payer is a third person, neither the requester nor the approver.';

ALTER TABLE disbursements ADD CONSTRAINT ck_disbursements_told CHECK (
    (status <> 'approved' OR approved_by_id IS NOT NULL)
    AND (status NOT IN ('paid', 'reconciled')
         OR (paid_by_id IS NOT NULL AND paid_on IS NOT NULL AND fund_id IS NOT NULL))
    AND (status <> 'reconciled' OR (spent IS NOT NULL AND approved_by_id IS NOT NULL))
);
COMMENT ON CONSTRAINT ck_disbursements_told ON disbursements IS
    'An approved, paid or reconciled disbursement says who approved or paid it, when, from which fund, and what '
    'was spent.';
