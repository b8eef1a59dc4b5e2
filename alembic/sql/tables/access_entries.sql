-- The entries of the access log: one for each child whose records a request read or changed, with the outcome of the
-- request. Append-only, partitioned by month.

ALTER TABLE access_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON access_entries TO firststep_gate;
GRANT SELECT ON access_entries TO firststep_api;

CREATE POLICY gate_role_can_access ON access_entries TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate_role_can_access ON access_entries IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_log_readers ON access_entries FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.can_read_access_log
                    OR (cardinality(x.supervised_team_ids) > 0
                        AND (record_kind IS DISTINCT FROM 'case_link'
                             OR EXISTS (SELECT FROM public.case_links l WHERE l.id = record_id OFFSET 0))
                        AND (record_kind IS DISTINCT FROM 'case_sibling'
                             OR EXISTS (SELECT FROM public.case_siblings s WHERE s.id = record_id OFFSET 0))
                        AND CASE WHEN child_id IS NOT NULL THEN
                            EXISTS (SELECT FROM public.cases c
                                     WHERE c.child_id = access_entries.child_id
                                       AND c.team_id = ANY (x.supervised_team_ids)
                                       AND (c.id = access_entries.case_id OR NOT access.is_kind_with_tiers(record_kind))
                                    OFFSET 0)
                        WHEN record_kind IN ('referral', 'referral_question') THEN
                            EXISTS (SELECT FROM public.referrals r JOIN public.cases c ON c.id = r.case_id
                                     WHERE r.id IN (record_id, (SELECT q.referral_id FROM public.referral_questions q
                                                                 WHERE q.id = record_id))
                                       AND c.team_id = ANY (x.supervised_team_ids)
                                    OFFSET 0)
                        END))
    );
COMMENT ON POLICY visible_to_log_readers ON access_entries IS
    'A data protection officer can read all entries. A supervisor can read the entries of a child with a visible case '
    'of a supervised team, and the entries from the time before its referral was accepted. Entries about records with '
    'tiers need a case of a supervised team itself, and entries about a link or siblings need both cases.';

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

ALTER TABLE access_entries ADD CONSTRAINT ck_access_entries_outcome CHECK (
    CASE outcome
        WHEN 'allowed' THEN status BETWEEN 200 AND 399
        WHEN 'unauthenticated' THEN status IN (401, 404)
        WHEN 'forbidden' THEN status IN (403, 404)
        WHEN 'not_found' THEN status = 404
        WHEN 'refused' THEN status IN (409, 429)
        WHEN 'conflict' THEN status = 412
        WHEN 'invalid' THEN status BETWEEN 400 AND 499
        WHEN 'timeout' THEN status = 504
        WHEN 'failed' THEN status BETWEEN 500 AND 599
        ELSE false
    END
);
COMMENT ON CONSTRAINT ck_access_entries_outcome ON access_entries IS
    'The outcome is known and belongs to the status of the response. A calendar feed answers 404 instead of 401 and 403.';

ALTER TABLE access_entries ADD CONSTRAINT ck_access_entries_changes CHECK (
    changes IS NULL OR (jsonb_typeof(changes) = 'object' AND child_id IS NULL)
);
COMMENT ON CONSTRAINT ck_access_entries_changes ON access_entries IS
    'Old and new values are stored for acts on accounts and configuration, never for records about a child.';
