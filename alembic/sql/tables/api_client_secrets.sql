-- Hashed secrets of API clients. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON api_client_secrets TO firststep_api;
