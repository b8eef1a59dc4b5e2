-- Search the access log for acts that raise an alert.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.is_in_caseload(p_child uuid, p_user uuid, p_supervised_teams uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM public.cases c
         WHERE c.child_id = p_child
           AND (c.lead_worker_id = p_user OR c.team_id = ANY (p_supervised_teams)
                OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = p_user)))
$$;
COMMENT ON FUNCTION access.is_in_caseload(uuid, uuid, uuid[]) IS
    'Returns whether a child has a case that the user leads, co-works or supervises. Break-glass access does not count.';

CREATE FUNCTION access.day_in_cambodia(p_at timestamptz) RETURNS date LANGUAGE sql STABLE SET search_path = ''
AS $$ SELECT (p_at AT TIME ZONE 'Asia/Phnom_Penh')::date $$;
COMMENT ON FUNCTION access.day_in_cambodia(timestamptz) IS 'Returns the day of a moment in Cambodia.';

CREATE FUNCTION access.smallest_event_of_day(p_day date) RETURNS uuid LANGUAGE sql STABLE SET search_path = ''
AS $$ SELECT access.smallest_uuid7(p_day::timestamp AT TIME ZONE 'Asia/Phnom_Penh') $$;
COMMENT ON FUNCTION access.smallest_event_of_day(date) IS
    'Returns the smallest id of an access event of a day in Cambodia.';

-- Inlined into the statements that call it.
CREATE FUNCTION access.entries_to_scan(p_since uuid, p_from xid8, p_until xid8)
RETURNS TABLE (
    event_id uuid, n smallint, child_id uuid, record_kind text, record_id uuid, outcome text, actor_kind text,
    actor_id uuid, act text, roles text[], opened_at timestamptz, day date
)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.event_id, e.n, e.child_id, e.record_kind, e.record_id, e.outcome, v.kind, v.actor_id, v.act, v.roles,
           v.opened_at, access.day_in_cambodia(v.opened_at)
      FROM public.access_entries e
      JOIN public.access_events v ON v.id = e.event_id
     WHERE e.event_id >= p_since AND e.xid >= p_from AND e.xid < p_until;
END;
COMMENT ON FUNCTION access.entries_to_scan(uuid, xid8, xid8) IS
    'Returns the entries that transactions of an interval wrote, with their events. p_since bounds the ids of the events.';

-- Acts of administrators and of the command line, and decisions of second persons about them. One alert per request, with
-- the record that the request named.
CREATE FUNCTION access.raise_account_alerts(p_since uuid, p_from xid8, p_until xid8) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    WITH inserted AS (
        INSERT INTO public.alerts
            (id, created_at, version, kind, key, actor_id, act, count, occurred_at, record_kind, record_id)
        SELECT DISTINCT ON (e.event_id) gen_random_uuid(), clock_timestamp(), 1, 'account_change',
               'account_change:' || e.event_id, e.actor_id, e.act, 1, e.opened_at, e.record_kind, e.record_id
          FROM access.entries_to_scan(p_since, p_from, p_until) e
         WHERE e.outcome = 'allowed'
           AND (e.actor_kind = 'person'
                AND e.act IN ('user.manage', 'team.manage', 'agency.manage', 'api_client.manage', 'approval_limit.set',
                              'pending_change.decide', 'pending_change.withdraw')
                OR e.actor_kind = 'system'
                AND e.act IN ('users.create_first', 'users.disable', 'users.reset_password',
                              'users.reset_second_factor', 'database.restore'))
         ORDER BY e.event_id, e.n
        ON CONFLICT (key) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM inserted
$$;
COMMENT ON FUNCTION access.raise_account_alerts(uuid, xid8, xid8) IS
    'Raises an alert for each permitted request that changed users, teams, agencies, API clients or approval limits, or '
    'that decided on such a change or withdrew it, and for each command that changed an account or restored a backup.';

-- The limit is reached again at each doubling, so that an alert that was acknowledged in the morning does not hide what
-- follows.
CREATE FUNCTION access.raise_reading_alerts(p_since uuid, p_from xid8, p_until xid8) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    WITH active AS (
        SELECT DISTINCT e.actor_id, e.day
          FROM access.entries_to_scan(p_since, p_from, p_until) e
         WHERE e.outcome = 'allowed' AND e.child_id IS NOT NULL AND e.actor_kind = 'person'
           AND e.roles && '{social_worker,supervisor,programme_manager}'
    ), read AS (
        SELECT a.actor_id, a.day, e.child_id, v.supervised_team_ids, max(v.opened_at) AS last_at,
               bool_or('programme_manager' = ANY (v.roles)) AS is_manager
          FROM active a
          JOIN public.access_events v
            ON v.actor_id = a.actor_id AND v.id >= access.smallest_event_of_day(a.day)
           AND v.id < access.smallest_event_of_day(a.day + 1)
          JOIN public.access_entries e ON e.event_id = v.id AND e.child_id IS NOT NULL AND e.outcome = 'allowed'
         GROUP BY a.actor_id, a.day, e.child_id, v.supervised_team_ids
    ), counted AS (
        SELECT r.actor_id, r.day, count(DISTINCT r.child_id) AS children, max(r.last_at) AS last_at,
               CASE WHEN bool_or(r.is_manager) THEN t.children_per_day_of_manager ELSE t.children_per_day END AS threshold
          FROM read r CROSS JOIN public.alert_thresholds t
         WHERE NOT access.is_in_caseload(r.child_id, r.actor_id, r.supervised_team_ids)
         GROUP BY r.actor_id, r.day, t.children_per_day, t.children_per_day_of_manager
    ), inserted AS (
        INSERT INTO public.alerts (id, created_at, version, kind, key, actor_id, count, occurred_at)
        SELECT gen_random_uuid(), clock_timestamp(), 1, 'reading_outside_caseload',
               format('reading_outside_caseload:%s:%s:%s', actor_id, day, floor(log(2, children / threshold))),
               actor_id, children, last_at
          FROM counted
         WHERE children >= threshold
        ON CONFLICT (key) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM inserted
$$;
COMMENT ON FUNCTION access.raise_reading_alerts(uuid, xid8, xid8) IS
    'Raises an alert for each member of casework staff who reached the threshold of children outside their caseload, '
    'accessed on one day, and again at each doubling. Programme managers have a separate threshold.';

CREATE FUNCTION access.raise_matching_alerts(p_since uuid, p_from xid8, p_until xid8) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    WITH matched AS (
        SELECT DISTINCT e.actor_id, e.child_id, e.day
          FROM access.entries_to_scan(p_since, p_from, p_until) e
         WHERE e.outcome = 'allowed' AND e.child_id IS NOT NULL AND e.actor_kind = 'person'
           AND e.act = 'referral.match'
    ), counted AS (
        SELECT m.actor_id, m.child_id, m.day, count(*) AS matches, max(v.opened_at) AS last_at
          FROM matched m
          JOIN public.access_entries e
            ON e.child_id = m.child_id AND e.event_id >= access.smallest_event_of_day(m.day)
           AND e.event_id < access.smallest_event_of_day(m.day + 1) AND e.outcome = 'allowed'
          JOIN public.access_events v
            ON v.id = e.event_id AND v.actor_id = m.actor_id AND v.act = 'referral.match'
         WHERE NOT access.is_in_caseload(e.child_id, v.actor_id, v.supervised_team_ids)
         GROUP BY m.actor_id, m.child_id, m.day
    ), inserted AS (
        INSERT INTO public.alerts (id, created_at, version, kind, key, actor_id, act, count, occurred_at, child_id)
        SELECT gen_random_uuid(), clock_timestamp(), 1, 'matching_hidden_child',
               format('matching_hidden_child:%s:%s:%s:%s', c.actor_id, c.child_id, c.day,
                      floor(log(2, c.matches / t.matches_per_day))),
               c.actor_id, 'referral.match', c.matches, c.last_at, c.child_id
          FROM counted c CROSS JOIN public.alert_thresholds t
         WHERE c.matches >= t.matches_per_day
        ON CONFLICT (key) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM inserted
$$;
COMMENT ON FUNCTION access.raise_matching_alerts(uuid, xid8, xid8) IS
    'Raises an alert when the searches for possible duplicates of one caller on one day have found the same child, outside '
    'the caseload of the caller, as often as the threshold, and again each time this number doubles.';

-- An entry can be committed after a later one. The search therefore covers transaction ids, up to the oldest one that is
-- still active: all smaller transaction ids are committed or rolled back. The log has no index by transaction id.
-- `since` bounds the ids of the events instead: a transaction that is not searched began after `since`, and its event
-- is at most 5 minutes older (see access.conclude()). Transaction ids begin again when a dump is restored into a new
-- cluster. The entries of the old cluster that are not searched then form a separate range without an end, because all
-- of them are committed.
CREATE FUNCTION access.raise_alerts() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off
AS $$
DECLARE
    scan public.access_log_scans;
    began_at timestamptz;
    oldest_active xid8;
    unassigned xid8;
    since uuid;
    first_xids xid8[];
    end_xids xid8[];
    raised bigint := 0;
BEGIN
    SELECT * INTO scan FROM public.access_log_scans WHERE name = 'alerts' FOR UPDATE;
    began_at := clock_timestamp();
    SELECT pg_snapshot_xmin(s), pg_snapshot_xmax(s) INTO oldest_active, unassigned FROM pg_current_snapshot() s;
    first_xids := ARRAY[scan.scanned_xid];
    end_xids := ARRAY[oldest_active];
    IF scan.unassigned_xid > unassigned THEN
        first_xids := ARRAY['0', scan.scanned_xid];
        end_xids := ARRAY[oldest_active, '18446744073709551615'];
        scan.unassigned_xid := '0';
    END IF;
    since := access.smallest_uuid7(scan.since - interval '10 minutes');
    FOR i IN 1 .. cardinality(first_xids) LOOP
        raised := raised + access.raise_account_alerts(since, first_xids[i], end_xids[i])
            + access.raise_reading_alerts(since, first_xids[i], end_xids[i])
            + access.raise_matching_alerts(since, first_xids[i], end_xids[i]);
    END LOOP;
    UPDATE public.access_log_scans s
       SET scanned_xid = oldest_active, unassigned_xid = unassigned, scanned_at = began_at,
           since = CASE WHEN scan.unassigned_xid <= oldest_active THEN scan.scanned_at ELSE scan.since END
     WHERE s.name = 'alerts';
    RETURN raised;
END
$$;
COMMENT ON FUNCTION access.raise_alerts() IS
    'Searches the entries of the access log that are new since the last call, raises alerts for the data protection '
    'officers, and returns how many. A second call waits for the first one, and raises no alert again. The thresholds '
    'are in alert_thresholds, which only the table owner can change.';

REVOKE ALL ON FUNCTION
    access.is_in_caseload(uuid, uuid, uuid[]), access.day_in_cambodia(timestamptz), access.smallest_event_of_day(date),
    access.raise_account_alerts(uuid, xid8, xid8),
    access.entries_to_scan(uuid, xid8, xid8), access.raise_reading_alerts(uuid, xid8, xid8),
    access.raise_matching_alerts(uuid, xid8, xid8), access.raise_alerts()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.raise_alerts() TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
