-- Teams. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON teams TO firststep_api;
GRANT SELECT ON teams TO firststep_gate;
