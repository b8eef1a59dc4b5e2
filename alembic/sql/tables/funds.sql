-- Funds: money that a donor gave for a period and for some categories. Contains no data about a child.

GRANT SELECT, INSERT ON funds TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, name, donor, grant_code, starts_on, ends_on, budget, categories, lines,
    youngest, oldest, province_codes, closed_at, closed_by_id, close_reason, rest_to_fund_id
) ON funds TO firststep_api;
GRANT SELECT (id) ON funds TO firststep_gate;
GRANT SELECT (id, name, grant_code) ON funds TO firststep_reports;

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON funds FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'open',
        'open open',
            'name donor grant_code starts_on ends_on budget categories lines youngest oldest province_codes',
        'open closed',
            'closed_at closed_by_id close_reason rest_to_fund_id'
    );
COMMENT ON TRIGGER validate_change ON funds IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE funds ADD CONSTRAINT ck_funds_status CHECK (status IN ('open', 'closed'));

ALTER TABLE funds ADD CONSTRAINT ck_funds_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE funds ADD CONSTRAINT ck_funds_period CHECK (ends_on >= starts_on);
COMMENT ON CONSTRAINT ck_funds_period ON funds IS 'A fund does not end before it starts.';
