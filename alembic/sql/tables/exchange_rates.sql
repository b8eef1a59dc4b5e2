-- Published exchange rates: riel for one US dollar, per day and source. Append-only.

GRANT SELECT ON exchange_rates TO firststep_api;
GRANT SELECT, INSERT ON exchange_rates TO firststep_gate;

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON exchange_rates FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON exchange_rates IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON exchange_rates EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON exchange_rates IS 'Rejects TRUNCATE.';

ALTER TABLE exchange_rates ADD CONSTRAINT ck_exchange_rates_positive CHECK (riel_hundredths > 0);
COMMENT ON CONSTRAINT ck_exchange_rates_positive ON exchange_rates IS 'A rate is positive.';

ALTER TABLE exchange_rates ADD CONSTRAINT ck_exchange_rates_confirmed_by_another_person CHECK (
    confirmed_by_id <> recorded_by_id
);
COMMENT ON CONSTRAINT ck_exchange_rates_confirmed_by_another_person ON exchange_rates IS
    'The person who confirms a rate is not the person who recorded it.';
