-- Money received from donors. A reversed deposit stays, with its reason. Contains no data about a child.

GRANT SELECT, INSERT ON deposits TO firststep_api;
GRANT UPDATE (version, status, updated_at, reversed_by_id, reversed_at, reversal_reason) ON deposits TO firststep_api;
GRANT SELECT (id) ON deposits TO firststep_gate;

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON deposits FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'recorded',
        'recorded reversed',
            'reversed_by_id reversed_at reversal_reason'
    );
COMMENT ON TRIGGER validate_change ON deposits IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

CREATE CONSTRAINT TRIGGER require_posted_deposit AFTER INSERT OR UPDATE ON deposits DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (current_user = 'firststep_api') EXECUTE FUNCTION ledger.require_posted_deposit();
COMMENT ON TRIGGER require_posted_deposit ON deposits IS
    'Rejects the commit unless the ledger contains the deposit, and its reversal if it is reversed.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON deposits FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON deposits IS 'Rejects DELETE.';

ALTER TABLE deposits ADD CONSTRAINT ck_deposits_status CHECK (status IN ('recorded', 'reversed'));

ALTER TABLE deposits ADD CONSTRAINT ck_deposits_amount CHECK (amount > 0);
COMMENT ON CONSTRAINT ck_deposits_amount ON deposits IS 'The amount is positive.';

ALTER TABLE deposits ADD CONSTRAINT ck_deposits_complete_for_status CHECK (
    (status = 'reversed') = (reversed_by_id IS NOT NULL AND reversed_at IS NOT NULL AND reversal_reason IS NOT NULL)
);
COMMENT ON CONSTRAINT ck_deposits_complete_for_status ON deposits IS
    'A reversed deposit, and no other, has the person, the time and the reason of the reversal.';
