-- The last disbursement number of each year.

GRANT SELECT, INSERT ON disbursement_number_series TO firststep_api;
GRANT UPDATE (last) ON disbursement_number_series TO firststep_api;
