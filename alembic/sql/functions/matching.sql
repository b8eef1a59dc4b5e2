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

CREATE FUNCTION access.record_match_reading(p_referral uuid, p_identity bytea, p_is_limited boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.referral_match_readings (referral_id, identity_digest, read_by_id, read_at, is_limited)
    SELECT p_referral, p_identity, x.caller_id, clock_timestamp(), p_is_limited FROM access.context() x
        ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION access.record_match_reading(uuid, bytea, boolean) IS
    'Records that the caller lists the matches of a referral with this identity. After a limit, the list contains only the '
    'records that the caller can see. access.record_matching() calls it after it has checked the limits.';

CREATE FUNCTION access.record_limited_reading(p_referral uuid, p_identity bytea, p_day date) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    SELECT access.record_match_reading(p_referral, p_identity, true);
    INSERT INTO public.alerts (id, created_at, version, kind, key, actor_id, act, count, occurred_at, record_kind, record_id)
    SELECT gen_random_uuid(), clock_timestamp(), 1, 'matching_limit',
           format('matching_limit:%s:%s:%s', x.caller_id, p_referral, p_day), x.caller_id, x.act, 1, clock_timestamp(),
           'referral', p_referral
      FROM access.context() x
        ON CONFLICT (key) DO NOTHING
$$;
COMMENT ON FUNCTION access.record_limited_reading(uuid, bytea, date) IS
    'Records that the caller lists the matches of a referral after a limit is reached, and raises an alert once per '
    'caller, referral and day. access.record_matching() calls it.';

-- The advisory locks make concurrent requests wait, so that they cannot exceed a limit together. All requests take the
-- lock of the referral before the lock of the caller.
CREATE FUNCTION access.record_matching(p_referral uuid, p_identity bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    max_changes constant integer := 5;
    max_by_caller constant integer := 8;
    caller constant uuid := (SELECT x.caller_id FROM access.context() x);
    local_day constant date := (clock_timestamp() AT TIME ZONE 'Asia/Phnom_Penh')::date;
    day_start constant timestamptz := local_day::timestamp AT TIME ZONE 'Asia/Phnom_Penh';
    allowed_at timestamptz;
    first_at timestamptz;
    changes bigint;
    is_exempt boolean;
BEGIN
    IF NOT access.can_match(p_referral) THEN
        RAISE EXCEPTION 'the referral cannot be matched' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF access.is_matched(p_referral, p_identity) THEN
        PERFORM access.record_match_reading(p_referral, p_identity, false);
        RETURN 'recorded';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('matching of referral ' || p_referral, 0));
    PERFORM pg_advisory_xact_lock(hashtextextended('matching by ' || caller, 0));
    IF access.is_matched(p_referral, p_identity) THEN
        PERFORM access.record_match_reading(p_referral, p_identity, false);
        RETURN 'recorded';  -- by a request that held the lock
    END IF;
    SELECT max(a.allowed_at) INTO allowed_at FROM public.matching_allowances a
     WHERE a.referral_id = p_referral AND a.allowed_by_id <> caller AND a.allowed_at >= day_start;
    SELECT min(m.matched_at) INTO first_at FROM public.referral_matchings m WHERE m.referral_id = p_referral;
    SELECT count(*) INTO changes FROM public.referral_matchings m
     WHERE m.referral_id = p_referral AND m.matched_at >= coalesce(allowed_at, day_start) AND m.matched_at > first_at;
    IF first_at IS NOT NULL AND changes >= max_changes THEN
        PERFORM access.record_limited_reading(p_referral, p_identity, local_day);
        RETURN 'referral_limit';
    END IF;
    is_exempt := allowed_at IS NOT NULL OR (first_at IS NULL AND EXISTS (
        SELECT FROM public.referrals r
         WHERE r.id = p_referral AND r.agency_id IS NOT NULL AND NOT r.identity_changed_by_staff));
    IF NOT is_exempt AND max_by_caller <= (
        SELECT count(*) FROM public.referral_matchings m
         WHERE m.matched_by_id = caller AND m.matched_at >= day_start AND NOT m.is_exempt) THEN
        PERFORM access.record_limited_reading(p_referral, p_identity, local_day);
        RETURN 'caller_limit';
    END IF;
    INSERT INTO public.referral_matchings (referral_id, identity_digest, matched_by_id, matched_at, is_exempt)
    VALUES (p_referral, p_identity, caller, clock_timestamp(), is_exempt);
    PERFORM access.record_match_reading(p_referral, p_identity, false);
    RETURN 'recorded';
END
$$;
COMMENT ON FUNCTION access.record_matching(uuid, bytea) IS
    'Counts the comparison of an identity of a referral and returns recorded, or returns the limit that is reached: '
    'referral_limit after five changes of the referral on one day in Cambodia, caller_limit after eight identities of the '
    'caller. A repeated comparison is not counted, the first identity of a referral is not a change, and it does not count '
    'for the caller if a partner sent the referral and staff did not change its identity. A permission of another person '
    'for the referral on this day allows five more changes and lifts the limit of the caller.';

CREATE FUNCTION access.list_uncompared_referrals()
RETURNS TABLE (referral_id uuid, case_id uuid, listed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = '' SET enable_seqscan = off
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
BEGIN
    RETURN QUERY
    WITH limited AS (
        SELECT m.referral_id, min(m.read_at) AS read_at, array_agg(m.read_by_id) AS readers
          FROM public.referral_match_readings m
         WHERE m.is_limited AND NOT EXISTS (SELECT FROM public.referral_matchings c
                                             WHERE c.referral_id = m.referral_id AND c.matched_at > m.read_at)
         GROUP BY m.referral_id
    )
    SELECT r.id, r.case_id, l.read_at
      FROM limited l JOIN public.referrals r ON r.id = l.referral_id
     WHERE r.status NOT IN ('declined', 'withdrawn') AND context.is_staff
       AND (context.can_read_all_cases AND NOT EXISTS (
                SELECT FROM public.team_members s
                 WHERE s.is_supervisor AND (s.team_id = r.team_id OR r.team_id IS NULL) AND s.user_id <> ALL (l.readers)
                   AND access.can_act(s.user_id, '{supervisor}')
                   AND (r.case_id IS NULL OR NOT access.is_behind_conflict_wall(s.user_id, r.case_id)))
            OR context.caller_id <> ALL (l.readers)
               AND (r.team_id = ANY (context.supervised_team_ids)
                    OR r.team_id IS NULL AND cardinality(context.supervised_team_ids) > 0));
END
$$;
COMMENT ON FUNCTION access.list_uncompared_referrals() IS
    'Returns the referrals whose matches a limit omitted, and that were not compared with all children afterwards. '
    'Only the supervisors of the team who did not list them receive them, or programme managers if the team has no '
    'such supervisor. The result does not depend on the matches.';

REVOKE ALL ON FUNCTION
    access.can_match(uuid), access.is_matched(uuid, bytea), access.has_opened_matches(uuid, bytea),
    access.record_match_reading(uuid, bytea, boolean), access.record_limited_reading(uuid, bytea, date),
    access.record_matching(uuid, bytea), access.list_uncompared_referrals() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.is_matched(uuid, bytea), access.has_opened_matches(uuid, bytea), access.record_matching(uuid, bytea),
    access.list_uncompared_referrals()
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
