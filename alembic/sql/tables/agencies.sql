-- Partner organisations and providers. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON agencies TO firststep_api;
GRANT SELECT (id, is_active) ON agencies TO firststep_gate;
