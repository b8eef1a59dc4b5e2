-- Partner organisations and providers. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON agencies TO firststep_api;
GRANT SELECT (id, is_active) ON agencies TO firststep_gate;
