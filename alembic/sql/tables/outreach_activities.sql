-- Outreach activities. Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON outreach_activities TO firststep_api;
GRANT UPDATE (
    version, kind, title, topic, programme, starts_on, ends_on, sessions, place_code, is_online, venue, government_level,
    partner_ids, partner_names, facilitator_ids, facilitator_agencies, copies, score_maximum, tested_before,
    mean_before, tested_after, mean_after, search_key, updated_at, description_encrypted, entered_in_error_at,
    entered_in_error_by_id, entered_in_error_reason_encrypted
) ON outreach_activities TO firststep_api;
GRANT SELECT (id) ON outreach_activities TO firststep_gate;
GRANT SELECT (
    id, kind, topic, programme, starts_on, ends_on, sessions, place_code, is_online, government_level,
    partner_ids, facilitator_ids, copies, score_maximum, tested_before, mean_before, tested_after, mean_after,
    created_at, entered_in_error_at
) ON outreach_activities TO firststep_reports;

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON outreach_activities FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON outreach_activities IS
    'Rejects an older version, the name of another person than the caller, and a time in the future.';

CREATE TRIGGER protect_mark BEFORE UPDATE ON outreach_activities FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_mark();
COMMENT ON TRIGGER protect_mark ON outreach_activities IS
    'Rejects a mark as entered in error with another change, and changes of a marked row.';

CREATE TRIGGER prevent_delete BEFORE DELETE ON outreach_activities FOR EACH ROW EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_delete ON outreach_activities IS 'Rejects DELETE.';

ALTER TABLE outreach_activities ADD CONSTRAINT ck_outreach_activities_period CHECK (ends_on >= starts_on);
COMMENT ON CONSTRAINT ck_outreach_activities_period ON outreach_activities IS
    'An activity does not end before it starts.';

ALTER TABLE outreach_activities ADD CONSTRAINT ck_outreach_activities_sessions CHECK (sessions > 0);
COMMENT ON CONSTRAINT ck_outreach_activities_sessions ON outreach_activities IS 'An activity has at least one session.';

ALTER TABLE outreach_activities ADD CONSTRAINT ck_outreach_activities_place CHECK (
    is_online OR place_code IS NOT NULL OR kind = 'research_dissemination'
);
COMMENT ON CONSTRAINT ck_outreach_activities_place ON outreach_activities IS
    'An activity has a place, unless it was online or distributed a publication.';

ALTER TABLE outreach_activities ADD CONSTRAINT ck_outreach_activities_scores CHECK (
    (tested_before IS NULL) = (mean_before IS NULL) AND (tested_after IS NULL) = (mean_after IS NULL)
    AND (score_maximum IS NULL) = (tested_before IS NULL AND tested_after IS NULL)
    AND score_maximum > 0 AND tested_before > 0 AND tested_after > 0
    AND mean_before BETWEEN 0 AND score_maximum AND mean_after BETWEEN 0 AND score_maximum
);
COMMENT ON CONSTRAINT ck_outreach_activities_scores ON outreach_activities IS
    'A mean score has the number of tested persons, and lies between zero and the highest possible score.';
