-- Hashed secrets of API clients.
-- Contains no data about a child, so the permissions of the API and the functions in functions/accounts.sql control its use.

GRANT SELECT ON api_client_secrets TO firststep_api;
GRANT SELECT, INSERT, UPDATE ON api_client_secrets TO firststep_gate;
