-- Create access events, write the entries of the access log, and create its partitions.
--
-- An open access event is a row of access_events, which stays, and a row of access_contexts, which is deleted when the
-- event is concluded. firststep_api has no INSERT on the tables of the log: only these functions write them. They resolve the
-- caller from the session.

CREATE TYPE access.opened_access AS (
    event_id uuid, secret uuid, name text, roles text[], scopes text[], agency_id uuid, team_ids uuid[],
    supervised_team_ids uuid[], case_ids uuid[]
);
COMMENT ON TYPE access.opened_access IS
    'The caller of a new access, with current roles and teams, and the cases that the caller is assigned to or has '
    'break-glass access to. event_id and secret are NULL if authentication failed.';

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- A commit with synchronous_commit off becomes visible before it is durable. After a crash, data could then have been
-- read without an event in the log.
CREATE FUNCTION access.require_durable_commit() RETURNS void LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        RAISE EXCEPTION 'the access log requires synchronous_commit' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;
COMMENT ON FUNCTION access.require_durable_commit() IS 'Raises an error if synchronous_commit is off in the session.';

CREATE FUNCTION access.resolve_user(p_user uuid) RETURNS access.opened_access
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT ROW (NULL, NULL, u.name,
                CASE WHEN u.activation_digest IS NULL THEN u.roles
                     ELSE ARRAY (SELECT r.role FROM unnest(u.roles) AS r (role)
                                  WHERE r.role <> ALL (access.confirmed_roles())) END,
                NULL, NULL,
                ARRAY (SELECT m.team_id FROM public.team_members m WHERE m.user_id = u.id),
                ARRAY (SELECT m.team_id FROM public.team_members m WHERE m.user_id = u.id AND m.is_supervisor),
                NULL)::access.opened_access
      FROM public.users u
     WHERE u.id = p_user AND u.is_active
$$;
COMMENT ON FUNCTION access.resolve_user(uuid) IS
    'Returns the current name, effective roles and teams of an active user, or NULL. Until the user enters the activation '
    'code, roles that need a confirmation have no effect.';

CREATE FUNCTION access.resolve_session(p_kind text, p_subject uuid, p_session uuid) RETURNS access.opened_access
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE p_kind
        WHEN 'person' THEN access.resolve_user(s.user_id)
        WHEN 'client' THEN (
            SELECT ROW (NULL, NULL, c.name,
                        array_remove(ARRAY[CASE WHEN 'referrals' = ANY (c.scopes) THEN 'partner_system' END,
                                           CASE WHEN 'reports' = ANY (c.scopes) THEN 'reporting_script' END], NULL),
                        c.scopes, c.agency_id, '{}', '{}', NULL)::access.opened_access
              FROM public.api_clients c
              JOIN public.agencies a ON a.id = c.agency_id
             WHERE c.id = s.client_id AND c.is_active AND a.is_active)
        END
      FROM public.sessions s
     WHERE s.id = p_session AND p_subject = CASE p_kind WHEN 'person' THEN s.user_id ELSE s.client_id END
       AND s.revoked_at IS NULL AND s.ends_at > clock_timestamp()
$$;
COMMENT ON FUNCTION access.resolve_session(text, uuid, uuid) IS
    'Returns the caller that a session belongs to, or NULL if the session has ended, belongs to another subject, or its '
    'user, API client or agency is not active.';

CREATE FUNCTION access.write_event(
    p_caller access.opened_access, p_kind text, p_subject uuid, p_session uuid, p_token uuid, p_act text,
    p_request text, p_address inet, p_correlation text
) RETURNS access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    roles constant text[] := coalesce(p_caller.roles, '{}');
    worker constant uuid := CASE WHEN p_kind = 'person' AND roles && '{social_worker,supervisor}' THEN p_subject END;
    teams constant uuid[] := CASE WHEN 'supervisor' = ANY (roles) THEN p_caller.supervised_team_ids ELSE '{}' END;
    can_read_all constant boolean := roles && '{programme_manager,custodian}';
    scope constant access.case_scope := access.compute_case_scope(worker, teams, can_read_all);
BEGIN
    p_caller.event_id := uuidv7();
    p_caller.secret := gen_random_uuid();
    p_caller.case_ids := scope.assigned_case_ids || scope.break_glass_case_ids;
    INSERT INTO public.access_events
        (id, kind, actor_id, session_id, token_id, roles, agency_id, supervised_team_ids, act, request_id, address,
         correlation_id)
    VALUES
        (p_caller.event_id, p_kind, p_subject, p_session, p_token, roles, p_caller.agency_id,
         coalesce(p_caller.supervised_team_ids, '{}'), p_act, p_request, p_address, p_correlation);
    INSERT INTO public.access_contexts
        (event_id, secret_digest, act, caller_id, is_staff, worker_id, can_read_all_cases, can_read_access_log,
         can_report_all_teams, is_finance_officer, is_custodian, is_command_line, partner_agency_id, supervised_team_ids,
         assigned_case_ids, break_glass_case_ids, conflict_wall_case_ids)
    VALUES
        (p_caller.event_id, sha256(uuid_send(p_caller.secret)), p_act,
         CASE WHEN p_kind <> 'anonymous' THEN p_subject END,
         roles && '{social_worker,supervisor,programme_manager,custodian}', worker, can_read_all,
         roles && '{data_protection_officer,custodian}',
         roles && '{programme_manager,me_officer,finance_officer,data_protection_officer}', 'finance_officer' = ANY (roles), 'custodian' = ANY (roles),
         'command_line' = ANY (roles),
         CASE WHEN 'partner_system' = ANY (roles) THEN p_caller.agency_id END, teams, scope.assigned_case_ids,
         scope.break_glass_case_ids, scope.conflict_wall_case_ids);
    RETURN p_caller;
END
$$;
COMMENT ON FUNCTION access.write_event(access.opened_access, text, uuid, uuid, uuid, text, text, inet, text) IS
    'Writes the event and the context of an access, and returns the caller with event id and secret.';

CREATE FUNCTION access.write_unauthenticated_event(
    p_kind text, p_subject uuid, p_session uuid, p_token uuid, p_act text, p_request text, p_address inet,
    p_correlation text, p_status integer
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    WITH event AS (
        INSERT INTO public.access_events
            (kind, actor_id, session_id, token_id, roles, supervised_team_ids, act, request_id, address, correlation_id)
        VALUES (p_kind, p_subject, p_session, p_token, '{}', '{}', p_act, p_request, p_address, p_correlation)
        RETURNING id
    )
    INSERT INTO public.access_entries (event_id, n, outcome, status) SELECT id, 1, 'unauthenticated', p_status FROM event
$$;
COMMENT ON FUNCTION access.write_unauthenticated_event(text, uuid, uuid, uuid, text, text, inet, text, integer) IS
    'Writes an event with the outcome unauthenticated, for a session that has ended or a calendar feed that is unknown.';

-- One function checks the session, reads the caller and writes the event, so that a request needs only one additional
-- round trip. It takes several requests, because requests that arrive together share one commit.
CREATE FUNCTION access.open(
    p_kinds text[], p_subjects uuid[], p_sessions uuid[], p_tokens uuid[], p_acts text[], p_requests text[],
    p_addresses inet[], p_correlations text[]
) RETURNS SETOF access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $$
DECLARE
    caller access.opened_access;
BEGIN
    PERFORM access.require_durable_commit();
    FOR i IN 1 .. cardinality(p_kinds) LOOP
        caller := access.resolve_session(p_kinds[i], p_subjects[i], p_sessions[i]);
        IF caller.name IS NULL AND p_kinds[i] <> 'anonymous' THEN
            PERFORM access.write_unauthenticated_event(
                p_kinds[i], p_subjects[i], p_sessions[i], p_tokens[i], p_acts[i], p_requests[i], p_addresses[i],
                p_correlations[i], 401);
        ELSE
            caller := access.write_event(
                caller, p_kinds[i], p_subjects[i], p_sessions[i], p_tokens[i], p_acts[i], p_requests[i],
                p_addresses[i], p_correlations[i]);
        END IF;
        RETURN NEXT caller;
    END LOOP;
END
$$;
COMMENT ON FUNCTION access.open(text[], uuid[], uuid[], uuid[], text[], text[], inet[], text[]) IS
    'Opens one access per element of the arrays: checks that the session is active, reads the roles, teams and agency '
    'of the caller, and writes the event and the context. For an ended session, it writes an event with the outcome '
    'unauthenticated and returns no event id. The rows have the order of the arrays.';

-- Calendar programs cannot sign in, so the token in the URL authenticates them.
CREATE FUNCTION access.open_calendar_feed(
    p_digest bytea, p_request text, p_address inet, p_correlation text, OUT opened access.opened_access, OUT feed public.calendar_feeds
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM access.require_durable_commit();
    SELECT f.* INTO feed FROM public.calendar_feeds f WHERE f.token_digest = p_digest;
    opened := access.resolve_user(CASE WHEN feed.revoked_at IS NULL THEN feed.user_id END);
    IF opened.name IS NULL THEN
        PERFORM access.write_unauthenticated_event(
            'anonymous', feed.user_id, NULL, NULL, 'agenda.feed', p_request, p_address, p_correlation, 404);
    ELSE
        opened := access.write_event(opened, 'person', feed.user_id, NULL, NULL, 'agenda.feed', p_request, p_address, p_correlation);
        UPDATE public.calendar_feeds SET last_read_at = clock_timestamp() WHERE id = feed.id;
    END IF;
END
$$;
COMMENT ON FUNCTION access.open_calendar_feed(bytea, text, inet, text) IS
    'Opens an access for the owner of a calendar feed, with the act agenda.feed. For an unknown or revoked token, it '
    'writes an anonymous event with the outcome unauthenticated.';

CREATE FUNCTION access.open_as_custodian(p_act text, p_request text) RETURNS access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    custodian access.opened_access;
BEGIN
    PERFORM access.require_durable_commit();
    custodian.roles := '{custodian}';
    custodian.supervised_team_ids := '{}';
    RETURN access.write_event(custodian, 'system', NULL, NULL, NULL, p_act, p_request, NULL, NULL);
END
$$;
COMMENT ON FUNCTION access.open_as_custodian(text, text) IS
    'Opens an access with the role custodian, for key rotations and rebuilds of the search tokens by the table owner. '
    'firststep_api cannot execute it.';

CREATE FUNCTION access.open_as_command_line(p_act text, p_request text) RETURNS access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    command_line access.opened_access;
BEGIN
    PERFORM access.require_durable_commit();
    command_line.roles := '{command_line}';
    RETURN access.write_event(command_line, 'system', NULL, NULL, NULL, p_act, p_request, NULL, NULL);
END
$$;
COMMENT ON FUNCTION access.open_as_command_line(text, text) IS
    'Opens an access with the role command_line, for commands of an operator that read or change accounts. The access '
    'shows no data of children. firststep_api cannot execute it.';

CREATE FUNCTION access.refresh_context() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE public.access_contexts c
       SET (assigned_case_ids, break_glass_case_ids, conflict_wall_case_ids) = (
               SELECT s.assigned_case_ids, s.break_glass_case_ids, s.conflict_wall_case_ids
                 FROM access.compute_case_scope(c.worker_id, c.supervised_team_ids, c.can_read_all_cases) s)
     WHERE c.event_id = (SELECT x.event_id FROM access.context() x)
$$;
COMMENT ON FUNCTION access.refresh_context() IS
    'Recomputes the case scope of the current access, after an act that changes the scope of the caller, or after a '
    'wait for a lock. Roles and supervised teams stay as they were when the access was opened.';

-- The entries name their access by its position in p_events. n counts the entries of one event. Deleting the context
-- closes the access: later transactions can neither read nor add entries with it. A REPEATABLE READ transaction that began
-- before still sees the context in its snapshot, and can read with it until the access is 60 seconds old.
CREATE FUNCTION access.conclude(
    p_events uuid[], p_secrets uuid[], p_outcomes text[], p_statuses integer[],
    p_positions integer[], p_ns integer[], p_children uuid[], p_cases uuid[], p_kinds text[], p_records uuid[],
    p_changes jsonb[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $$
DECLARE
    concluded bigint;
BEGIN
    PERFORM access.require_durable_commit();
    -- A locked row counts as not open, so that only its access fails and the other accesses of the batch do not wait.
    DELETE FROM public.access_contexts
     WHERE event_id IN (
        SELECT c.event_id
          FROM public.access_contexts c JOIN unnest(p_events, p_secrets) AS a (event_id, secret) USING (event_id)
         WHERE c.secret_digest = sha256(uuid_send(a.secret))
           AND c.opened_at > clock_timestamp() - interval '5 minutes'
           FOR UPDATE OF c SKIP LOCKED);
    GET DIAGNOSTICS concluded = ROW_COUNT;
    IF concluded <> cardinality(p_events) THEN
        RAISE EXCEPTION 'the access is not open' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    INSERT INTO public.access_entries
        (event_id, n, child_id, case_id, record_kind, record_id, outcome, status, changes)
    SELECT p_events[r.position], r.n, r.child_id, r.case_id, r.kind, r.record_id, p_outcomes[r.position],
           p_statuses[r.position], r.changes
      FROM unnest(p_positions, p_ns, p_children, p_cases, p_kinds, p_records, p_changes)
        AS r (position, n, child_id, case_id, kind, record_id, changes);
END
$$;
COMMENT ON FUNCTION access.conclude(
    uuid[], uuid[], text[], integer[], integer[], integer[], uuid[], uuid[], text[], uuid[], jsonb[]
) IS
    'Writes the entries and the outcome of one or more accesses that are at most 5 minutes old, and closes them. Raises '
    'an error if one of them is unknown or concluded, or if its secret does not match.';

REVOKE ALL ON FUNCTION
    access.require_durable_commit(), access.resolve_user(uuid), access.resolve_session(text, uuid, uuid),
    access.write_event(access.opened_access, text, uuid, uuid, uuid, text, text, inet, text),
    access.write_unauthenticated_event(text, uuid, uuid, uuid, text, text, inet, text, integer),
    access.open(text[], uuid[], uuid[], uuid[], text[], text[], inet[], text[]),
    access.open_calendar_feed(bytea, text, inet, text), access.open_as_custodian(text, text),
    access.open_as_command_line(text, text), access.refresh_context(),
    access.conclude(uuid[], uuid[], text[], integer[], integer[], integer[], uuid[], uuid[], text[], uuid[], jsonb[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.open(text[], uuid[], uuid[], uuid[], text[], text[], inet[], text[]), access.refresh_context(),
    access.conclude(uuid[], uuid[], text[], integer[], integer[], integer[], uuid[], uuid[], text[], uuid[], jsonb[])
    TO firststep_api, firststep_owner;
GRANT EXECUTE ON FUNCTION access.open_calendar_feed(bytea, text, inet, text) TO firststep_api;
GRANT EXECUTE ON FUNCTION access.open_as_custodian(text, text), access.open_as_command_line(text, text)
    TO firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

-- Statements of firststep_api that read a case under its lock call this function. It runs with the privileges of the
-- caller, so that the row policies apply.
CREATE FUNCTION access.recheck_case(p_case uuid) RETURNS boolean LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM access.refresh_context();
    RETURN EXISTS (SELECT FROM public.cases c WHERE c.id = p_case);
END
$$;
COMMENT ON FUNCTION access.recheck_case(uuid) IS
    'Refreshes the context of the current access and returns whether the caller can still read a case. Called while '
    'the case is locked, because another person may have transferred or linked it since the access was opened.';
GRANT EXECUTE ON FUNCTION access.recheck_case(uuid) TO firststep_api;

CREATE FUNCTION access.smallest_uuid7(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$ SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;
COMMENT ON FUNCTION access.smallest_uuid7(timestamptz) IS
    'Returns the smallest version 7 UUID of a moment. The partitions of the access log are ranges of these ids.';
GRANT EXECUTE ON FUNCTION access.smallest_uuid7(timestamptz) TO firststep_api, firststep_gate;

CREATE FUNCTION access.create_partitions(p_months integer DEFAULT 18) RETURNS integer
LANGUAGE plpgsql SET search_path = '' SET client_min_messages = warning SET lock_timeout = '5s'
AS $$
DECLARE
    parent text;
    month timestamptz;
    partition text;
    created integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['access_events', 'access_entries'] LOOP
        FOR i IN 0..p_months LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => i);
            partition := format('%s_%s', parent, to_char(month AT TIME ZONE 'UTC', 'YYYY_MM'));
            CONTINUE WHEN to_regclass('public.' || partition) IS NOT NULL;
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                           partition, parent, access.smallest_uuid7(month),
                           access.smallest_uuid7(month + interval '1 month'));
            EXECUTE format('CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON public.%I
                            EXECUTE FUNCTION access.prevent_change()', partition);
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
            IF parent = 'access_entries' THEN  -- see tables/access_entries.sql
                EXECUTE format('ALTER TABLE public.%I ALTER COLUMN child_id SET (n_distinct = 100),
                                ALTER COLUMN case_id SET (n_distinct = 2),
                                ALTER COLUMN record_id SET (n_distinct = 2)', partition);
            END IF;
            created := created + 1;
        END LOOP;
    END LOOP;
    RETURN created;
END
$$;
COMMENT ON FUNCTION access.create_partitions(integer) IS
    'Creates the missing partitions of the access log for this month and the next p_months months, and returns how '
    'many it created. Waits at most 5 seconds for a lock, because requests wait behind it.';
