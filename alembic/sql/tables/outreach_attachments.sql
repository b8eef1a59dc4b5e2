-- Files of outreach activities. The API never changes them, except that it can mark one as entered in error. Contains no
-- data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON outreach_attachments TO firststep_api;
GRANT UPDATE (version, entered_in_error_at, entered_in_error_by_id, entered_in_error_reason_encrypted)
    ON outreach_attachments TO firststep_api;
GRANT SELECT (id) ON outreach_attachments TO firststep_gate;

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON outreach_attachments FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON outreach_attachments IS
    'Rejects an older version, the name of another person than the caller, and a time in the future.';

CREATE TRIGGER protect_mark BEFORE UPDATE ON outreach_attachments FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_mark();
COMMENT ON TRIGGER protect_mark ON outreach_attachments IS
    'Rejects a mark as entered in error with another change, and changes of a marked row.';

CREATE TRIGGER protect_outreach_part BEFORE INSERT OR UPDATE ON outreach_attachments FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.protect_outreach_part();
COMMENT ON TRIGGER protect_outreach_part ON outreach_attachments IS
    'Rejects changes of the attachments of an activity that was entered in error.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON outreach_attachments FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON outreach_attachments IS 'Rejects DELETE.';
