-- Owners, privileges and row policies of the program `limit`. Row-level security is forced on every table about a child.

SET search_path = bench;
GRANT SELECT ON children, cases, case_workers TO firststep_api;
GRANT SELECT, INSERT ON referrals, name_tokens, idempotency_records TO firststep_api;
GRANT INSERT (event_id, n, child_id, case_id, record_kind, record_id, outcome, status) ON access_entries TO firststep_api;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'bench'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO firststep_owner', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['children', 'cases', 'case_workers', 'case_links', 'break_glass', 'referrals', 'name_tokens',
                                'idempotency_records', 'access_events', 'access_entries', 'contexts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY gate_role_can_access ON %I TO firststep_gate USING (true) WITH CHECK (true)', name);
    END LOOP;
END
$$;

CREATE POLICY visible_in_scope ON cases FOR SELECT TO firststep_api
    USING (
        EXISTS (SELECT FROM context() c
                 WHERE (c.sees_all OR cases.team_id = ANY (c.team_ids) OR cases.lead_worker_id = c.worker_id
                        OR cases.id = ANY (c.case_ids))
                   AND cases.id <> ALL (c.walled_case_ids))
    );
CREATE POLICY visible_with_case ON children FOR SELECT TO firststep_api
    USING (EXISTS (SELECT FROM cases c WHERE c.child_id = children.id));
CREATE POLICY visible_with_case ON case_workers FOR SELECT TO firststep_api
    USING (EXISTS (SELECT FROM cases c WHERE c.id = case_workers.case_id));

CREATE POLICY staff_or_agency_can_insert ON referrals FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM context() c
                 WHERE c.sees_all OR c.worker_id IS NOT NULL OR c.agency_id = referrals.agency_id)
    );
CREATE POLICY staff_or_agency_can_insert ON name_tokens FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM context() c WHERE c.sees_all OR c.worker_id IS NOT NULL OR c.agency_id IS NOT NULL)
    );
CREATE POLICY caller_can_access ON idempotency_records TO firststep_api
    USING (EXISTS (SELECT FROM context() c WHERE c.caller_id = principal_id));
CREATE POLICY event_can_insert ON access_entries FOR INSERT TO firststep_api
    WITH CHECK (EXISTS (SELECT FROM context() c WHERE c.event_id = access_entries.event_id));
