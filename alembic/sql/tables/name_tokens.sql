-- Blind index of names: the first bits of a keyed digest of each name part, after a leading 1 (see
-- app/access/blind_index.py).

ALTER TABLE name_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON name_tokens TO firststep_api;
GRANT SELECT ON name_tokens TO firststep_gate;

CREATE POLICY gate_role_can_access ON name_tokens TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON name_tokens IS 'Functions owned by firststep_gate can use all rows.';

CREATE POLICY visible_with_owner ON name_tokens FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.child_id = name_tokens.owner_id OFFSET 0)
        OR EXISTS (SELECT FROM public.referrals r WHERE r.id = name_tokens.owner_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_owner ON name_tokens IS
    'A token is visible if the child or the referral that it belongs to is visible.';

CREATE POLICY staff_or_agency_can_insert ON name_tokens FOR INSERT TO firststep_api
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff OR x.partner_agency_id IS NOT NULL));
COMMENT ON POLICY staff_or_agency_can_insert ON name_tokens IS 'Staff and partner systems can insert tokens.';

CREATE POLICY update_with_owner ON name_tokens FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.child_id = name_tokens.owner_id)
        OR EXISTS (SELECT FROM public.referrals r WHERE r.id = name_tokens.owner_id OFFSET 0)
    );
COMMENT ON POLICY update_with_owner ON name_tokens IS
    'A token can be updated if the child or the referral that it belongs to is visible.';

CREATE POLICY delete_with_owner ON name_tokens FOR DELETE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c WHERE c.child_id = name_tokens.owner_id)
        OR EXISTS (SELECT FROM public.referrals r WHERE r.id = name_tokens.owner_id OFFSET 0)
    );
COMMENT ON POLICY delete_with_owner ON name_tokens IS
    'A token can be deleted if the child or the referral that it belongs to is visible.';

CREATE POLICY custodian_can_access ON name_tokens TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON name_tokens IS
    'The table owner can use all rows to rebuild the tokens (see access.open_as_custodian()).';
