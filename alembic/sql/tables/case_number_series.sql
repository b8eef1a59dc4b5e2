-- The last case number of each year.

GRANT SELECT, INSERT, UPDATE ON case_number_series TO firststep_api;
