-- Whoever holds the API's password and opened an access in earnest still writes in their own name only, and moves nothing
-- from one child to another: the policies ask which case a row is in, and not which it was in before.

-- What a record is, and whose, is said once: the API may change its other columns.
DO $$
DECLARE
    name text;
    said_once text[];
    whole constant text[] := '{id,created_at,child_id,case_id}';
BEGIN
    FOR name, said_once IN VALUES
        ('cases', '{number,previous_case_id}'::text[]),
        ('people', '{}'),
        ('assessments', '{subject,person_id,kind,previous_id,author_id,contributor_ids}'),
        ('care_plans', '{subject,person_id,edition,previous_id,author_id,contributor_ids}'),
        ('plan_areas', '{plan_id,area}'),
        ('goals', '{plan_id,area,origin_id}'),
        ('actions', '{plan_id,goal_id,origin_id}'),
        ('support_sessions', '{series_id}'),
        ('clinical_notes', '{session_id,author_id}'),
        ('legal_steps', '{author_id}'),
        ('service_referrals', '{author_id}'),
        ('reviews', '{number}'),
        ('exit_plans', '{contributor_ids}'),
        ('follow_ups', '{months,due_on}')
    LOOP
        EXECUTE format('REVOKE UPDATE ON %I FROM firststep_api', name);
        EXECUTE format('GRANT UPDATE (%s) ON %I TO firststep_api',
                       (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a
                         WHERE a.attrelid = format('public.%I', name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
                           AND a.attname <> ALL (whole || said_once)), name);
    END LOOP;
END
$$;
-- A document is added, and stays as it is: its tier too.
REVOKE UPDATE ON documents FROM firststep_api;

-- Nobody writes in another's name.
DO $$
DECLARE
    name text;
    author text;
BEGIN
    FOR name, author IN VALUES
        ('assessments', 'author_id'), ('support_sessions', 'author_id'),
        ('clinical_notes', 'author_id'), ('session_addenda', 'author_id'), ('legal_steps', 'author_id'),
        ('documents', 'author_id'), ('service_referrals', 'author_id'), ('exit_plans', 'author_id'),
        ('case_history', 'by_id')
    LOOP
        EXECUTE format('CREATE POLICY in_ones_own_name ON %I AS RESTRICTIVE FOR INSERT TO firststep_api
                        WITH CHECK (%I = (SELECT access.actor_id()))', name, author);
    END LOOP;
END
$$;

-- But for the edition that a review asks for: whoever completes the review opens it for the lead worker, who writes it.
CREATE POLICY in_ones_own_name ON care_plans AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.actor_id())
                OR (previous_id IS NOT NULL
                    AND EXISTS (SELECT FROM public.cases c WHERE c.id = case_id AND c.lead_worker_id = author_id)));

-- Who is said to have submitted or decided did so: in person, one step after the other, as a supervisor of the team.
CREATE FUNCTION access.refuse_forgery() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    actor uuid;
    step text;
BEGIN
    IF current_user <> 'firststep_api' THEN
        RETURN NEW;
    END IF;
    actor := access.actor_id();
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' OR num_nonnulls(NEW.submitted_by_id, NEW.decided_by_id) > 0 THEN
            RAISE EXCEPTION 'it begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    step := OLD.status || ' ' || NEW.status;
    IF NEW.status <> OLD.status
       AND (step <> ALL (CASE TG_TABLE_NAME
            WHEN 'exit_plans' THEN ARRAY['draft approved', 'approved draft']
            ELSE ARRAY['draft submitted', 'returned submitted', 'submitted approved', 'submitted returned',
                       'approved superseded'] END)) THEN
        RAISE EXCEPTION 'what is % does not become %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.submitted_by_id IS DISTINCT FROM OLD.submitted_by_id AND NEW.submitted_by_id IS DISTINCT FROM actor
       OR NEW.author_id IS DISTINCT FROM OLD.author_id AND NEW.author_id IS DISTINCT FROM actor
       OR NEW.status = 'submitted' AND OLD.status <> 'submitted' AND NEW.submitted_by_id IS DISTINCT FROM actor THEN
        RAISE EXCEPTION 'nobody writes or submits in another''s name' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.status IN ('approved', 'returned') AND NEW.status <> OLD.status THEN
        IF NEW.decided_by_id IS DISTINCT FROM actor OR NOT EXISTS (
                SELECT FROM public.cases c
                 WHERE c.id = NEW.case_id AND c.team_id = ANY (access.supervised_teams())) THEN
            RAISE EXCEPTION 'a supervisor of the team decides, in person' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.decided_by_id IS NOT NULL AND NEW.decided_by_id IS DISTINCT FROM OLD.decided_by_id THEN
        RAISE EXCEPTION 'nothing was decided here' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_TABLE_NAME = 'exit_plans' THEN
        IF (NEW.sealed, NEW.ends_on) IS DISTINCT FROM (OLD.sealed, OLD.ends_on)
           AND (NEW.status = 'approved' OR NEW.author_id IS DISTINCT FROM actor) THEN
            RAISE EXCEPTION 'an exit plan is written by its author, and not as it is approved'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER unforged BEFORE INSERT OR UPDATE ON assessments FOR EACH ROW EXECUTE FUNCTION access.refuse_forgery();
CREATE TRIGGER unforged BEFORE INSERT OR UPDATE ON care_plans FOR EACH ROW EXECUTE FUNCTION access.refuse_forgery();
CREATE TRIGGER unforged BEFORE INSERT OR UPDATE ON exit_plans FOR EACH ROW EXECUTE FUNCTION access.refuse_forgery();
