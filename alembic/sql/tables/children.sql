-- A child is visible through its cases.

ALTER TABLE children ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON children TO firststep_api;
GRANT SELECT ON children TO firststep_gate;

CREATE POLICY gate ON children TO firststep_gate USING (true);
COMMENT ON POLICY gate ON children IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY seen ON children FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.child_id = children.id));
COMMENT ON POLICY seen ON children IS 'A child is visible if one of its cases is visible.';

CREATE POLICY made ON children FOR INSERT TO firststep_api WITH CHECK ((SELECT access.is_staff()));
COMMENT ON POLICY made ON children IS 'Staff can insert a child.';

CREATE POLICY changed ON children FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.child_id = children.id))
    WITH CHECK ((SELECT access.is_staff()));
COMMENT ON POLICY changed ON children IS 'Staff can update a child that has a visible case.';

CREATE POLICY in_ones_own_hands ON children AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.child_id = children.id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY in_ones_own_hands ON children IS
    'Only staff of one of the child''s cases can update a child; USING is true so that locking a row does not '
    'hide it from a break-glass reader.';

CREATE POLICY custodian ON children TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON children IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';
