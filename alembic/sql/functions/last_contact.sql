-- Contacts: which support sessions count as a contact, and the date of the last contact in cases.
--
-- The agenda, the last contact of a case and the reports about contacts use these definitions.

-- PostgreSQL inlines this function into the statements that call it.
CREATE FUNCTION access.is_contact(
    p_kind text, p_status text, p_contact_with text[], p_entered_in_error_at timestamptz
) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN p_status = 'held' AND p_entered_in_error_at IS NULL
   AND CASE WHEN cardinality(p_contact_with) > 0 THEN p_contact_with && '{child,supporter,family}'::text[]
            ELSE p_kind <> 'phone_call' END;
COMMENT ON FUNCTION access.is_contact(text, text, text[], timestamptz) IS
    'Returns whether a support session is a contact: it was held, was not entered in error, and reached the child, the '
    'supporter or the family. If the session does not state the persons, it is a contact unless it is a phone call.';

CREATE FUNCTION access.is_later_contact(p_held_at timestamptz, p_recorded_at timestamptz, p_received_at timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN p_held_at > p_received_at
    OR ((p_held_at AT TIME ZONE 'Asia/Phnom_Penh')::time = time '00:00'
        AND (p_held_at AT TIME ZONE 'Asia/Phnom_Penh')::date = (p_received_at AT TIME ZONE 'Asia/Phnom_Penh')::date
        AND p_recorded_at > p_received_at);
COMMENT ON FUNCTION access.is_later_contact(timestamptz, timestamptz, timestamptz) IS
    'Returns whether a contact took place after a referral was received. A contact at midnight in Cambodia was recorded '
    'with a day and without a time. On the day of the referral, it counts if it was recorded after the referral was '
    'received.';

GRANT EXECUTE ON FUNCTION access.is_contact(text, text, text[], timestamptz)
    TO firststep_api, firststep_gate, firststep_reports;
GRANT EXECUTE ON FUNCTION access.is_later_contact(timestamptz, timestamptz, timestamptz)
    TO firststep_api, firststep_reports;

-- The function belongs to firststep_gate, because a worker who is not staff of the case can record and correct their
-- own sessions, but cannot update the case. firststep_api has no privilege to set the column to another value.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.update_last_contact(p_case uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE public.cases c
       SET last_contact_on = s.last_contact_on, version = c.version + 1,
           updated_at = greatest(c.updated_at, s.updated_at)
      FROM (SELECT (max(held_at) FILTER (WHERE access.is_contact(kind, status, contact_with, entered_in_error_at))
                          AT TIME ZONE 'Asia/Phnom_Penh')::date AS last_contact_on,
                   max(updated_at) AS updated_at
              FROM public.support_sessions WHERE case_id = p_case) s
     WHERE c.id = p_case AND c.last_contact_on IS DISTINCT FROM s.last_contact_on
       AND EXISTS (SELECT FROM access.context() x
                    WHERE x.is_staff AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id))
$$;
COMMENT ON FUNCTION access.update_last_contact(uuid) IS
    'Sets last_contact_on of a case to the local date of its latest contact (see access.is_contact()), or to NULL if it '
    'has none. Increments the version of the case if the date changes. Has no effect unless the caller can read the case.';

REVOKE ALL ON FUNCTION access.update_last_contact(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.update_last_contact(uuid) TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
