-- The entries of the access log: the children, cases and records that each access revealed, and its outcome.
-- Partitioned by month, append-only.

ALTER TABLE access_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot insert id, xid and at: the database sets them.
GRANT SELECT, INSERT ON access_entries TO firststep_gate;
GRANT SELECT ON access_entries TO firststep_api;
GRANT INSERT (
    event_id, child_id, case_id, record_kind, record_id, outcome, status
) ON access_entries TO firststep_api;

CREATE POLICY gate ON access_entries TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate ON access_entries IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY readers ON access_entries FOR SELECT TO firststep_api, firststep_owner
    USING (
        (SELECT access.reads_the_log())
        OR (child_id IS NOT NULL AND cardinality((SELECT access.supervised_teams())) > 0
            AND EXISTS (SELECT FROM public.cases c WHERE c.child_id = access_entries.child_id))
    );
COMMENT ON POLICY readers ON access_entries IS
    'A data protection officer can read all entries, a supervisor those of a child with a case that is visible to '
    'the supervisor.';

CREATE POLICY written_by_requests ON access_entries FOR INSERT TO firststep_api
    WITH CHECK (event_id = (SELECT (access.event()).id));
COMMENT ON POLICY written_by_requests ON access_entries IS
    'A request can add entries only to the access that its transaction has entered.';

CREATE POLICY written_by_the_custodian ON access_entries FOR INSERT TO firststep_owner WITH CHECK (true);
COMMENT ON POLICY written_by_the_custodian ON access_entries IS
    'Key rotation, which the table owner runs, can add entries.';

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON access_entries FOR EACH ROW
    EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_changed ON access_entries IS 'Rows are never updated or deleted.';

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON access_entries EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON access_entries IS 'The table is never truncated.';

-- The default partition keeps entries of a month for which no partition was created in time.
CREATE TABLE access_entries_default PARTITION OF access_entries DEFAULT;
ALTER TABLE access_entries_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON access_entries_default EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON access_entries_default IS 'The table is never truncated.';
