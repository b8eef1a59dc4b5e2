-- Agencies: First Step itself, partners, providers, authorities and donors.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON agencies TO firststep_api;
GRANT UPDATE (version, name, kind, is_active) ON agencies TO firststep_api;
GRANT SELECT (id, is_active) ON agencies TO firststep_gate;
