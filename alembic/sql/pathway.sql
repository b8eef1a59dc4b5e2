-- What a worker writes on the way from assessment to follow-up: seen through the case, written through the case.

DO $$
DECLARE
    name text;
    here text;
BEGIN
    FOREACH name IN ARRAY ARRAY['assessments', 'care_plans', 'plan_areas', 'goals', 'actions', 'support_sessions',
                                'service_referrals', 'reviews', 'exit_plans', 'follow_ups'] LOOP
        here := format('EXISTS (SELECT FROM public.cases c WHERE c.id = %1$I.case_id AND c.child_id = %1$I.child_id)', name);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO firststep_api', name);
        EXECUTE format('CREATE POLICY through_the_case ON %I FOR SELECT TO firststep_api, firststep_owner USING (%s)', name, here);
        EXECUTE format('CREATE POLICY added ON %I FOR INSERT TO firststep_api WITH CHECK (%s)', name, here);
        EXECUTE format('CREATE POLICY changed ON %I FOR UPDATE TO firststep_api, firststep_owner USING (%s) WITH CHECK (%s)',
                       name, here, here);
        EXECUTE format('CREATE POLICY custodian ON %I TO firststep_owner USING ((SELECT access.is_custodian()))', name);
    END LOOP;
END
$$;

-- What others rely on is frozen: from its submission nothing of what was written changes, only what is decided on it.
-- The owner, as custodian, may seal the same words under another key.
CREATE FUNCTION access.refuse_thaw() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    decision constant text[] := ARRAY['status', 'version', 'updated_at', 'submitted_at', 'submitted_by_id', 'decided_at',
                                      'decided_by_id', 'decision_sealed'];
BEGIN
    IF current_user <> 'firststep_owner' AND OLD.status IN ('submitted', 'approved', 'superseded')
       AND to_jsonb(NEW) - decision IS DISTINCT FROM to_jsonb(OLD) - decision THEN
        RAISE EXCEPTION '% that was submitted is frozen', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER frozen BEFORE UPDATE ON assessments FOR EACH ROW EXECUTE FUNCTION access.refuse_thaw();
CREATE TRIGGER frozen BEFORE UPDATE ON care_plans FOR EACH ROW EXECUTE FUNCTION access.refuse_thaw();

-- Whoever wrote on a draft does not decide on it: the database remembers who did, whichever service let them. (An exit
-- plan is written anew as a whole: only its last writer wrote it.)
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
CREATE TRIGGER contributed BEFORE UPDATE ON assessments FOR EACH ROW EXECUTE FUNCTION access.note_contributor();
CREATE TRIGGER contributed BEFORE UPDATE ON care_plans FOR EACH ROW EXECUTE FUNCTION access.note_contributor();

-- A case never goes without a next review while it is active, whatever happens at the same time.
ALTER TABLE cases ADD CONSTRAINT ck_cases_active_is_reviewed CHECK (status <> 'active' OR next_review_on IS NOT NULL);
ALTER TABLE cases ADD CONSTRAINT ck_cases_status
    CHECK (status IN ('assessment', 'planning', 'active', 'exiting', 'closed'));

ALTER TABLE assessments ADD CONSTRAINT ck_assessments_status
    CHECK (status IN ('draft', 'submitted', 'returned', 'approved'));
ALTER TABLE assessments ADD CONSTRAINT ck_assessments_subject CHECK (subject IN ('child', 'supporter', 'family'));
ALTER TABLE assessments ADD CONSTRAINT ck_assessments_another_decides CHECK (decided_by_id <> author_id AND decided_by_id <> submitted_by_id
    AND (status = 'returned' OR decided_by_id <> ALL (contributor_ids)));  -- who returned it may write on it then, and decides no more
ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_status
    CHECK (status IN ('draft', 'submitted', 'returned', 'approved', 'superseded'));
ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_subject CHECK (subject IN ('child', 'supporter', 'family'));
ALTER TABLE care_plans ADD CONSTRAINT ck_care_plans_another_decides CHECK (decided_by_id <> author_id AND decided_by_id <> submitted_by_id
    AND (status = 'returned' OR decided_by_id <> ALL (contributor_ids)));  -- who returned it may write on it then, and decides no more
ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_status CHECK (status IN ('draft', 'approved'));
ALTER TABLE exit_plans ADD CONSTRAINT ck_exit_plans_another_decides CHECK (decided_by_id <> author_id AND decided_by_id <> submitted_by_id AND decided_by_id <> ALL (contributor_ids));
ALTER TABLE plan_areas ADD CONSTRAINT ck_plan_areas_rating CHECK (rating BETWEEN 1 AND 4);
ALTER TABLE goals ADD CONSTRAINT ck_goals_status CHECK (status IN ('open', 'achieved', 'dropped'));
ALTER TABLE actions ADD CONSTRAINT ck_actions_status CHECK (status IN ('open', 'done', 'dropped'));
ALTER TABLE support_sessions ADD CONSTRAINT ck_support_sessions_status
    CHECK (status IN ('planned', 'held', 'missed', 'cancelled'));
ALTER TABLE service_referrals ADD CONSTRAINT ck_service_referrals_status
    CHECK (status IN ('draft', 'sent', 'accepted', 'declined', 'completed', 'cancelled'));
ALTER TABLE reviews ADD CONSTRAINT ck_reviews_status CHECK (status IN ('scheduled', 'completed', 'cancelled'));
ALTER TABLE follow_ups ADD CONSTRAINT ck_follow_ups_status CHECK (status IN ('due', 'held', 'missed'));
