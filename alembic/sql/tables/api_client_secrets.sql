-- Hashed secrets of API clients.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON api_client_secrets TO firststep_api;
