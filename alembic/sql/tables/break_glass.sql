-- Break-glass access: read access to one case for at most 4 hours.

ALTER TABLE break_glass ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON break_glass TO firststep_api;
GRANT UPDATE (child_id) ON break_glass TO firststep_api;
GRANT SELECT (id, child_id, case_id, user_id, expires_at) ON break_glass TO firststep_gate;

CREATE POLICY gate_role_can_access ON break_glass TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON break_glass IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_user_and_oversight ON break_glass FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE x.can_read_access_log OR x.can_read_all_cases OR user_id = x.worker_id
                    OR EXISTS (SELECT FROM public.team_members m
                                WHERE m.user_id = break_glass.user_id AND m.team_id = ANY (x.supervised_team_ids))
                    OR (cardinality(x.supervised_team_ids) > 0
                        AND EXISTS (SELECT FROM public.cases c WHERE c.id = break_glass.case_id OFFSET 0)))
    );
COMMENT ON POLICY visible_to_user_and_oversight ON break_glass IS
    'A break-glass access is visible to its user, the supervisors of the user, the supervisors who can see the case, '
    'programme managers and data protection officers.';

CREATE POLICY user_can_insert ON break_glass FOR INSERT TO firststep_api
    WITH CHECK (
        user_id = (SELECT x.worker_id FROM access.context() x)
        AND opened_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '1 minute'
        AND expires_at <= opened_at + interval '4 hours'
    );
COMMENT ON POLICY user_can_insert ON break_glass IS
    'A social worker or supervisor can insert a break-glass access for their own user only, starting now and expiring '
    'within 4 hours.';

-- child_id is set after the insert, because the service can read it only once the inserted row makes the case visible.
CREATE POLICY user_can_set_child ON break_glass FOR UPDATE TO firststep_api
    USING (user_id = (SELECT x.worker_id FROM access.context() x) AND child_id IS NULL)
    WITH CHECK (user_id = (SELECT x.worker_id FROM access.context() x));
COMMENT ON POLICY user_can_set_child ON break_glass IS 'The user of a break-glass access can set child_id once.';

CREATE POLICY custodian_can_access ON break_glass TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON break_glass IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, child_id, case_id, opened_at) ON break_glass TO firststep_reports;

CREATE POLICY reports_can_count ON break_glass FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON break_glass IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
