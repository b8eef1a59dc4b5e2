-- Referrals of a child or a family to a service provider.

ALTER TABLE service_referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record, its case or its author.
GRANT SELECT, INSERT ON service_referrals TO firststep_api;
GRANT UPDATE (
    version, provider_id, service, status, area, goal_id, consent_id, basis_without_consent, shared_fields,
    sent_at, sent_by_id, answered_at, ended_at, outcome, updated_at, content_encrypted
) ON service_referrals TO firststep_api;
GRANT SELECT (id, child_id) ON service_referrals TO firststep_gate;

CREATE POLICY gate_role_can_read ON service_referrals FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON service_referrals IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_case ON service_referrals FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON service_referrals IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON service_referrals FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON service_referrals IS
    'A row can be inserted if its case is visible and has the same child_id as the row. Restrictive policies limit '
    'this to staff of the case.';

CREATE POLICY author_is_caller ON service_referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON service_referrals IS 'author_id of a new row must be the caller.';

CREATE POLICY update_with_visible_case ON service_referrals FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = service_referrals.case_id AND c.child_id = service_referrals.child_id)
    );
COMMENT ON POLICY update_with_visible_case ON service_referrals IS
    'A row can be updated if its case is visible and has the same child_id, before and after the change. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON service_referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = service_referrals.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON service_referrals IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON service_referrals AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = service_referrals.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON service_referrals IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON service_referrals TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON service_referrals IS
    'The table owner can use all rows in a key rotation (see access.open_as_custodian()).';

ALTER TABLE service_referrals ADD CONSTRAINT ck_service_referrals_status CHECK (
    status IN ('draft', 'sent', 'accepted', 'declined', 'completed', 'cancelled')
);
