-- Who is asking: the only source is an event that an earlier, committed transaction wrote less than
-- 60 seconds ago. Settings can be forged by anybody with SQL; committed rows of the log cannot.
--
-- `SET enable_seqscan = off` makes the look-up's plan certain: a plan made while the log was young would
-- otherwise keep scanning it in every pooled connection. The id carries its time, so partitions are pruned.

CREATE SCHEMA access;
GRANT USAGE ON SCHEMA access TO firststep_api, firststep_gate;
GRANT CREATE ON SCHEMA access TO firststep_gate;
GRANT USAGE ON SCHEMA public TO firststep_api, firststep_gate, firststep_reports;

GRANT SELECT, INSERT ON access_events, access_entries TO firststep_gate;
GRANT SELECT (id, user_id, client_id, revoked_at, ends_at) ON sessions TO firststep_gate;
GRANT SELECT (id, name, roles, is_active) ON users TO firststep_gate;
GRANT SELECT ON team_members, teams TO firststep_gate;
GRANT SELECT (id, agency_id, name, scopes, is_active) ON api_clients TO firststep_gate;
GRANT SELECT (id, is_active) ON agencies TO firststep_gate;
GRANT SELECT (id, child_id, team_id, lead_worker_id, status) ON cases TO firststep_gate;
GRANT SELECT ON case_workers, case_links, name_tokens TO firststep_gate;
GRANT SELECT (case_id, user_id, expires_at) ON break_glass TO firststep_gate;
GRANT SELECT ON children TO firststep_gate;
GRANT SELECT ON referrals, people TO firststep_gate;

CREATE FUNCTION access.event() RETURNS public.access_events
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off
AS $$
    SELECT e
      FROM public.access_events e
     WHERE e.id = nullif(current_setting('firststep.access', true), '')::uuid
       AND e.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
       AND e.opened_at > clock_timestamp() - interval '60 seconds'
$$;

CREATE FUNCTION access.actor_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT (e.event).actor_id FROM (SELECT access.event() AS event) e $$;

CREATE FUNCTION access.is_staff() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce((e.event).kind IN ('person', 'system')
           AND (e.event).roles && ARRAY['social_worker', 'supervisor', 'programme_manager', 'custodian'], false)
      FROM (SELECT access.event() AS event) e
$$;

CREATE FUNCTION access.worker_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN (e.event).kind = 'person' AND (e.event).roles && ARRAY['social_worker', 'supervisor']
                THEN (e.event).actor_id END
      FROM (SELECT access.event() AS event) e
$$;

CREATE FUNCTION access.supervised_teams() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN (e.event).roles && ARRAY['supervisor'] THEN (e.event).supervises ELSE '{}' END
      FROM (SELECT access.event() AS event) e
$$;

CREATE FUNCTION access.supervised_people() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(m.user_id), '{}')
      FROM public.team_members m
     WHERE m.team_id = ANY (access.supervised_teams())
$$;

CREATE FUNCTION access.sees_every_case() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce((e.event).roles && ARRAY['programme_manager', 'custodian'], false)
      FROM (SELECT access.event() AS event) e
$$;

CREATE FUNCTION access.reads_the_log() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce((e.event).roles && ARRAY['data_protection_officer', 'custodian'], false)
      FROM (SELECT access.event() AS event) e
$$;

CREATE FUNCTION access.partner_agency() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN (e.event).kind = 'client' AND (e.event).roles && ARRAY['partner_system']
                THEN (e.event).agency_id END
      FROM (SELECT access.event() AS event) e
$$;

-- What the actor sees as a worker beside the cases led: co-work, and cases opened by breaking the glass.
CREATE FUNCTION access.worked_cases() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH worker AS MATERIALIZED (SELECT access.worker_id() AS id)
    SELECT coalesce(array_agg(c.case_id), '{}')
      FROM (SELECT w.case_id FROM public.case_workers w WHERE w.user_id = (SELECT id FROM worker)
             UNION ALL
            SELECT b.case_id FROM public.break_glass b
             WHERE b.user_id = (SELECT id FROM worker) AND b.expires_at > clock_timestamp()) c
$$;

-- The linked-case wall: who works on one case never sees the other, but for a supervisor of both.
-- From the links outwards: they are few, and most people have none.
CREATE FUNCTION access.walled_cases() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH worker AS MATERIALIZED (SELECT access.worker_id() AS id, access.supervised_teams() AS teams)
    SELECT coalesce(array_agg(far.id), '{}')
      FROM worker
      JOIN (SELECT case_id AS near, linked_case_id AS far FROM public.case_links
             UNION ALL
            SELECT linked_case_id, case_id FROM public.case_links) l ON worker.id IS NOT NULL
      JOIN public.cases near ON near.id = l.near
      JOIN public.cases far ON far.id = l.far
     WHERE (near.lead_worker_id = worker.id
            OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = near.id AND w.user_id = worker.id))
       AND NOT (near.team_id = ANY (worker.teams) AND far.team_id = ANY (worker.teams))
$$;

-- Whether two cases are linked, for the one rule that must know it unseen: nobody is assigned to both sides.
CREATE FUNCTION access.wall_stands(p_case uuid, p_workers uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT linked_case_id AS far FROM public.case_links WHERE case_id = p_case
                      UNION ALL
                     SELECT case_id FROM public.case_links WHERE linked_case_id = p_case) l
          JOIN public.cases c ON c.id = l.far
         WHERE c.lead_worker_id = ANY (p_workers)
            OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = ANY (p_workers)))
       AND access.is_staff()
$$;

-- Candidates for a duplicate, beyond what the actor may open: sealed as they are, only for acts that ask, and never
-- from behind a wall: brothers and sisters look alike.
CREATE FUNCTION access.possible_duplicates(p_tokens integer[])
RETURNS TABLE (kind text, id uuid, child_id uuid, shared bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT t.kind, t.owner_id, max(t.child_id::text)::uuid, count(*)
      FROM public.name_tokens t
     WHERE t.token = ANY (p_tokens)
       AND (SELECT (access.event()).act) IN ('referral.match', 'referral.accept')
       AND (SELECT access.is_staff())
       AND NOT EXISTS (SELECT FROM public.cases c
                        WHERE c.child_id = t.child_id AND c.id = ANY ((SELECT access.walled_cases())::uuid[]))
     GROUP BY t.kind, t.owner_id
     ORDER BY count(*) DESC, t.owner_id
     LIMIT 200
$$;

CREATE FUNCTION access.duplicate_profiles(p_children uuid[], p_referrals uuid[])
RETURNS TABLE (kind text, id uuid, child_id uuid, sex text, sealed bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT f.* FROM (
        SELECT 'child', c.id, c.id, c.sex, c.sealed FROM public.children c WHERE c.id = ANY (p_children)
         UNION ALL
        SELECT 'referral', r.id, r.child_id, NULL, r.sealed FROM public.referrals r WHERE r.id = ANY (p_referrals)
         UNION ALL
        SELECT 'person', p.id, p.child_id, NULL, p.sealed FROM public.people p
         WHERE p.child_id = ANY (p_children) AND p.role IN ('supporter', 'family')
    ) AS f
     WHERE (SELECT (access.event()).act) IN ('referral.match', 'referral.accept')
       AND (SELECT access.is_staff())
$$;

-- Whether a child has a case that is not closed, seen or not: nobody gets two at once.
CREATE FUNCTION access.has_open_case(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c WHERE c.child_id = p_child AND c.status <> 'closed')
       AND (SELECT (access.event()).act) IN ('referral.accept', 'case.reopen')
$$;

CREATE TYPE access.opened AS (
    event_id uuid, name text, roles text[], scopes text[], agency_id uuid, teams uuid[], supervises uuid[]
);

-- One round trip: is the session alive, who is it today, and the event, committed on its own.
-- A dead session leaves an event and an entry 'unauthenticated', and gets no event id.
CREATE FUNCTION access.open(
    p_kind text, p_subject uuid, p_session uuid, p_token uuid, p_act text, p_request text, p_address inet
) RETURNS access.opened
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    found access.opened;
    opened_id uuid := uuidv7();
BEGIN
    IF p_kind = 'person' THEN
        SELECT opened_id, u.name, u.roles, NULL, NULL,
               coalesce(array_agg(m.team_id) FILTER (WHERE m.team_id IS NOT NULL), '{}'),
               coalesce(array_agg(m.team_id) FILTER (WHERE m.is_supervisor), '{}')
          INTO found
          FROM public.sessions s
          JOIN public.users u ON u.id = s.user_id
          LEFT JOIN public.team_members m ON m.user_id = u.id
         WHERE s.id = p_session AND s.user_id = p_subject AND s.revoked_at IS NULL
           AND s.ends_at > clock_timestamp() AND u.is_active
         GROUP BY u.id;
    ELSIF p_kind = 'client' THEN
        SELECT opened_id, c.name,
               array_remove(ARRAY[CASE WHEN 'referrals' = ANY (c.scopes) THEN 'partner_system' END,
                                  CASE WHEN 'reports' = ANY (c.scopes) THEN 'reporting_script' END], NULL),
               c.scopes, c.agency_id, '{}', '{}'
          INTO found
          FROM public.sessions s
          JOIN public.api_clients c ON c.id = s.client_id
          JOIN public.agencies a ON a.id = c.agency_id
         WHERE s.id = p_session AND s.client_id = p_subject AND s.revoked_at IS NULL
           AND s.ends_at > clock_timestamp() AND c.is_active AND a.is_active;
    END IF;

    INSERT INTO public.access_events
        (id, kind, actor_id, session_id, token_id, roles, agency_id, supervises, act, request_id, address)
    VALUES
        (opened_id, p_kind, p_subject, p_session, p_token, coalesce(found.roles, '{}'), found.agency_id,
         coalesce(found.supervises, '{}'), p_act, p_request, p_address);
    IF found.event_id IS NULL AND p_kind <> 'anonymous' THEN
        INSERT INTO public.access_entries (event_id, outcome, status) VALUES (opened_id, 'unauthenticated', 401);
    END IF;
    IF p_kind = 'anonymous' THEN
        found.event_id := opened_id;
    END IF;
    RETURN found;
END
$$;

-- Work that no person asks for (re-encryption): run by the owner, on the command line, and logged like any other.
CREATE FUNCTION access.open_as_custodian(p_act text, p_request text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.access_events (kind, roles, supervises, act, request_id)
    VALUES ('system', '{custodian}', '{}', p_act, p_request) RETURNING id
$$;

-- The last fact of an event whose own transaction is gone: it was refused, or failed.
CREATE FUNCTION access.conclude(p_event uuid, p_outcome text, p_status integer, p_kind text, p_record uuid)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.access_entries (event_id, outcome, status, record_kind, record_id)
    VALUES (p_event, p_outcome, p_status, p_kind, p_record)
$$;

-- The gate hands out its functions itself: the owner of the tables inherits nothing from it.
DO $$
DECLARE
    f regprocedure;
    mine regprocedure[] := ARRAY(SELECT p.oid::regprocedure FROM pg_proc p
                                  WHERE p.pronamespace = 'access'::regnamespace);
BEGIN
    FOREACH f IN ARRAY mine LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO firststep_gate', f);
    END LOOP;
    SET LOCAL ROLE firststep_gate;
    FOREACH f IN ARRAY mine LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO firststep_api, firststep_owner', f);
    END LOOP;
    REVOKE EXECUTE ON FUNCTION access.open_as_custodian(text, text) FROM firststep_api;
    RESET ROLE;
END
$$;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
GRANT USAGE ON SCHEMA access TO firststep_owner;
