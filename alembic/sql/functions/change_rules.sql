-- Rules for the changes of a row: the state machine of its table, versions, times and authors. Triggers call
-- access.validate_change(). All of them have the condition `current_user = 'firststep_api'`, so that a key rotation can
-- re-encrypt frozen rows.

CREATE FUNCTION access.list_changed_columns(p_before jsonb, p_after jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT ARRAY (SELECT a.key FROM jsonb_each(p_after) a
                   WHERE a.value IS DISTINCT FROM coalesce(p_before -> a.key, 'null') ORDER BY a.key)
$$;
COMMENT ON FUNCTION access.list_changed_columns(jsonb, jsonb) IS
    'Returns the names of the columns that differ between two versions of a row. For a new row, the first version is an '
    'empty object, and the result contains the columns that are not NULL.';

CREATE FUNCTION access.require_listed_change(
    p_table text, p_rules text[], p_before text, p_after text, p_changed text[]
) RETURNS void LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
DECLARE
    columns text;
BEGIN
    FOR i IN 2 .. cardinality(p_rules) BY 2 LOOP
        IF concat(p_before, ' ', p_after) = ANY (string_to_array(p_rules[i], ', ')) THEN
            columns := p_rules[i + 1];
        END IF;
    END LOOP;
    IF columns IS NULL THEN
        RAISE EXCEPTION 'the status of a row of % cannot change from % to %', p_table, p_before, p_after
            USING ERRCODE = 'check_violation', HINT = 'A row whose status is not listed with itself is frozen.';
    ELSIF NOT p_changed <@ (string_to_array(columns, ' ') || '{status,version,updated_at}') THEN
        RAISE EXCEPTION 'a row of % is frozen, except the columns: %', p_table, columns
            USING ERRCODE = 'check_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION access.require_listed_change(text, text[], text, text, text[]) IS
    'Raises an error unless the rules list the change of the status and every changed column. p_rules are the arguments '
    'of access.validate_change().';

CREATE FUNCTION access.prevent_older_version(p_table text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
    IF (p_after ->> 'version')::integer < (p_before ->> 'version')::integer
       OR (p_after ->> 'updated_at')::timestamptz < (p_before ->> 'updated_at')::timestamptz - interval '5 minutes' THEN
        RAISE EXCEPTION 'version and updated_at of a row of % must not decrease', p_table
            USING ERRCODE = 'check_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION access.prevent_older_version(text, jsonb, jsonb) IS
    'Raises an error if a change sets the version of a row back, or updated_at by more than 5 minutes. The clocks of '
    'several servers may differ by that much.';

CREATE FUNCTION access.require_own_name(p_table text, p_before jsonb, p_after jsonb, p_changed text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    caller constant text := (SELECT x.caller_id FROM access.context() x);
    column_name text;
BEGIN
    FOREACH column_name IN ARRAY p_changed LOOP
        IF column_name ~ '_by_id$' OR (column_name = 'author_id' AND p_before <> '{}') THEN
            IF p_after ->> column_name <> coalesce(caller, '')
               OR (p_before ->> column_name IS NOT NULL AND p_after -> 'status' IS NOT DISTINCT FROM p_before -> 'status'
                   AND column_name <> 'author_id') THEN
                RAISE EXCEPTION '% of a row of % must be the caller, and stays as it is set', column_name, p_table
                    USING ERRCODE = 'check_violation';
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION access.require_own_name(text, jsonb, jsonb, text[]) IS
    'Raises an error if a column with a user id, such as decided_by_id, is set to an id other than the caller''s, or is '
    'changed later without a change of the status.';

CREATE FUNCTION access.require_own_time(p_table text, p_before jsonb, p_after jsonb, p_changed text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    column_name text;
    person text;
BEGIN
    FOREACH column_name IN ARRAY p_changed LOOP
        person := regexp_replace(column_name, '_at$', '_by_id');
        IF column_name ~ '_at$' AND column_name <> 'planned_at'
           AND ((p_after ->> column_name)::timestamptz > clock_timestamp() + interval '5 minutes'
                OR (p_after ? person AND p_before <> '{}' AND person <> ALL (p_changed)
                    AND p_after -> 'status' IS NOT DISTINCT FROM p_before -> 'status')) THEN
            RAISE EXCEPTION '% of a row of % cannot be in the future or change alone', column_name, p_table
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION access.require_own_time(text, jsonb, jsonb, text[]) IS
    'Raises an error if a time is more than 5 minutes in the future, or if the time of an act changes without its person '
    'or the status: decided_at changes only with decided_by_id.';

CREATE FUNCTION access.validate_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    before constant jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE '{}' END;
    after constant jsonb := to_jsonb(NEW);
    changed constant text[] := access.list_changed_columns(before, after);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF TG_NARGS > 0 AND after ->> 'status' <> ALL (string_to_array(TG_ARGV[0], ' ')) THEN
            RAISE EXCEPTION 'a new row of % cannot have the status %', TG_TABLE_NAME, after ->> 'status'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF cardinality(changed) > 0 THEN
        -- access.protect_entered_in_error() checks the mark, which a frozen row can get too.
        IF TG_NARGS > 0 AND 'entered_in_error_at' <> ALL (changed) THEN
            PERFORM access.require_listed_change(
                TG_TABLE_NAME, TG_ARGV[0:], before ->> 'status', after ->> 'status', changed);
        END IF;
        PERFORM access.prevent_older_version(TG_TABLE_NAME, before, after);
    END IF;
    IF array_to_string(changed, ' ') ~ '_by_id|author_id' THEN
        PERFORM access.require_own_name(TG_TABLE_NAME, before, after, changed);
    END IF;
    PERFORM access.require_own_time(TG_TABLE_NAME, before, after, changed);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.validate_change() IS
    'Raises an error unless the arguments of the trigger list the change. They are the statuses of a new row, and then '
    'pairs: status changes (separated by a comma), and the columns that can change with them. Versions, times and '
    'user ids are checked too.';

CREATE FUNCTION access.can_enter_in_error(p_case uuid, p_author uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c, access.context() x
                    WHERE c.id = p_case AND access.is_case_staff(x, c)
                      AND (x.can_read_all_cases OR c.team_id = ANY (x.supervised_team_ids)
                           OR x.worker_id IN (c.lead_worker_id, p_author)))
$$;
COMMENT ON FUNCTION access.can_enter_in_error(uuid, uuid) IS
    'Returns whether the caller can mark a record of a case as entered in error. The caller must be staff of the case, and '
    'must also be the author of the record, the lead worker, a supervisor of the team or a programme manager.';

CREATE FUNCTION access.require_mark_alone(p_table text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
DECLARE
    mark constant text[] := '{entered_in_error_at,entered_in_error_by_id,entered_in_error_reason_encrypted}';
    changed constant text[] := access.list_changed_columns(p_before, p_after);
BEGIN
    IF p_before ->> 'entered_in_error_at' IS NOT NULL THEN
        RAISE EXCEPTION 'a row of % that was entered in error is final', p_table
            USING ERRCODE = 'check_violation';
    ELSIF NOT (mark <@ changed AND changed <@ (mark || '{version,updated_at}')) THEN
        RAISE EXCEPTION 'the mark of a row of % changes alone, with its person and reason', p_table
            USING ERRCODE = 'check_violation';
    END IF;
END
$$;
COMMENT ON FUNCTION access.require_mark_alone(text, jsonb, jsonb) IS
    'Raises an error unless a row gets the mark entered in error once, together with no other change. A marked row is '
    'final.';

CREATE FUNCTION access.protect_mark() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM access.require_mark_alone(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.protect_mark() IS
    'Raises an error unless a row that belongs to no case gets the mark entered in error once, together with no other '
    'change. A marked row is final.';

CREATE FUNCTION access.protect_entered_in_error() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM access.require_mark_alone(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW));
    IF NOT EXISTS (SELECT FROM unnest(ARRAY[OLD.case_id, (to_jsonb(OLD) ->> TG_ARGV[1])::uuid]) AS of_record (case_id)
                    WHERE access.can_enter_in_error(of_record.case_id, (to_jsonb(OLD) ->> TG_ARGV[0])::uuid)) THEN
        RAISE EXCEPTION 'only the author, the lead worker and supervisors can mark a row of %', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.protect_entered_in_error() IS
    'Raises an error if a marked row is changed, if the mark entered in error is set together with another change, or if '
    'the caller may not set it. The first argument of the trigger is the column of the author. The second one is the '
    'column of a second case, whose staff may set the mark too.';

CREATE FUNCTION access.prevent_change_of_final_row() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$ BEGIN RAISE EXCEPTION 'a row of % is final', TG_TABLE_NAME USING ERRCODE = 'check_violation'; END $$;
COMMENT ON FUNCTION access.prevent_change_of_final_row() IS
    'Raises an error. The condition of a trigger defines when a row is final, for example when a consent was withdrawn.';

CREATE FUNCTION access.prevent_late_correction() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    recorded_at constant timestamptz := coalesce(to_jsonb(OLD) ->> TG_ARGV[0], to_jsonb(OLD) ->> 'created_at');
BEGIN
    IF recorded_at < clock_timestamp() - interval '24 hours'
       OR OLD.author_id IS DISTINCT FROM (SELECT x.caller_id FROM access.context() x) THEN
        RAISE EXCEPTION 'only its author can correct a row of %, for 24 hours', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_late_correction() IS
    'Raises an error if the caller is not the author of a record, or if 24 hours have passed since the time in the column '
    'that the argument of the trigger names.';

-- The trigger runs with the privileges of the caller, and so do the functions that it calls.
GRANT EXECUTE ON FUNCTION
    access.list_changed_columns(jsonb, jsonb), access.require_listed_change(text, text[], text, text, text[]),
    access.prevent_older_version(text, jsonb, jsonb), access.require_own_name(text, jsonb, jsonb, text[]),
    access.require_own_time(text, jsonb, jsonb, text[]), access.can_enter_in_error(uuid, uuid),
    access.require_mark_alone(text, jsonb, jsonb)
    TO firststep_api;
GRANT EXECUTE ON FUNCTION access.list_changed_columns(jsonb, jsonb) TO firststep_gate;

-- Owned by firststep_gate, so that it reads the plan without row policies. Parts of one plan are written together.
GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.protect_plan_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    status text := (SELECT p.status FROM public.care_plans p WHERE p.id = NEW.plan_id AND p.case_id = NEW.case_id);
BEGIN
    IF status IS NULL THEN
        RAISE EXCEPTION 'the care plan belongs to another case' USING ERRCODE = 'check_violation';
    ELSIF status NOT IN ('draft', 'returned')
          AND (TG_OP = 'INSERT' OR status = 'superseded' OR NOT access.list_changed_columns(to_jsonb(OLD), to_jsonb(NEW))
                   <@ (coalesce(TG_ARGV[0:], '{}') || '{version,updated_at}')) THEN
        RAISE EXCEPTION 'the care plan is %, so that a row of % is frozen', status, TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.protect_plan_part() IS
    'Raises an error if a part of a care plan changes after the submission of the plan, except the columns in the '
    'arguments of the trigger, which record progress. Nothing changes in a superseded plan.';

REVOKE ALL ON FUNCTION access.protect_plan_part() FROM PUBLIC;
-- The owner of a table needs the privilege to create the trigger.
GRANT EXECUTE ON FUNCTION access.protect_plan_part() TO firststep_owner;
RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
