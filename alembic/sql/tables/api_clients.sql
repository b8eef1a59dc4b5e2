-- API clients of agencies. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON api_clients TO firststep_api;
GRANT SELECT (id, agency_id, name, scopes, is_active) ON api_clients TO firststep_gate;
