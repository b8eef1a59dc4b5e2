-- Find possible duplicates of a child, including children that the caller cannot see. possible_duplicates() finds the
-- candidates, and duplicate_profiles() returns their encrypted columns, which the application decrypts and compares.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- Each token selects at most 300 children and 300 referrals, so that the cost does not depend on the number of people:
-- a frequent name has thousands. Candidates are therefore sorted by how rare their tokens are. A duplicate with frequent
-- names also has a rare token: the token of the full name or of a phone number.
--
-- Children behind the conflict wall are excluded: linked children are often siblings, so their names would match and
-- reveal them.
CREATE FUNCTION access.possible_duplicates(p_referral uuid, p_child_tokens integer[], p_referral_tokens integer[])
RETURNS TABLE (kind text, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
    WITH caller AS MATERIALIZED (
        SELECT ARRAY (SELECT c.child_id FROM public.cases c WHERE c.id = ANY (x.conflict_wall_case_ids)) AS hidden
          FROM access.context() x
         WHERE access.can_match(p_referral)
    )
    SELECT k.kind, o.owner_id
      FROM caller
     CROSS JOIN (VALUES ('child', p_child_tokens), ('referral', p_referral_tokens)) AS k (kind, tokens)
     CROSS JOIN LATERAL access.shorten_tokens_to_search(k.tokens) AS s (token)
     CROSS JOIN LATERAL (
        SELECT t.owner_id, 1::float / count(*) OVER () AS rarity
          FROM (SELECT n.owner_id FROM public.name_tokens n
                 WHERE n.token = s.token AND n.kind = k.kind LIMIT 300) t
     ) o
     WHERE o.owner_id <> ALL (caller.hidden)
     GROUP BY k.kind, o.owner_id
     ORDER BY sum(o.rarity) DESC, o.owner_id
     LIMIT 200
$$;
COMMENT ON FUNCTION access.possible_duplicates(uuid, integer[], integer[]) IS
    'Returns up to 200 candidates: children that share a token with p_child_tokens, and referrals without a case that '
    'share one with p_referral_tokens. Candidates with more and rarer shared tokens come first. Returns no rows unless '
    'access.can_match() for the referral.';

CREATE FUNCTION access.duplicate_profiles(p_referral uuid, p_children uuid[], p_referrals uuid[])
RETURNS TABLE (kind text, id uuid, child_id uuid, sex text, profile_encrypted bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT f.* FROM (
        SELECT 'child', c.id, c.id, c.sex, c.identity_encrypted
          FROM public.children c WHERE c.id = ANY (p_children)
         UNION ALL
        SELECT 'child', c.id, c.merged_into_id, c.sex, c.identity_encrypted
          FROM public.children c WHERE c.merged_into_id = ANY (p_children)
         UNION ALL
        SELECT 'referral', r.id, r.child_id, NULL, r.content_encrypted
          FROM public.referrals r WHERE r.id = ANY (p_referrals)
         UNION ALL
        SELECT 'person', p.id, p.child_id, NULL, p.details_encrypted FROM public.people p
         WHERE p.child_id = ANY (p_children) AND p.role IN ('supporter', 'family') AND p.entered_in_error_at IS NULL
    ) AS f
     WHERE access.can_match(p_referral)
$$;
COMMENT ON FUNCTION access.duplicate_profiles(uuid, uuid[], uuid[]) IS
    'Returns the encrypted columns of the given children, of the records that were merged into them, of their supporters '
    'and family members, and of the given referrals. Returns no rows unless access.can_match() for p_referral.';

REVOKE ALL ON FUNCTION access.possible_duplicates(uuid, integer[], integer[]), access.duplicate_profiles(uuid, uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.possible_duplicates(uuid, integer[], integer[]), access.duplicate_profiles(uuid, uuid[], uuid[])
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
