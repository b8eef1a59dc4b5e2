-- The encrypted content of the files of outreach activities. It never changes. Contains no data about a child, so the
-- permissions of the API alone control its use.

GRANT SELECT, INSERT ON outreach_attachment_contents TO firststep_api;

CREATE TRIGGER prevent_delete BEFORE DELETE ON outreach_attachment_contents FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON outreach_attachment_contents IS 'Rejects DELETE.';
