-- Releases of statistics. A published, refused or discarded release never changes. Contains no data about a child, so the
-- permissions of the API alone control its use. The service hides drafts from callers who only read releases.

GRANT SELECT, INSERT ON releases TO firststep_api;
GRANT UPDATE (
    version, status, approved_at, approved_by_id, audited_reports, tables_to_drop, published_at, discarded_at,
    discarded_by_id
) ON releases TO firststep_api;
GRANT SELECT (id) ON releases TO firststep_gate;

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON releases FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'draft',
        'draft auditing',
            'approved_at approved_by_id',
        'auditing auditing',
            'audited_reports tables_to_drop',
        'auditing published',
            'audited_reports published_at',
        'auditing refused',
            'audited_reports tables_to_drop',
        'draft discarded, auditing discarded',
            'discarded_at discarded_by_id'
    );
COMMENT ON TRIGGER validate_change ON releases IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

CREATE TRIGGER prevent_change_of_final_row BEFORE UPDATE ON releases FOR EACH ROW
    WHEN (OLD.status IN ('published', 'refused', 'discarded')) EXECUTE FUNCTION access.prevent_change_of_final_row();
COMMENT ON TRIGGER prevent_change_of_final_row ON releases IS
    'Rejects changes of a published, refused or discarded release, for every role.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON releases FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON releases IS 'Rejects DELETE.';

ALTER TABLE releases ADD CONSTRAINT ck_releases_status CHECK (
    status IN ('draft', 'auditing', 'published', 'refused', 'discarded')
);

ALTER TABLE releases ADD CONSTRAINT ck_releases_period CHECK (
    period ~ '^20[0-9]{2}(-Q[1-4])?$' AND first_day < last_day AND edition > 0
);
COMMENT ON CONSTRAINT ck_releases_period ON releases IS 'The period is a quarter or a year, and editions begin with 1.';

ALTER TABLE releases ADD CONSTRAINT ck_releases_approved_by_another_person CHECK (approved_by_id <> prepared_by_id);
COMMENT ON CONSTRAINT ck_releases_approved_by_another_person ON releases IS
    'The person who publishes a release is not the person who prepared it.';

ALTER TABLE releases ADD CONSTRAINT ck_releases_published CHECK (
    (status = 'published') = (published_at IS NOT NULL)
    AND (status NOT IN ('auditing', 'published', 'refused') OR approved_by_id IS NOT NULL)
    AND (status <> 'published' OR cardinality(tables_to_drop) = 0)
);
COMMENT ON CONSTRAINT ck_releases_published ON releases IS
    'A published release has a person who approved it and no tables to drop.';
