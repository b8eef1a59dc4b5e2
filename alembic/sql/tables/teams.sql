-- Teams.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON teams TO firststep_api;
GRANT SELECT ON teams TO firststep_gate;
