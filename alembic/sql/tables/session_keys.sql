-- The key that verifies the proofs of new sessions. access.register_session_key() writes it, access.begin_session() reads it.

GRANT SELECT, INSERT ON session_keys TO firststep_gate;

ALTER TABLE session_keys ADD CONSTRAINT ck_session_keys_one_row CHECK (id = 1);
COMMENT ON CONSTRAINT ck_session_keys_one_row ON session_keys IS 'There is one session key.';
