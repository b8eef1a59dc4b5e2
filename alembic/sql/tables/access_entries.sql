-- The entries of the access log: one for each child whose records a request read or changed, with the outcome of the
-- request. Append-only, partitioned by month.

ALTER TABLE access_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON access_entries TO firststep_gate;
GRANT SELECT ON access_entries TO firststep_api;

CREATE POLICY gate_role_can_access ON access_entries TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate_role_can_access ON access_entries IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY visible_to_log_readers ON access_entries FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.can_read_access_log
                    OR (child_id IS NOT NULL AND cardinality(x.supervised_team_ids) > 0
                        AND EXISTS (SELECT FROM public.cases c WHERE c.child_id = access_entries.child_id OFFSET 0)))
    );
COMMENT ON POLICY visible_to_log_readers ON access_entries IS
    'A data protection officer can read all entries. A supervisor can read the entries of a child with a case that '
    'the supervisor can see.';

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON access_entries FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON access_entries IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON access_entries EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON access_entries IS 'Rejects TRUNCATE.';

-- The default partition keeps entries of a month for which no partition was created in time.
CREATE TABLE access_entries_default PARTITION OF access_entries DEFAULT;
ALTER TABLE access_entries_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Some children have thousands of entries, most have few. With the true numbers of distinct values, PostgreSQL would read
-- all entries of a child and sort them, instead of reading one page from the index. create_partitions() does the same.
ALTER TABLE access_entries_default ALTER COLUMN child_id SET (n_distinct = 100),
    ALTER COLUMN case_id SET (n_distinct = 2), ALTER COLUMN record_id SET (n_distinct = 2);
CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON access_entries_default EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON access_entries_default IS 'Rejects TRUNCATE.';
