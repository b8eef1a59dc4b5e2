-- Members and supervisors of teams. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE, DELETE ON team_members TO firststep_api;
GRANT SELECT ON team_members TO firststep_gate;
