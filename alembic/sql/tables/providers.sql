-- The directory of service providers.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON providers TO firststep_api;
GRANT UPDATE (
    version, name, name_key, kind, agency_id, services, province_codes, safeguarding_checked_on, safeguarding_valid_until,
    is_active, details
) ON providers TO firststep_api;
GRANT SELECT (id) ON providers TO firststep_gate;

CREATE TRIGGER validate_change BEFORE UPDATE ON providers FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON providers IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
