-- Write access events, record their outcome, and create the partitions of the access log.
--
-- firststep_api has no INSERT on access_events. It writes events only through these functions, which resolve the
-- caller from the session.

CREATE TYPE access.opened_access AS (
    event_id uuid, name text, roles text[], scopes text[], agency_id uuid, teams uuid[], supervised_team_ids uuid[]
);
COMMENT ON TYPE access.opened_access IS
    'The caller of a new access event, with current roles and teams. event_id is NULL if authentication failed.';

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- One function checks the session, reads the caller and writes the event, so that a request needs only one additional
-- round trip and one additional commit.
CREATE FUNCTION access.open(
    p_kind text, p_subject uuid, p_session uuid, p_token uuid, p_act text, p_request text, p_address inet
) RETURNS access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller access.opened_access;
    new_id uuid := uuidv7();
BEGIN
    IF p_kind = 'person' THEN
        SELECT new_id, u.name, u.roles, NULL, NULL,
               coalesce(array_agg(m.team_id) FILTER (WHERE m.team_id IS NOT NULL), '{}'),
               coalesce(array_agg(m.team_id) FILTER (WHERE m.is_supervisor), '{}')
          INTO caller
          FROM public.sessions s
          JOIN public.users u ON u.id = s.user_id
          LEFT JOIN public.team_members m ON m.user_id = u.id
         WHERE s.id = p_session AND s.user_id = p_subject AND s.revoked_at IS NULL
           AND s.ends_at > clock_timestamp() AND u.is_active
         GROUP BY u.id;
    ELSIF p_kind = 'client' THEN
        SELECT new_id, c.name,
               array_remove(ARRAY[CASE WHEN 'referrals' = ANY (c.scopes) THEN 'partner_system' END,
                                  CASE WHEN 'reports' = ANY (c.scopes) THEN 'reporting_script' END], NULL),
               c.scopes, c.agency_id, '{}', '{}'
          INTO caller
          FROM public.sessions s
          JOIN public.api_clients c ON c.id = s.client_id
          JOIN public.agencies a ON a.id = c.agency_id
         WHERE s.id = p_session AND s.client_id = p_subject AND s.revoked_at IS NULL
           AND s.ends_at > clock_timestamp() AND c.is_active AND a.is_active;
    END IF;

    INSERT INTO public.access_events
        (id, kind, actor_id, session_id, token_id, roles, agency_id, supervised_team_ids, act, request_id, address)
    VALUES
        (new_id, p_kind, p_subject, p_session, p_token, coalesce(caller.roles, '{}'), caller.agency_id,
         coalesce(caller.supervised_team_ids, '{}'), p_act, p_request, p_address);
    IF caller.event_id IS NULL AND p_kind <> 'anonymous' THEN
        INSERT INTO public.access_entries (event_id, outcome, status) VALUES (new_id, 'unauthenticated', 401);
    END IF;
    IF p_kind = 'anonymous' THEN
        caller.event_id := new_id;
    END IF;
    RETURN caller;
END
$$;
COMMENT ON FUNCTION access.open(text, uuid, uuid, uuid, text, text, inet) IS
    'Writes an access event: checks that the session is active and reads the roles, teams and agency of the caller. '
    'For an ended session, it writes an event with the outcome unauthenticated and returns no event id.';

-- Calendar programs cannot sign in, so the token in the URL authenticates them.
CREATE FUNCTION access.open_calendar_feed(
    p_digest bytea, p_request text, p_address inet, OUT opened access.opened_access, OUT feed public.calendar_feeds
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    new_id uuid := uuidv7();
BEGIN
    SELECT f.* INTO feed FROM public.calendar_feeds f WHERE f.token_digest = p_digest;
    SELECT new_id, u.name, u.roles, NULL, NULL,
           coalesce(array_agg(m.team_id) FILTER (WHERE m.team_id IS NOT NULL), '{}'),
           coalesce(array_agg(m.team_id) FILTER (WHERE m.is_supervisor), '{}')
      INTO opened
      FROM public.users u
      LEFT JOIN public.team_members m ON m.user_id = u.id
     WHERE u.id = feed.user_id AND feed.revoked_at IS NULL AND u.is_active
     GROUP BY u.id;
    INSERT INTO public.access_events (id, kind, actor_id, roles, supervised_team_ids, act, request_id, address)
    VALUES (new_id, CASE WHEN opened.event_id IS NULL THEN 'anonymous' ELSE 'person' END, feed.user_id,
            coalesce(opened.roles, '{}'), coalesce(opened.supervised_team_ids, '{}'), 'agenda.feed', p_request,
            p_address);
    IF opened.event_id IS NULL THEN
        INSERT INTO public.access_entries (event_id, outcome, status) VALUES (new_id, 'unauthenticated', 404);
    ELSE
        UPDATE public.calendar_feeds SET last_read_at = clock_timestamp() WHERE id = feed.id;
    END IF;
END
$$;
COMMENT ON FUNCTION access.open_calendar_feed(bytea, text, inet) IS
    'Writes an access event for the owner of a calendar feed, with the act agenda.feed. For an unknown or revoked '
    'token, it writes an anonymous event.';

CREATE FUNCTION access.open_as_custodian(p_act text, p_request text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.access_events (kind, roles, supervised_team_ids, act, request_id)
    VALUES ('system', '{custodian}', '{}', p_act, p_request) RETURNING id
$$;
COMMENT ON FUNCTION access.open_as_custodian(text, text) IS
    'Writes an access event with the role custodian, for the table owner when it runs key rotation on the command '
    'line. firststep_api cannot execute it.';

-- Without the limit of 5 minutes, SQL that runs as firststep_api could add entries to any older event.
CREATE FUNCTION access.record_outcome(
    p_event uuid, p_outcome text, p_status integer, p_kind text, p_record uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET enable_seqscan = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.access_events e
                    WHERE e.id = p_event AND e.opened_at > clock_timestamp() - interval '5 minutes') THEN
        RAISE EXCEPTION 'the access event does not exist or is older than 5 minutes'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.access_entries (event_id, outcome, status, record_kind, record_id)
    VALUES (p_event, p_outcome, p_status, p_kind, p_record);
END
$$;
COMMENT ON FUNCTION access.record_outcome(uuid, text, integer, text, uuid) IS
    'Records the outcome of an access event that is at most 5 minutes old, for a request whose own transaction was '
    'rolled back.';

REVOKE ALL ON FUNCTION
    access.open(text, uuid, uuid, uuid, text, text, inet), access.open_calendar_feed(bytea, text, inet),
    access.open_as_custodian(text, text), access.record_outcome(uuid, text, integer, text, uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.open(text, uuid, uuid, uuid, text, text, inet), access.record_outcome(uuid, text, integer, text, uuid)
    TO firststep_api, firststep_owner;
GRANT EXECUTE ON FUNCTION access.open_calendar_feed(bytea, text, inet) TO firststep_api;
GRANT EXECUTE ON FUNCTION access.open_as_custodian(text, text) TO firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

CREATE FUNCTION access.smallest_uuid7(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$ SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;
COMMENT ON FUNCTION access.smallest_uuid7(timestamptz) IS
    'Returns the smallest version 7 UUID of a moment. The partitions of the access log are ranges of these ids.';

CREATE FUNCTION access.create_partitions(p_months integer DEFAULT 18) RETURNS integer
LANGUAGE plpgsql SET search_path = '' SET client_min_messages = warning
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
            created := created + 1;
        END LOOP;
    END LOOP;
    RETURN created;
END
$$;
COMMENT ON FUNCTION access.create_partitions(integer) IS
    'Creates the missing partitions of the access log for this month and the next p_months months, and returns how '
    'many it created.';
