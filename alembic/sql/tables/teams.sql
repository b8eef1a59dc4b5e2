-- Teams.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON teams TO firststep_api;
GRANT UPDATE (version, name, is_active) ON teams TO firststep_api;
GRANT SELECT ON teams TO firststep_gate;
GRANT SELECT (id, name) ON teams TO firststep_reports;
