-- The last case number of each year.

GRANT SELECT, INSERT ON case_number_series TO firststep_api;
GRANT UPDATE (last) ON case_number_series TO firststep_api;
