-- Scored questionnaires and their editions.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON instruments TO firststep_api;
GRANT UPDATE (version, is_active) ON instruments TO firststep_api;
GRANT SELECT (id) ON instruments TO firststep_gate;

CREATE TRIGGER validate_change BEFORE UPDATE ON instruments FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON instruments IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
