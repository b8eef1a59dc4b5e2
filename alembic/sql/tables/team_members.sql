-- Members and supervisors of teams.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE, DELETE ON team_members TO firststep_api;
GRANT SELECT ON team_members TO firststep_gate;
