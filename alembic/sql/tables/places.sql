-- The gazetteer of Cambodia. Reference data, loaded by the table owner.

GRANT SELECT ON places TO firststep_api;
GRANT SELECT ON places TO firststep_reports;
