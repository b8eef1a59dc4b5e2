-- Limit the comparisons of referrals with children that the caller cannot see. Each comparison of another identity can
-- reveal a fact about such a child, even if the response only contains a coarse likelihood.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.can_match(p_referral uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM access.context() x, public.referrals r
          LEFT JOIN public.cases c ON c.id = r.case_id
         WHERE r.id = p_referral AND x.act IN ('referral.match', 'referral.accept') AND x.is_staff
           AND (access.can_read_referral(x, r.agency_id, r.case_id, r.team_id, r.handed_to_id, r.received_by_id)
                OR (c.id IS NOT NULL AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id))))
$$;
COMMENT ON FUNCTION access.can_match(uuid) IS
    'Returns whether the caller is staff, can see a referral, and is listing its matches or accepting it.';

CREATE FUNCTION access.is_matched(p_referral uuid, p_identity bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT access.can_match(p_referral) AND EXISTS (
        SELECT FROM public.referral_matchings m WHERE m.referral_id = p_referral AND m.identity_digest = p_identity)
$$;
COMMENT ON FUNCTION access.is_matched(uuid, bytea) IS
    'Returns whether the matches of a referral were listed with this identity. Always false unless access.can_match().';

CREATE FUNCTION access.has_opened_matches(p_referral uuid, p_identity bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT access.can_match(p_referral) AND EXISTS (
        SELECT FROM public.referral_match_readings m
         WHERE m.referral_id = p_referral AND m.identity_digest = p_identity
           AND m.read_by_id = (SELECT x.caller_id FROM access.context() x))
$$;
COMMENT ON FUNCTION access.has_opened_matches(uuid, bytea) IS
    'Returns whether the caller listed the matches of a referral with this identity. Always false unless '
    'access.can_match().';

CREATE FUNCTION access.record_match_reading(p_referral uuid, p_identity bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.referral_match_readings (referral_id, identity_digest, read_by_id, read_at)
    SELECT p_referral, p_identity, x.caller_id, clock_timestamp() FROM access.context() x
        ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION access.record_match_reading(uuid, bytea) IS
    'Records that the caller lists the matches of a referral with this identity. access.record_matching() calls it after '
    'the check of the limits.';

-- The advisory locks make concurrent requests wait, so that they cannot exceed a limit together. All requests take the
-- lock of the referral before the lock of the caller.
CREATE FUNCTION access.record_matching(p_referral uuid, p_identity bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    max_changes constant integer := 5;
    max_by_caller constant integer := 8;
    caller constant uuid := (SELECT x.caller_id FROM access.context() x);
    day_start constant timestamptz :=
        date_trunc('day', clock_timestamp() AT TIME ZONE 'Asia/Phnom_Penh') AT TIME ZONE 'Asia/Phnom_Penh';
    allowed_at timestamptz;
    first_at timestamptz;
    changes bigint;
    is_exempt boolean;
BEGIN
    IF NOT access.can_match(p_referral) THEN
        RAISE EXCEPTION 'the referral cannot be matched' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF access.is_matched(p_referral, p_identity) THEN
        PERFORM access.record_match_reading(p_referral, p_identity);
        RETURN 'recorded';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('matching of referral ' || p_referral, 0));
    PERFORM pg_advisory_xact_lock(hashtextextended('matching by ' || caller, 0));
    IF access.is_matched(p_referral, p_identity) THEN
        PERFORM access.record_match_reading(p_referral, p_identity);
        RETURN 'recorded';  -- by a request that held the lock
    END IF;
    SELECT max(a.allowed_at) INTO allowed_at FROM public.matching_allowances a
     WHERE a.referral_id = p_referral AND a.allowed_by_id <> caller AND a.allowed_at >= day_start;
    SELECT min(m.matched_at) INTO first_at FROM public.referral_matchings m WHERE m.referral_id = p_referral;
    SELECT count(*) INTO changes FROM public.referral_matchings m
     WHERE m.referral_id = p_referral AND m.matched_at >= coalesce(allowed_at, day_start) AND m.matched_at > first_at;
    IF first_at IS NOT NULL AND changes >= max_changes THEN
        RETURN 'referral_limit';
    END IF;
    is_exempt := allowed_at IS NOT NULL OR (first_at IS NULL AND EXISTS (
        SELECT FROM public.referrals r
         WHERE r.id = p_referral AND r.agency_id IS NOT NULL AND NOT r.identity_changed_by_staff));
    IF NOT is_exempt AND max_by_caller <= (
        SELECT count(*) FROM public.referral_matchings m
         WHERE m.matched_by_id = caller AND m.matched_at >= day_start AND NOT m.is_exempt) THEN
        RETURN 'caller_limit';
    END IF;
    INSERT INTO public.referral_matchings (referral_id, identity_digest, matched_by_id, matched_at, is_exempt)
    VALUES (p_referral, p_identity, caller, clock_timestamp(), is_exempt);
    PERFORM access.record_match_reading(p_referral, p_identity);
    RETURN 'recorded';
END
$$;
COMMENT ON FUNCTION access.record_matching(uuid, bytea) IS
    'Counts the comparison of an identity of a referral and returns recorded, or returns the limit that is reached: '
    'referral_limit after five changes of the referral on one day in Cambodia, caller_limit after eight identities of the '
    'caller. A repeated comparison is not counted, the first identity of a referral is no change, and it does not count for '
    'the caller if a partner sent the referral and staff did not change its identity. A permission of another person for '
    'the referral on this day allows five more changes and lifts the limit of the caller.';

REVOKE ALL ON FUNCTION
    access.can_match(uuid), access.is_matched(uuid, bytea), access.has_opened_matches(uuid, bytea),
    access.record_match_reading(uuid, bytea), access.record_matching(uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.is_matched(uuid, bytea), access.has_opened_matches(uuid, bytea), access.record_matching(uuid, bytea)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
