-- A few bits of a keyed digest a name part: seen through the child or the referral they stand for.

ALTER TABLE name_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON name_tokens TO firststep_api;

CREATE POLICY gate ON name_tokens TO firststep_gate USING (true);
DO $$
DECLARE
    act text;
BEGIN
    FOREACH act IN ARRAY ARRAY['SELECT', 'UPDATE', 'DELETE'] LOOP
        EXECUTE format('CREATE POLICY %I ON name_tokens FOR %s TO firststep_api, firststep_owner USING (
            EXISTS (SELECT FROM public.cases c WHERE c.child_id = name_tokens.owner_id)
            OR EXISTS (SELECT FROM public.referrals r WHERE r.id = name_tokens.owner_id)
        )', 'seen_for_' || lower(act), act);
    END LOOP;
END
$$;
CREATE POLICY written ON name_tokens FOR INSERT TO firststep_api
    WITH CHECK ((SELECT access.is_staff()) OR (SELECT access.partner_agency()) IS NOT NULL);
