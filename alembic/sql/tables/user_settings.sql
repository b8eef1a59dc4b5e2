-- The settings that users have chosen for themselves. Functions of firststep_gate write them (see functions/digests.sql).
-- Contains no data about a child.

GRANT SELECT ON user_settings TO firststep_api;
GRANT UPDATE (digest_sent_on) ON user_settings TO firststep_api;
GRANT SELECT, INSERT, UPDATE ON user_settings TO firststep_gate;

ALTER TABLE user_settings ADD CONSTRAINT ck_user_settings_language CHECK (language IN ('en', 'km'));

ALTER TABLE user_settings ADD CONSTRAINT ck_user_settings_digest CHECK (
    agenda_digest = (digest_secret_hash IS NOT NULL)
);
COMMENT ON CONSTRAINT ck_user_settings_digest ON user_settings IS
    'The e-mail with numbers of the agenda needs the hash of its secret, and only this e-mail does.';
