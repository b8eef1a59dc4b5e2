-- Funds: money that a donor gave for a period and for some categories. Contains no data about a child.

GRANT SELECT, INSERT, UPDATE ON funds TO firststep_api;

ALTER TABLE funds ADD CONSTRAINT ck_funds_status CHECK (status IN ('open', 'closed'));

ALTER TABLE funds ADD CONSTRAINT ck_funds_currency CHECK (currency IN ('USD', 'KHR'));

ALTER TABLE funds ADD CONSTRAINT ck_funds_period CHECK (ends_on >= starts_on);
COMMENT ON CONSTRAINT ck_funds_period ON funds IS 'A fund does not end before it starts.';
