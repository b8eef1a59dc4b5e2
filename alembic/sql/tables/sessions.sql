-- Sessions of users and API clients. Only the functions of sessions.sql write them.
-- Contains no data about a child.

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;

GRANT SELECT (id, user_id, created_at, refreshed_at, idle_ends_at, ends_at, revoked_at, address, user_agent)
    ON sessions TO firststep_api;
GRANT SELECT, INSERT, UPDATE ON sessions TO firststep_gate;

CREATE POLICY gate_role_can_access ON sessions TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate_role_can_access ON sessions IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_user ON sessions FOR SELECT TO firststep_api
    USING (user_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY visible_to_user ON sessions IS
    'Users can see their own sessions. The id of a session opens accesses, so it is hidden from all other users.';

ALTER TABLE sessions ADD CONSTRAINT ck_sessions_user_or_client CHECK ((user_id IS NULL) <> (client_id IS NULL));
COMMENT ON CONSTRAINT ck_sessions_user_or_client ON sessions IS
    'A session belongs to either a user or an API client.';
