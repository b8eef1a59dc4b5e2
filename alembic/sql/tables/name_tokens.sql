-- Blind index of names: the first bits of a keyed digest of each name part, after a leading 1 (see
-- app/access/blind_index.py).

ALTER TABLE name_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON name_tokens TO firststep_api;
GRANT UPDATE (kind, child_id) ON name_tokens TO firststep_api;
GRANT SELECT, INSERT, DELETE ON name_tokens TO firststep_gate;
GRANT UPDATE (child_id) ON name_tokens TO firststep_gate;

CREATE POLICY gate_role_can_access ON name_tokens TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON name_tokens IS 'Functions owned by firststep_gate can access all rows.';

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
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.child_id = name_tokens.owner_id AND access.is_case_staff(x, c))
        OR EXISTS (SELECT FROM public.referrals r WHERE r.id = name_tokens.owner_id OFFSET 0)
    );
COMMENT ON POLICY delete_with_owner ON name_tokens IS
    'A token can be deleted by staff of a case of its child, and by callers who can see its referral.';

CREATE POLICY custodian_can_access ON name_tokens TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON name_tokens IS
    'The table owner can access all rows during a rebuild of the search tokens (see access.open_as_custodian()).';

-- A policy cannot check the owner of a new token, because one statement inserts a referral with its tokens, and the
-- policy would not see the referral. The trigger runs at the end of the statement, with the privileges of the caller.
CREATE FUNCTION access.validate_token_owners() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_user <> 'firststep_api' THEN
        RETURN NULL;  -- the condition below needs privileges that other roles lack
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT t.owner_id, t.kind, t.child_id FROM changed t) AS o
         WHERE (CASE o.kind
            WHEN 'child' THEN o.child_id = o.owner_id AND EXISTS (
                SELECT FROM public.cases c, access.context() x
                 WHERE c.child_id = o.owner_id AND access.is_case_staff(x, c))
            WHEN 'referral' THEN o.child_id IS NULL AND EXISTS (
                SELECT FROM public.referrals r WHERE r.id = o.owner_id AND r.child_id IS NULL)
            WHEN 'accepted_referral' THEN EXISTS (
                SELECT FROM public.referrals r, public.cases c, access.context() x
                 WHERE r.id = o.owner_id AND r.child_id = o.child_id AND c.id = r.case_id AND access.is_case_staff(x, c))
            ELSE false END) IS NOT TRUE) THEN
        RAISE EXCEPTION 'search tokens must belong to a child or a referral of the caller'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION access.validate_token_owners() IS
    'Raises an error if new or changed search tokens belong to a child whose cases the caller does not work on, or to a '
    'referral that the caller cannot see, or if their kind or child is not that of the record.';

CREATE TRIGGER validate_inserted_owners AFTER INSERT ON name_tokens REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION access.validate_token_owners();
COMMENT ON TRIGGER validate_inserted_owners ON name_tokens IS
    'Rejects search tokens for a child whose cases the caller does not work on, or for a referral that the caller cannot '
    'see: a token would make that record a match candidate.';

CREATE TRIGGER validate_updated_owners AFTER UPDATE ON name_tokens REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION access.validate_token_owners();
COMMENT ON TRIGGER validate_updated_owners ON name_tokens IS
    'Rejects an update that gives a search token another kind or child than its record has.';
