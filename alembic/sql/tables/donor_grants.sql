-- Grants of donors, to which cases and funds are attributed.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON donor_grants TO firststep_api;
GRANT UPDATE (version, name, donor, is_active) ON donor_grants TO firststep_api;
GRANT SELECT (id) ON donor_grants TO firststep_gate;
GRANT SELECT (code, name, donor) ON donor_grants TO firststep_reports;

CREATE TRIGGER validate_change BEFORE UPDATE ON donor_grants FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON donor_grants IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
