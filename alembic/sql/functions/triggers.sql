-- Trigger functions that several tables share. A trigger function that only one table uses is in the file of that table.

CREATE FUNCTION access.prevent_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
COMMENT ON FUNCTION access.prevent_change() IS
    'Raises an error. Triggers of append-only tables call it before the operations that are forbidden.';

-- exit_plans does not use this trigger, so its contributor_ids is always empty. Each change replaces the whole plan and
-- makes the caller its author, so there are no other contributors.
CREATE FUNCTION access.record_contributor() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    caller uuid := (SELECT x.caller_id FROM access.context() x);
BEGIN
    IF NEW.status IN ('draft', 'returned') AND OLD.status = NEW.status AND OLD.child_id = NEW.child_id
       AND NOT coalesce(caller = ANY (NEW.contributor_ids), true) THEN
        NEW.contributor_ids := NEW.contributor_ids || caller;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.record_contributor() IS
    'Adds the caller to contributor_ids when the caller changes a draft or returned record, because a contributor '
    'must not decide on it. A merge of children changes only the child of the record.';

CREATE FUNCTION access.validate_authorship() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    caller uuid;
BEGIN
    IF current_user <> 'firststep_api' THEN
        RETURN NEW;
    END IF;
    caller := (SELECT x.caller_id FROM access.context() x);
    IF TG_OP = 'INSERT' THEN
        IF num_nonnulls(NEW.submitted_by_id, NEW.decided_by_id) > 0 THEN
            RAISE EXCEPTION 'a new row must have no submitter and decider' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status = 'submitted' AND OLD.status <> 'submitted' AND NEW.submitted_by_id IS DISTINCT FROM caller THEN
        RAISE EXCEPTION 'the submitter must be the caller' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.status IN ('approved', 'returned', 'superseded') AND NEW.status <> OLD.status
       AND ((NEW.status <> 'superseded' AND NEW.decided_by_id IS DISTINCT FROM caller)
            OR NOT EXISTS (SELECT FROM public.cases c, access.context() x
                            WHERE c.id = NEW.case_id
                              AND (c.team_id = ANY (x.supervised_team_ids)
                                   OR (x.can_read_all_cases
                                       AND (NEW.status = 'superseded'
                                            OR NOT access.has_supervisor(
                                                c.id, NEW.contributor_ids || NEW.author_id || NEW.submitted_by_id)))))) THEN
        RAISE EXCEPTION 'the decider must be the caller, and a supervisor of the team or the programme manager of a team without one'
            USING ERRCODE = 'check_violation';
    END IF;
    IF TG_TABLE_NAME = 'exit_plans' THEN
        IF (NEW.content_encrypted, NEW.ends_on, NEW.conditions_met, NEW.conditions_unmet)
              IS DISTINCT FROM (OLD.content_encrypted, OLD.ends_on, OLD.conditions_met, OLD.conditions_unmet)
           AND NEW.author_id IS DISTINCT FROM caller THEN
            RAISE EXCEPTION 'only its author can change an exit plan' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.validate_authorship() IS
    'Raises an error unless a new record has no submitter and decider, the submitter and the decider are the caller, and '
    'the decider is a supervisor of the team, or a programme manager if no other supervisor of the team can decide. '
    'access.validate_change() checks the status changes.';

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
    'contains the name of the column with the case id.';
-- PostgreSQL requires the privilege although the condition on current_user skips the call for firststep_gate.
GRANT EXECUTE ON FUNCTION access.is_case_staff(uuid) TO firststep_gate;

-- Runs with the privileges of the caller. The service holds a lock on the activity.
CREATE FUNCTION access.protect_outreach_part() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    activity constant uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.activity_id ELSE NEW.activity_id END;
BEGIN
    IF EXISTS (SELECT FROM public.outreach_activities a
                WHERE a.id = activity AND a.entered_in_error_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the activity of a row of % was entered in error', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.protect_outreach_part() IS
    'Raises an error if the participants or attachments of an outreach activity change after the activity was entered in '
    'error.';

CREATE FUNCTION access.require_draft_release() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.releases r WHERE r.id = NEW.release_id AND r.status = 'draft') THEN
        RAISE EXCEPTION 'a row of % can be added to a draft only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.require_draft_release() IS 'Raises an error unless the release of a new row is a draft.';
