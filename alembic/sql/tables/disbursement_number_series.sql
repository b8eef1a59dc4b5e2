-- The last disbursement number of each year.

GRANT SELECT, INSERT, UPDATE ON disbursement_number_series TO firststep_api;
