-- Trigger functions that several tables share. A trigger function of a single table is defined in that table's file.

CREATE FUNCTION access.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
COMMENT ON FUNCTION access.refuse_change() IS
    'Raises an error on every operation that it is attached to, for append-only tables.';

-- The table owner is exempt, so that key rotation can re-encrypt submitted records.
CREATE FUNCTION access.refuse_thaw() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    decision constant text[] := ARRAY['status', 'version', 'updated_at', 'submitted_at', 'submitted_by_id',
                                      'decided_at', 'decided_by_id', 'decision_sealed'];
BEGIN
    IF current_user <> 'firststep_owner' AND OLD.status IN ('submitted', 'approved', 'superseded')
       AND to_jsonb(NEW) - decision IS DISTINCT FROM to_jsonb(OLD) - decision THEN
        RAISE EXCEPTION '% that was submitted is frozen', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.refuse_thaw() IS
    'Raises an error if a submitted, approved or superseded record changes in any column other than those of its '
    'status and decision.';

-- An exit plan does not use this trigger: each change replaces the whole plan, so only its last author counts.
CREATE FUNCTION access.note_contributor() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    writer uuid := access.actor_id();
BEGIN
    IF NEW.status IN ('draft', 'returned') AND OLD.status = NEW.status
       AND NOT coalesce(writer = ANY (NEW.contributor_ids), true) THEN
        NEW.contributor_ids := NEW.contributor_ids || writer;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.note_contributor() IS
    'Adds the caller to contributor_ids when a draft or returned record changes, so that no contributor decides '
    'on it.';

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
COMMENT ON FUNCTION access.refuse_forgery() IS
    'Raises an error unless a record starts as a draft, follows the state machine, and names the caller as the '
    'one who submits or decides; only a supervisor of the team decides.';

-- A row policy checks the new row only. This trigger checks the case of the old row.
CREATE FUNCTION access.refuse_taking() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_user = 'firststep_api' AND NOT access.works_on((to_jsonb(OLD) ->> TG_ARGV[0])::uuid) THEN
        RAISE EXCEPTION 'only who works on a case changes %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.refuse_taking() IS
    'Raises an error if the caller is not staff of the case that the old row belongs to; its argument names the '
    'column with the case id.';
