-- Resolve the caller of the current transaction, and decide what the caller can read and write.
--
-- The only trusted source is a row of access_contexts that an earlier, committed transaction wrote less than
-- 60 seconds ago, together with the access event. A session setting alone can be forged by any SQL that runs as
-- firststep_api. The row cannot, because only functions of firststep_gate write it. The setting must also contain the
-- secret of the access, so that SQL cannot use the open access event of another request.
--
-- Row policies select from access.context(). PostgreSQL then evaluates it once for each scan of a table.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- Without enable_seqscan = off, a connection could cache a plan from the time when the table was empty, and then scan
-- the whole table in every statement until the connection is closed.
CREATE FUNCTION access.context() RETURNS SETOF public.access_contexts
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = '' SET enable_seqscan = off
AS $$
DECLARE
    setting text := nullif(current_setting('firststep.access', true), '');
    context public.access_contexts;
BEGIN
    IF setting IS NULL THEN
        RETURN;
    END IF;
    SELECT c.* INTO context
      FROM public.access_contexts c
     WHERE c.event_id = left(setting, 36)::uuid
       AND c.secret_digest = sha256(uuid_send(right(setting, 36)::uuid))
       AND c.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
       AND c.opened_at > clock_timestamp() - interval '60 seconds';
    IF NOT FOUND OR current_setting('synchronous_commit') = 'off' THEN
        RAISE EXCEPTION 'the access is not open' USING ERRCODE = 'invalid_authorization_specification',
            HINT = 'Open an access in an earlier transaction, at most 60 seconds ago, with synchronous_commit on.';
    END IF;
    RETURN NEXT context;
END
$$;
COMMENT ON FUNCTION access.context() IS
    'Returns the context of the access set in the transaction, or no row if none is set. Raises an error if the access '
    'is unknown, concluded, older than 60 seconds or opened by the same transaction, if its secret does not match, or '
    'if synchronous_commit is off.';

REVOKE ALL ON FUNCTION access.context() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.context() TO firststep_api, firststep_owner, firststep_reports;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

-- PostgreSQL inlines the functions below into the policies that call them. The policies of cases and referrals themselves
-- pass single columns, because PostgreSQL would build the whole row, with its encrypted content, to pass it as a value.

CREATE FUNCTION access.is_case_staff(x public.access_contexts, c public.cases) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN x.can_read_all_cases
    OR c.team_id = ANY (x.supervised_team_ids)
    OR c.lead_worker_id = x.worker_id
    OR c.id = ANY (x.assigned_case_ids);
COMMENT ON FUNCTION access.is_case_staff(access_contexts, cases) IS
    'Returns whether the caller is staff of a case: its lead worker, a co-worker, a supervisor of its team, or a caller '
    'who can read the cases of all teams. Break-glass access does not make a caller staff.';

CREATE FUNCTION access.can_read_case(
    x public.access_contexts, p_case uuid, p_team uuid, p_lead_worker uuid
) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (x.can_read_all_cases
        OR p_team = ANY (x.supervised_team_ids)
        OR p_lead_worker = x.worker_id
        OR p_case = ANY (x.assigned_case_ids)
        OR p_case = ANY (x.break_glass_case_ids))
   AND p_case <> ALL (x.conflict_wall_case_ids);
COMMENT ON FUNCTION access.can_read_case(access_contexts, uuid, uuid, uuid) IS
    'Returns whether the caller can read a case: staff of the case and callers with break-glass access to it, unless '
    'the conflict wall hides it from the caller.';

CREATE FUNCTION access.can_read_tier(x public.access_contexts, c public.cases, p_tier text, p_author uuid)
RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN CASE p_tier
    WHEN 'case' THEN true
    WHEN 'clinical' THEN p_author = x.worker_id OR c.team_id = ANY (x.supervised_team_ids)
    WHEN 'legal' THEN access.is_case_staff(x, c)
    ELSE false END;
COMMENT ON FUNCTION access.can_read_tier(access_contexts, cases, text, uuid) IS
    'Returns whether the caller can read records of a tier in a visible case. Readers of the tier case: all who can '
    'see the case; of the tier clinical: the author and the supervisors of the team; of the tier legal: the staff of '
    'the case.';

CREATE FUNCTION access.can_read_referral(
    x public.access_contexts, p_agency uuid, p_case uuid, p_team uuid, p_handed_to uuid, p_received_by uuid
) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN p_agency = x.partner_agency_id
    OR (p_case IS NULL
        AND (x.can_read_all_cases
             OR p_team = ANY (x.supervised_team_ids)
             OR (p_team IS NULL AND cardinality(x.supervised_team_ids) > 0)
             OR p_handed_to = x.worker_id
             OR p_received_by = x.worker_id));
COMMENT ON FUNCTION access.can_read_referral(access_contexts, uuid, uuid, uuid, uuid, uuid) IS
    'Returns whether the caller is the partner system of the referral''s agency, or can read a referral without a case: '
    'supervisors of its team (all supervisors if it has no team), the workers who received it or to whom it is '
    'assigned, and callers who can read the cases of all teams.';

CREATE FUNCTION access.is_kind_with_tiers(p_kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN p_kind IN ('case_history', 'clinical_handover', 'clinical_note', 'document', 'document_content', 'feedback',
                  'legal_step', 'session_addendum');
COMMENT ON FUNCTION access.is_kind_with_tiers(text) IS
    'Returns whether records of a kind can have the tier clinical or legal, or are feedback. Only the supervisors of the '
    'case can see access log entries about them.';

CREATE FUNCTION access.can_count(x public.access_contexts) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN x.act IN ('report.read', 'report.read_entry_profile', 'release.prepare');
COMMENT ON FUNCTION access.can_count(access_contexts) IS
    'Returns whether the access reads a report or prepares a release. Such an access can count rows but does not return '
    'them.';

CREATE FUNCTION access.can_report_team(x public.access_contexts, p_team uuid) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN access.can_count(x) AND (x.can_report_all_teams OR p_team = ANY (x.supervised_team_ids));
COMMENT ON FUNCTION access.can_report_team(access_contexts, uuid) IS
    'Returns whether the access reads a report or prepares a release, and can count the records of a team. Programme '
    'managers, monitoring officers, finance officers and data protection officers count all teams, supervisors the teams '
    'that they supervise.';
GRANT EXECUTE ON FUNCTION
    access.can_count(access_contexts), access.can_report_team(access_contexts, uuid)
    TO firststep_reports;

-- The two functions below are for services and triggers, which have only the id of a case.

CREATE FUNCTION access.is_case_staff(p_case uuid) RETURNS boolean LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c, access.context() x WHERE c.id = p_case AND access.is_case_staff(x, c))
$$;
COMMENT ON FUNCTION access.is_case_staff(uuid) IS 'Returns whether the caller is staff of a visible case.';

CREATE FUNCTION access.can_read_tier(p_tier text, p_case uuid, p_author uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c, access.context() x
                    WHERE c.id = p_case AND access.can_read_tier(x, c, p_tier, p_author))
$$;
COMMENT ON FUNCTION access.can_read_tier(text, uuid, uuid) IS
    'Returns whether the caller can read records of a tier and an author in a visible case.';

GRANT EXECUTE ON FUNCTION
    access.is_case_staff(access_contexts, cases), access.can_read_case(access_contexts, uuid, uuid, uuid),
    access.can_read_tier(access_contexts, cases, text, uuid), access.is_kind_with_tiers(text),
    access.can_read_referral(access_contexts, uuid, uuid, uuid, uuid, uuid), access.is_case_staff(uuid),
    access.can_read_tier(text, uuid, uuid)
    TO firststep_api, firststep_owner;
GRANT EXECUTE ON FUNCTION
    access.can_read_case(access_contexts, uuid, uuid, uuid),
    access.can_read_referral(access_contexts, uuid, uuid, uuid, uuid, uuid), access.is_kind_with_tiers(text)
    TO firststep_gate;
