-- Transfers between two budget lines of a fund. A second person decides on each. Contains no data about a child.

GRANT SELECT, INSERT ON fund_transfers TO firststep_api;
GRANT UPDATE (version, status, decided_at, decided_by_id) ON fund_transfers TO firststep_api;
GRANT SELECT (id) ON fund_transfers TO firststep_gate;

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON fund_transfers FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'requested',
        'requested approved, requested rejected',
            'decided_at decided_by_id'
    );
COMMENT ON TRIGGER validate_change ON fund_transfers IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE fund_transfers ADD CONSTRAINT ck_fund_transfers_status CHECK (
    status IN ('requested', 'approved', 'rejected')
);

ALTER TABLE fund_transfers ADD CONSTRAINT ck_fund_transfers_amount CHECK (amount > 0);
COMMENT ON CONSTRAINT ck_fund_transfers_amount ON fund_transfers IS 'The amount is positive.';

ALTER TABLE fund_transfers ADD CONSTRAINT ck_fund_transfers_decided_by_another_person CHECK (
    decided_by_id <> asked_by_id
);
COMMENT ON CONSTRAINT ck_fund_transfers_decided_by_another_person ON fund_transfers IS
    'The decider is not the requester.';
