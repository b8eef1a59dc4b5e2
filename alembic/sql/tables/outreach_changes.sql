-- Changes of outreach activities, with the values before and after. Contains no data about a child, so the permissions
-- of the API alone control its use.

GRANT SELECT, INSERT ON outreach_changes TO firststep_api;

CREATE TRIGGER validate_change BEFORE INSERT ON outreach_changes FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON outreach_changes IS
    'Rejects the name of another person than the caller, and a time in the future.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON outreach_changes FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON outreach_changes IS 'Rejects DELETE.';
