-- Provinces, districts, communes and villages of Cambodia. The table owner loads them.

GRANT SELECT ON places TO firststep_api;
GRANT SELECT ON places TO firststep_reports;
