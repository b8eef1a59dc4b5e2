-- Nothing about a child in these tables: the API reads and writes them as its permissions say.

ALTER TABLE calendar_feeds ADD CONSTRAINT ck_calendar_feeds_language CHECK (language IN ('en', 'km'));

GRANT SELECT, INSERT, UPDATE ON instruments, providers, calendar_feeds TO firststep_api;

-- A calendar fetches its feed without a session: the token opens an access for its owner, as they are today, for this one
-- act, and leaves an event like any other. A token that is not known, or was revoked, leaves an event of nobody's.
GRANT SELECT, UPDATE (last_read_at) ON calendar_feeds TO firststep_gate;
GRANT CREATE ON SCHEMA access TO firststep_gate;
CREATE FUNCTION access.open_feed(
    p_digest bytea, p_request text, p_address inet, OUT opened access.opened, OUT feed public.calendar_feeds
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    opened_id uuid := uuidv7();
BEGIN
    SELECT f.* INTO feed FROM public.calendar_feeds f WHERE f.token_digest = p_digest;
    SELECT opened_id, u.name, u.roles, NULL, NULL,
           coalesce(array_agg(m.team_id) FILTER (WHERE m.team_id IS NOT NULL), '{}'),
           coalesce(array_agg(m.team_id) FILTER (WHERE m.is_supervisor), '{}')
      INTO opened
      FROM public.users u
      LEFT JOIN public.team_members m ON m.user_id = u.id
     WHERE u.id = feed.user_id AND feed.revoked_at IS NULL AND u.is_active
     GROUP BY u.id;
    INSERT INTO public.access_events (id, kind, actor_id, roles, supervises, act, request_id, address)
    VALUES (opened_id, CASE WHEN opened.event_id IS NULL THEN 'anonymous' ELSE 'person' END, feed.user_id,
            coalesce(opened.roles, '{}'), coalesce(opened.supervises, '{}'), 'agenda.feed', p_request, p_address);
    IF opened.event_id IS NULL THEN
        INSERT INTO public.access_entries (event_id, outcome, status) VALUES (opened_id, 'unauthenticated', 404);
    ELSE
        UPDATE public.calendar_feeds SET last_read_at = clock_timestamp() WHERE id = feed.id;
    END IF;
END
$$;
ALTER FUNCTION access.open_feed(bytea, text, inet) OWNER TO firststep_gate;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
SET LOCAL ROLE firststep_gate;
REVOKE ALL ON FUNCTION access.open_feed(bytea, text, inet) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.open_feed(bytea, text, inet) TO firststep_api;
RESET ROLE;
