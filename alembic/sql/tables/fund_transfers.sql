-- Transfers between two budget lines of a fund. A second person decides on each. Contains no data about a child.

GRANT SELECT, INSERT, UPDATE ON fund_transfers TO firststep_api;

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
