-- Record the periods of cases. The function belongs to firststep_gate, so that no other role can write periods, and so that
-- each transaction that changes the team, the lead worker or the status of a case also writes the periods.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- A later period begins at least one microsecond after the previous one, even if the clocks of two servers differ.
CREATE FUNCTION access.record_assignment_period(p_case public.cases, p_moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    boundary timestamptz;
BEGIN
    UPDATE public.assignment_periods p SET ended_at = greatest(p_moment, p.began_at + interval '1 microsecond')
     WHERE p.case_id = p_case.id AND p.ended_at IS NULL
    RETURNING p.ended_at INTO boundary;
    IF NOT FOUND THEN
        boundary := (SELECT max(p.ended_at) FROM public.assignment_periods p WHERE p.case_id = p_case.id);
    END IF;
    IF p_case.status <> 'closed' THEN
        INSERT INTO public.assignment_periods (case_id, began_at, child_id, team_id, lead_worker_id, previous_ended_at)
        VALUES (p_case.id, coalesce(boundary, p_moment), p_case.child_id, p_case.team_id, p_case.lead_worker_id, boundary);
    END IF;
END
$$;
COMMENT ON FUNCTION access.record_assignment_period(cases, timestamptz) IS
    'Ends the current assignment period of a case and begins the next one, unless the case is closed. If the table owner '
    'opens a closed case again, the next period begins at the end of the last one.';

CREATE FUNCTION access.record_status_period(p_case public.cases, p_moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    boundary timestamptz;
BEGIN
    UPDATE public.status_periods p SET ended_at = greatest(p_moment, p.began_at + interval '1 microsecond')
     WHERE p.case_id = p_case.id AND p.ended_at IS NULL
    RETURNING p.ended_at INTO boundary;
    INSERT INTO public.status_periods (case_id, began_at, child_id, status, previous_ended_at)
    VALUES (p_case.id, coalesce(boundary, p_moment), p_case.child_id, p_case.status, boundary);
END
$$;
COMMENT ON FUNCTION access.record_status_period(cases, timestamptz) IS
    'Ends the current status period of a case and begins the next one.';

CREATE FUNCTION access.record_case_periods() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM access.record_assignment_period(NEW, NEW.created_at);
        PERFORM access.record_status_period(NEW, NEW.created_at);
        RETURN NULL;
    END IF;
    IF NEW.child_id <> OLD.child_id THEN
        UPDATE public.assignment_periods p SET child_id = NEW.child_id WHERE p.case_id = NEW.id;
        UPDATE public.status_periods p SET child_id = NEW.child_id WHERE p.case_id = NEW.id;
    END IF;
    IF (NEW.team_id, NEW.lead_worker_id) IS DISTINCT FROM (OLD.team_id, OLD.lead_worker_id)
       OR (NEW.status = 'closed') <> (OLD.status = 'closed') THEN
        PERFORM access.record_assignment_period(NEW, NEW.updated_at);
    END IF;
    IF NEW.status <> OLD.status THEN
        PERFORM access.record_status_period(NEW, NEW.updated_at);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION access.record_case_periods() IS
    'Records the assignment and status periods of a case that was inserted or changed. A period begins at created_at or '
    'updated_at of the case.';

REVOKE ALL ON FUNCTION
    access.record_assignment_period(cases, timestamptz), access.record_status_period(cases, timestamptz),
    access.record_case_periods()
    FROM PUBLIC;
-- The owner of a table needs the privilege to create the trigger.
GRANT EXECUTE ON FUNCTION access.record_case_periods() TO firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
