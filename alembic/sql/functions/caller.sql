-- Resolve the caller of the current transaction.
--
-- The only trusted source is a row of access_events that an earlier, committed transaction wrote less than
-- 60 seconds ago. A session setting can be forged by any SQL that runs as firststep_api; a committed event cannot.
--
-- All functions in this file belong to firststep_gate, a role without login. They run with its privileges (SECURITY
-- DEFINER), because firststep_api may read only a part of the access log.
--
-- Row policies call them as scalar subqueries, for example (SELECT access.worker_id()). PostgreSQL then evaluates each
-- call once per statement. Without the subquery it would evaluate it for every row, at about a millisecond each.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- Without enable_seqscan = off, a connection could cache a plan from the time when the log was small, and then scan the
-- whole log in every statement until the connection is closed.
CREATE FUNCTION access.current_event() RETURNS public.access_events
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET enable_seqscan = off
AS $$
    SELECT e
      FROM public.access_events e
     WHERE e.id = nullif(current_setting('firststep.access', true), '')::uuid
       AND e.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
       AND e.opened_at > clock_timestamp() - interval '60 seconds'
$$;
COMMENT ON FUNCTION access.current_event() IS
    'Returns the access event set in the transaction, or NULL if the event is older than 60 seconds or was written by '
    'the same transaction.';

-- The functions below call current_event() directly in FROM, which evaluates it once. As a subquery in FROM, PostgreSQL
-- would evaluate it once for each field that is used.
CREATE FUNCTION access.caller_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT e.actor_id FROM access.current_event() e $$;
COMMENT ON FUNCTION access.caller_id() IS 'Returns the id of the user or API client of the current access event.';

CREATE FUNCTION access.is_staff() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(e.kind IN ('person', 'system')
           AND e.roles && ARRAY['social_worker', 'supervisor', 'programme_manager', 'custodian'], false)
      FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.is_staff() IS
    'Returns whether the caller is a social worker, supervisor or programme manager, or the custodian.';

CREATE FUNCTION access.worker_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN e.kind = 'person' AND e.roles && ARRAY['social_worker', 'supervisor'] THEN e.actor_id END
      FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.worker_id() IS
    'Returns the caller''s user id if the caller is a social worker or supervisor, otherwise NULL.';

CREATE FUNCTION access.supervised_team_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN e.roles && ARRAY['supervisor'] THEN e.supervised_team_ids ELSE '{}' END
      FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.supervised_team_ids() IS 'Returns the ids of the teams that the caller supervises.';

CREATE FUNCTION access.supervised_user_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(array_agg(m.user_id), '{}')
      FROM public.team_members m
     WHERE m.team_id = ANY (access.supervised_team_ids())
$$;
COMMENT ON FUNCTION access.supervised_user_ids() IS
    'Returns the ids of the members of the teams that the caller supervises.';

CREATE FUNCTION access.can_read_all_cases() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(e.roles && ARRAY['programme_manager', 'custodian'], false) FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.can_read_all_cases() IS
    'Returns whether the caller can read the cases of all teams: a programme manager or the custodian.';

CREATE FUNCTION access.can_read_access_log() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(e.roles && ARRAY['data_protection_officer', 'custodian'], false) FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.can_read_access_log() IS
    'Returns whether the caller can read the whole access log: a data protection officer or the custodian.';

CREATE FUNCTION access.partner_agency_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE WHEN e.kind = 'client' AND e.roles && ARRAY['partner_system'] THEN e.agency_id END
      FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.partner_agency_id() IS
    'Returns the id of the caller''s agency if the caller is a partner system, otherwise NULL.';

CREATE FUNCTION access.is_finance_officer() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT coalesce(e.kind = 'person' AND e.roles && ARRAY['finance_officer'], false) FROM access.current_event() e
$$;
COMMENT ON FUNCTION access.is_finance_officer() IS 'Returns whether the caller is a finance officer.';

CREATE FUNCTION access.is_custodian() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT coalesce(e.roles && ARRAY['custodian'], false) FROM access.current_event() e $$;
COMMENT ON FUNCTION access.is_custodian() IS
    'Returns whether the caller is the custodian: the table owner during a key rotation.';

REVOKE ALL ON FUNCTION
    access.current_event(), access.caller_id(), access.is_staff(), access.worker_id(), access.supervised_team_ids(),
    access.supervised_user_ids(), access.can_read_all_cases(), access.can_read_access_log(), access.partner_agency_id(),
    access.is_finance_officer(), access.is_custodian()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.current_event(), access.caller_id(), access.is_staff(), access.worker_id(), access.supervised_team_ids(),
    access.supervised_user_ids(), access.can_read_all_cases(), access.can_read_access_log(), access.partner_agency_id(),
    access.is_finance_officer()
    TO firststep_api, firststep_owner;
GRANT EXECUTE ON FUNCTION access.is_custodian() TO firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
