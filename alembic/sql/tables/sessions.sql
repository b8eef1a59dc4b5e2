-- Sessions of users and API clients.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON sessions TO firststep_api;
GRANT SELECT (id, user_id, client_id, ends_at, revoked_at) ON sessions TO firststep_gate;

ALTER TABLE sessions ADD CONSTRAINT ck_sessions_user_or_client CHECK ((user_id IS NULL) <> (client_id IS NULL));
COMMENT ON CONSTRAINT ck_sessions_user_or_client ON sessions IS
    'A session belongs to either a user or an API client.';
