-- Sessions of users and API clients. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON sessions TO firststep_api;
GRANT SELECT (id, user_id, client_id, ends_at, revoked_at) ON sessions TO firststep_gate;

ALTER TABLE sessions ADD CONSTRAINT ck_sessions_one_subject CHECK ((user_id IS NULL) <> (client_id IS NULL));
COMMENT ON CONSTRAINT ck_sessions_one_subject ON sessions IS 'A session belongs to either a user or an API client.';
