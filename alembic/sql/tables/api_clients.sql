-- API clients of agencies.
-- Contains no data about a child, so the permissions of the API and the functions in functions/accounts.sql control its use.

-- The privilege to change the version is needed to lock a row. Only functions of firststep_gate change the other columns.
GRANT SELECT, UPDATE (version, last_used_at) ON api_clients TO firststep_api;
GRANT SELECT, INSERT, UPDATE ON api_clients TO firststep_gate;
