-- Exchange rates of a day. Append-only.

GRANT SELECT, INSERT ON exchange_rates TO firststep_api;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON exchange_rates FOR EACH ROW
    EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_changed ON exchange_rates IS 'Rows are never updated or deleted.';

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON exchange_rates EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON exchange_rates IS 'The table is never truncated.';

ALTER TABLE exchange_rates ADD CONSTRAINT ck_exchange_rates_positive CHECK (riel_hundredths > 0);
