-- Staff accounts. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON users TO firststep_api;
GRANT SELECT (id, name, roles, is_active) ON users TO firststep_gate;
