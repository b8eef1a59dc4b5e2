-- The access events of the access log: one for each request. Append-only, partitioned by month.

ALTER TABLE access_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON access_events TO firststep_gate;
GRANT SELECT ON access_events TO firststep_api;

CREATE POLICY gate_role_can_access ON access_events TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate_role_can_access ON access_events IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_log_readers ON access_events FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.can_read_access_log
                    OR (cardinality(x.supervised_team_ids) > 0
                        AND EXISTS (SELECT FROM public.access_entries e WHERE e.event_id = access_events.id OFFSET 0)))
    );
COMMENT ON POLICY visible_to_log_readers ON access_events IS
    'A data protection officer can read all events. A supervisor can read the events with an entry that the '
    'supervisor can see.';

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON access_events FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON access_events IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON access_events EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON access_events IS 'Rejects TRUNCATE.';

-- The default partition keeps events of a month for which no partition was created in time.
CREATE TABLE access_events_default PARTITION OF access_events DEFAULT;
ALTER TABLE access_events_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON access_events_default EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON access_events_default IS 'Rejects TRUNCATE.';

ALTER TABLE access_events ADD CONSTRAINT ck_access_events_caller CHECK (
    CASE kind
        WHEN 'person' THEN actor_id IS NOT NULL
        WHEN 'client' THEN actor_id IS NOT NULL
        WHEN 'system' THEN num_nonnulls(actor_id, session_id, token_id) = 0 AND roles && '{custodian,command_line}'
        WHEN 'anonymous' THEN
            num_nonnulls(session_id, token_id) = 0 AND (actor_id IS NULL OR act = 'agenda.feed' AND roles = '{}')
        ELSE false
    END
);
COMMENT ON CONSTRAINT ck_access_events_caller ON access_events IS
    'An anonymous request claims no user. Only the event of a revoked calendar feed contains the owner of the feed. An '
    'event of the system has a role that only functions for the table owner give, so firststep_api cannot insert it.';

ALTER TABLE access_events ADD CONSTRAINT ck_access_events_ids CHECK (
    length(request_id) <= 64 AND correlation_id ~ '^[A-Za-z0-9._-]{8,64}$'
);
COMMENT ON CONSTRAINT ck_access_events_ids ON access_events IS
    'The id of the request has at most 64 characters. The id that the caller sent has 8 to 64 letters, digits, dots, '
    'hyphens and underscores.';
