-- Members and supervisors of teams.
-- Contains no data about a child, so the permissions of the API and the functions in functions/accounts.sql control its use.

GRANT SELECT ON team_members TO firststep_api;
GRANT SELECT (team_id, user_id, is_supervisor) ON team_members TO firststep_reports;
GRANT SELECT, INSERT, DELETE ON team_members TO firststep_gate;
GRANT UPDATE (is_supervisor) ON team_members TO firststep_gate;
