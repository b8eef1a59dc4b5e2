-- Providers that children are referred to. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON providers TO firststep_api;
