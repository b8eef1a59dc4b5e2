-- The true counts behind releases, encrypted. Only the audit of later releases reads them. The API never changes them; a
-- key rotation encrypts them again. Contains counts only, so there is no access entry for a child.

GRANT SELECT, INSERT ON release_populations TO firststep_api;

CREATE TRIGGER prevent_delete BEFORE DELETE ON release_populations FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON release_populations IS 'Rejects DELETE.';

CREATE TRIGGER require_draft_release BEFORE INSERT ON release_populations FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.require_draft_release();
COMMENT ON TRIGGER require_draft_release ON release_populations IS
    'Rejects new true counts of a release that is not a draft.';
