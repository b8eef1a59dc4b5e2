-- Staff accounts.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON users TO firststep_api;
GRANT SELECT (id, name, roles, is_active) ON users TO firststep_gate;
