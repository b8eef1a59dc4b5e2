-- Functions of the program `limit`. They belong to firststep_gate, a role without login, and only they write access
-- events and contexts.

SET search_path = bench;
GRANT SELECT ON sessions, users, team_members, agencies, api_clients, cases, case_workers, case_links, break_glass
    TO firststep_gate;
GRANT SELECT, INSERT ON access_events, access_entries TO firststep_gate;
GRANT SELECT, INSERT, DELETE ON contexts TO firststep_gate;
SET ROLE firststep_gate;

CREATE FUNCTION context() RETURNS SETOF contexts
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET enable_seqscan = off
BEGIN ATOMIC
    SELECT *
      FROM contexts
     WHERE event_id = nullif(current_setting('bench.event', true), '')::uuid
       AND secret_digest = sha256(current_setting('bench.secret', true)::bytea)
       AND xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
       AND opened_at > clock_timestamp() - interval '60 seconds'
       AND current_setting('synchronous_commit') = 'on';
END;
COMMENT ON FUNCTION context() IS
    'Returns the context of the current transaction: of the event whose id and secret are set, if an earlier '
    'transaction committed it less than 60 seconds ago.';

CREATE VIEW linked_children AS
    SELECT child_id, linked_child_id AS other_child_id FROM case_links
     UNION ALL
    SELECT linked_child_id, child_id FROM case_links;

CREATE FUNCTION find_walled_case_ids(p_worker uuid, p_teams uuid[], p_sees_all boolean) RETURNS uuid[]
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH worked AS (
        SELECT child_id, team_id FROM cases WHERE lead_worker_id = p_worker
         UNION ALL
        SELECT c.child_id, c.team_id FROM case_workers w JOIN cases c ON c.id = w.case_id WHERE w.user_id = p_worker
    ), opened AS (
        SELECT c.id, c.child_id, c.team_id, c.lead_worker_id
          FROM break_glass b JOIN cases c ON c.id = b.case_id
         WHERE b.user_id = p_worker AND b.expires_at > clock_timestamp()
    ), walled AS (
        SELECT other.id
          FROM worked own
          JOIN linked_children link ON link.child_id = own.child_id
          JOIN cases other ON other.child_id = link.other_child_id
         WHERE NOT (own.team_id = ANY (p_teams) AND other.team_id = ANY (p_teams))
         UNION
        SELECT other.id
          FROM opened other
          JOIN linked_children link ON link.child_id = other.child_id
          JOIN cases own ON own.child_id = link.other_child_id
         WHERE (own.team_id = ANY (p_teams) OR own.id IN (SELECT id FROM opened))
           AND NOT (p_sees_all OR other.team_id = ANY (p_teams) OR other.lead_worker_id = p_worker
                    OR EXISTS (SELECT FROM case_workers w WHERE w.case_id = other.id AND w.user_id = p_worker))
    )
    SELECT coalesce(array_agg(id), '{}') FROM walled;
END;
COMMENT ON FUNCTION find_walled_case_ids(uuid, uuid[], boolean) IS
    'Returns the cases that the conflict wall hides: cases of children linked with a child the caller works with, '
    'unless the caller supervises both teams; and cases opened by break-glass, if their child is linked with a child '
    'whose case the caller supervises or also opened.';

-- Only the callers with a linked child need find_walled_case_ids(), so the statement tests the links of their children
-- first.
CREATE FUNCTION open_access(
    p_kinds text[], p_subjects uuid[], p_sessions uuid[], p_tokens uuid[], p_acts text[], p_requests text[]
) RETURNS TABLE (event_id uuid, secret text, roles text[], agency_id uuid)
LANGUAGE sql SECURITY DEFINER SET plan_cache_mode = force_generic_plan
BEGIN ATOMIC
    WITH caller AS MATERIALIZED (
        SELECT p.n, p.kind, p.subject, p.session, p.token, p.act, p.request, uuidv7() AS event_id,
               gen_random_uuid()::text AS secret, coalesce(person.roles, client.roles) AS roles, client.agency_id,
               CASE WHEN person.roles && ARRAY['social_worker', 'supervisor'] THEN p.subject END AS worker_id,
               coalesce(person.team_ids, '{}') AS team_ids,
               coalesce('programme_manager' = ANY (person.roles), false) AS sees_all
          FROM unnest(p_kinds, p_subjects, p_sessions, p_tokens, p_acts, p_requests) WITH ORDINALITY
               AS p (kind, subject, session, token, act, request, n)
          LEFT JOIN LATERAL (
              SELECT u.roles,
                     ARRAY(SELECT m.team_id FROM team_members m
                            WHERE m.user_id = u.id AND m.is_supervisor AND 'supervisor' = ANY (u.roles)) AS team_ids
                FROM sessions s JOIN users u ON u.id = s.user_id
               WHERE s.id = p.session AND s.user_id = p.subject AND s.revoked_at IS NULL
                 AND s.ends_at > clock_timestamp() AND u.is_active
          ) person ON p.kind = 'person'
          LEFT JOIN LATERAL (
              SELECT array_remove(ARRAY[CASE WHEN 'referrals' = ANY (c.scopes) THEN 'partner_system' END,
                                        CASE WHEN 'reports' = ANY (c.scopes) THEN 'reporting_script' END],
                                  NULL) AS roles, c.agency_id
                FROM sessions s JOIN api_clients c ON c.id = s.client_id JOIN agencies a ON a.id = c.agency_id
               WHERE s.id = p.session AND s.client_id = p.subject AND s.revoked_at IS NULL
                 AND s.ends_at > clock_timestamp() AND c.is_active AND a.is_active
          ) client ON p.kind = 'client'
    ), event AS (
        INSERT INTO access_events (id, kind, actor_id, session_id, token_id, roles, agency_id, supervised_team_ids, act,
                                   request_id, address)
        SELECT event_id, kind, subject, session, token, coalesce(roles, '{}'), agency_id, team_ids, act, request,
               '127.0.0.1'
          FROM caller
    ), context AS (
        INSERT INTO contexts (event_id, secret_digest, caller_id, agency_id, worker_id, team_ids, sees_all, case_ids,
                              walled_case_ids)
        SELECT event_id, sha256(secret::bytea), CASE WHEN roles IS NOT NULL THEN subject END,
               CASE WHEN 'partner_system' = ANY (roles) THEN agency_id END, worker_id, team_ids, sees_all,
               ARRAY(SELECT w.case_id FROM case_workers w WHERE w.user_id = worker_id
                      UNION ALL
                     SELECT b.case_id FROM break_glass b
                      WHERE b.user_id = worker_id AND b.expires_at > clock_timestamp()),
               CASE WHEN EXISTS (SELECT FROM linked_children link WHERE link.child_id = ANY (own.child_ids))
                    THEN find_walled_case_ids(worker_id, team_ids, sees_all) ELSE '{}' END
          FROM caller
          CROSS JOIN LATERAL (
              SELECT ARRAY(SELECT c.child_id FROM cases c WHERE c.lead_worker_id = worker_id
                            UNION ALL
                           SELECT w.child_id FROM case_workers w WHERE w.user_id = worker_id
                            UNION ALL
                           SELECT c.child_id FROM break_glass b JOIN cases c ON c.id = b.case_id
                            WHERE b.user_id = worker_id AND b.expires_at > clock_timestamp()) AS child_ids
          ) own
    )
    SELECT event_id, secret, roles, agency_id FROM caller ORDER BY n;
END;
COMMENT ON FUNCTION open_access(text[], uuid[], uuid[], uuid[], text[], text[]) IS
    'Writes access events with their contexts, and returns their ids and secrets in the order of the parameters. '
    'roles is NULL if the session has ended.';

-- For a wrong secret, the LEFT JOIN returns NULL, and an entry without an event cannot be inserted.
CREATE FUNCTION write_entries(
    p_events uuid[], p_secrets text[], p_indexes integer[], p_numbers smallint[], p_children uuid[], p_cases uuid[]
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET plan_cache_mode = force_generic_plan
BEGIN ATOMIC
    WITH event AS MATERIALIZED (
        SELECT p.index, c.event_id
          FROM unnest(p_events, p_secrets) WITH ORDINALITY AS p (event_id, secret, index)
          LEFT JOIN contexts c ON c.event_id = p.event_id AND c.secret_digest = sha256(p.secret::bytea)
                              AND c.opened_at > clock_timestamp() - interval '60 seconds'
    )
    INSERT INTO access_entries (event_id, n, child_id, case_id, record_kind, record_id, outcome, status)
    SELECT event.event_id, e.n, e.child_id, e.case_id, 'case', e.case_id, 'allowed', 200
      FROM unnest(p_indexes, p_numbers, p_children, p_cases) AS e (index, n, child_id, case_id)
      JOIN event USING (index);
END;
COMMENT ON FUNCTION write_entries(uuid[], text[], integer[], smallint[], uuid[], uuid[]) IS
    'Writes the access entries of several events. p_indexes contains the position of the event of each entry in '
    'p_events. Fails if a secret is wrong.';

CREATE FUNCTION write_log(
    p_events uuid[], p_secrets text[], p_indexes integer[], p_numbers smallint[], p_children uuid[], p_cases uuid[],
    p_kinds text[], p_subjects uuid[], p_sessions uuid[], p_tokens uuid[], p_acts text[], p_requests text[]
) RETURNS TABLE (event_id uuid, secret text, roles text[], agency_id uuid)
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    SELECT write_entries(p_events, p_secrets, p_indexes, p_numbers, p_children, p_cases);
    SELECT * FROM open_access(p_kinds, p_subjects, p_sessions, p_tokens, p_acts, p_requests);
END;
COMMENT ON FUNCTION write_log(
    uuid[], text[], integer[], smallint[], uuid[], uuid[], text[], uuid[], uuid[], uuid[], text[], text[]
) IS 'Writes the access entries of some requests and the access events of others, with one commit.';

CREATE FUNCTION record_outcome(p_event uuid, p_secret text, p_outcome text, p_status integer) RETURNS boolean
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    INSERT INTO access_entries (event_id, n, outcome, status)
    SELECT event_id, 1, p_outcome, p_status
      FROM contexts
     WHERE event_id = p_event AND secret_digest = sha256(p_secret::bytea)
    RETURNING true;
END;
COMMENT ON FUNCTION record_outcome(uuid, text, text, integer) IS 'Records the outcome of a rejected request.';

CREATE FUNCTION delete_old_contexts() RETURNS void
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    DELETE FROM contexts WHERE event_id < uuidv7(interval '-2 minutes');
END;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bench FROM PUBLIC;
GRANT EXECUTE ON FUNCTION context, open_access, write_entries, write_log, record_outcome, delete_old_contexts TO firststep_api;
RESET ROLE;
