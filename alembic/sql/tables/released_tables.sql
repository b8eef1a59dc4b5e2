-- Tables of releases, with rounded counts. They are inserted with the draft and never change. Contains no data about a
-- child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON released_tables TO firststep_api;

CREATE TRIGGER prevent_change BEFORE UPDATE OR DELETE ON released_tables FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_change ON released_tables IS 'Rejects UPDATE and DELETE, for every role.';

CREATE TRIGGER require_draft_release BEFORE INSERT ON released_tables FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.require_draft_release();
COMMENT ON TRIGGER require_draft_release ON released_tables IS
    'Rejects a new table of a release that is not a draft.';
