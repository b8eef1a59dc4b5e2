-- Trigger functions that several tables share. A trigger function that only one table uses is in the file of that table.

CREATE FUNCTION access.prevent_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
COMMENT ON FUNCTION access.prevent_change() IS
    'Raises an error. Triggers of append-only tables call it before the operations that are forbidden.';

-- The table owner is exempt, so that key rotation can re-encrypt submitted records.
CREATE FUNCTION access.prevent_change_after_submission() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    decision constant text[] := ARRAY['status', 'version', 'updated_at', 'submitted_at', 'submitted_by_id',
                                      'decided_at', 'decided_by_id', 'decision_comment_encrypted'];
BEGIN
    IF current_user <> 'firststep_owner' AND OLD.status IN ('submitted', 'approved', 'superseded')
       AND to_jsonb(NEW) - decision IS DISTINCT FROM to_jsonb(OLD) - decision THEN
        RAISE EXCEPTION 'a submitted row of % is frozen', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_change_after_submission() IS
    'Raises an error if a submitted, approved or superseded record changes in any column except the columns of its '
    'status and decision.';

-- exit_plans does not use this trigger, so its contributor_ids is always empty. Each change replaces the whole plan and
-- makes the caller its author, so there are no other contributors.
CREATE FUNCTION access.record_contributor() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    caller uuid := (SELECT x.caller_id FROM access.context() x);
BEGIN
    IF NEW.status IN ('draft', 'returned') AND OLD.status = NEW.status
       AND NOT coalesce(caller = ANY (NEW.contributor_ids), true) THEN
        NEW.contributor_ids := NEW.contributor_ids || caller;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.record_contributor() IS
    'Adds the caller to contributor_ids when the caller changes a draft or returned record, because a contributor '
    'must not decide on it.';

CREATE FUNCTION access.validate_authorship() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    caller uuid;
    transition text;
BEGIN
    IF current_user <> 'firststep_api' THEN
        RETURN NEW;
    END IF;
    caller := (SELECT x.caller_id FROM access.context() x);
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' OR num_nonnulls(NEW.submitted_by_id, NEW.decided_by_id) > 0 THEN
            RAISE EXCEPTION 'a new row must be a draft without submitter and decider'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    transition := OLD.status || ' ' || NEW.status;
    IF NEW.status <> OLD.status
       AND (transition <> ALL (CASE TG_TABLE_NAME
            WHEN 'exit_plans' THEN ARRAY['draft approved', 'approved draft']
            ELSE ARRAY['draft submitted', 'returned submitted', 'submitted approved', 'submitted returned',
                       'approved superseded'] END)) THEN
        RAISE EXCEPTION 'the status cannot change from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.submitted_by_id IS DISTINCT FROM OLD.submitted_by_id AND NEW.submitted_by_id IS DISTINCT FROM caller
       OR NEW.author_id IS DISTINCT FROM OLD.author_id AND NEW.author_id IS DISTINCT FROM caller
       OR NEW.status = 'submitted' AND OLD.status <> 'submitted' AND NEW.submitted_by_id IS DISTINCT FROM caller THEN
        RAISE EXCEPTION 'the author and the submitter must be the caller' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.status IN ('approved', 'returned') AND NEW.status <> OLD.status THEN
        IF NEW.decided_by_id IS DISTINCT FROM caller OR NOT EXISTS (
                SELECT FROM public.cases c, access.context() x
                 WHERE c.id = NEW.case_id AND c.team_id = ANY (x.supervised_team_ids)) THEN
            RAISE EXCEPTION 'the decider must be the caller, and a supervisor of the team'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.decided_by_id IS NOT NULL AND NEW.decided_by_id IS DISTINCT FROM OLD.decided_by_id THEN
        RAISE EXCEPTION 'the decider can change only with a decision' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_TABLE_NAME = 'exit_plans' THEN
        IF (NEW.content_encrypted, NEW.ends_on) IS DISTINCT FROM (OLD.content_encrypted, OLD.ends_on)
           AND (NEW.status = 'approved' OR NEW.author_id IS DISTINCT FROM caller) THEN
            RAISE EXCEPTION 'only its author can change an exit plan, and not while it is approved'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.validate_authorship() IS
    'Raises an error unless a new record is a draft, a status change is part of the state machine, the submitter and '
    'the decider are the caller, and the decider is a supervisor of the team.';

-- WITH CHECK of a row policy checks only the new row. This trigger checks the case of the old row.
CREATE FUNCTION access.prevent_reassignment() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_user = 'firststep_api' AND NOT access.is_case_staff((to_jsonb(OLD) ->> TG_ARGV[0])::uuid) THEN
        RAISE EXCEPTION 'only staff of the case can change a row of %', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_reassignment() IS
    'Raises an error if the caller is not staff of the case that the old row belongs to. The argument of the trigger '
    'names the column with the case id.';
