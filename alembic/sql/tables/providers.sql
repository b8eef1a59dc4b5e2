-- Providers that children are referred to. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON providers TO firststep_api;
