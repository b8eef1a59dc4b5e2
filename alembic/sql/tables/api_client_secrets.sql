-- Hashed secrets of API clients. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON api_client_secrets TO firststep_api;
