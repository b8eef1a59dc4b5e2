-- Members and supervisors of teams. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE, DELETE ON team_members TO firststep_api;
GRANT SELECT ON team_members TO firststep_gate;
