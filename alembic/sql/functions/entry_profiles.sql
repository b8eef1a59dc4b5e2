-- The encrypted answers at the entry of cases, for the report entry_profile. The reports role can read no encrypted column.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.list_entry_profiles(p_first_day date, p_last_day date)
RETURNS TABLE (case_id uuid, child_id uuid, identity bytea, referral_id uuid, content bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    x constant public.access_contexts := (SELECT c FROM access.context() c);
BEGIN
    IF x.act IS NULL OR x.act NOT IN ('report.read_entry_profile', 'release.prepare') THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.id, c.child_id, child.identity_encrypted, r.id, r.content_encrypted
          FROM public.cases c
          JOIN public.children child ON child.id = c.child_id
          LEFT JOIN public.referrals r ON r.id = c.referral_id
         WHERE c.opened_on BETWEEN p_first_day AND p_last_day
           AND (x.can_report_all_teams OR c.team_id = ANY (x.supervised_team_ids));
END
$$;
COMMENT ON FUNCTION access.list_entry_profiles(date, date) IS
    'Returns the encrypted identity of the child and the encrypted referral of each case that was opened in a period, in the '
    'teams that the caller can count. Only accesses of the acts report.read_entry_profile and release.prepare get rows.';

REVOKE ALL ON FUNCTION access.list_entry_profiles(date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.list_entry_profiles(date, date) TO firststep_reports;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
