-- No child's data here: the API reads and writes these as its permissions say.

GRANT SELECT ON places TO firststep_api, firststep_reports;
GRANT SELECT, INSERT, UPDATE ON agencies, teams, users, api_clients, api_client_secrets, sessions, sign_in_attempts,
    used_assertions, case_number_series TO firststep_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON team_members TO firststep_api;
GRANT DELETE ON sign_in_attempts, used_assertions TO firststep_api;
GRANT SELECT ON alembic_version TO firststep_api;
