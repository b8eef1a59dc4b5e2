-- API clients of agencies.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON api_clients TO firststep_api;
GRANT SELECT (id, agency_id, name, scopes, is_active) ON api_clients TO firststep_gate;
