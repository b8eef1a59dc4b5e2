-- Staff accounts. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON users TO firststep_api;
GRANT SELECT (id, name, roles, is_active) ON users TO firststep_gate;
