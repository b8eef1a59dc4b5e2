-- Teams. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON teams TO firststep_api;
GRANT SELECT ON teams TO firststep_gate;
