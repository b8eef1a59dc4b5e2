-- Feedback of children and caregivers about the support. Readable for its author and for supervisors only, because it can be
-- about the workers of the case. It never changes, except that a supervisor can mark it as entered in error.

ALTER TABLE feedback ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON feedback TO firststep_api;
GRANT UPDATE (
    version, entered_in_error_at, entered_in_error_by_id, entered_in_error_reason_encrypted
) ON feedback TO firststep_api;
GRANT SELECT (id, child_id, case_id) ON feedback TO firststep_gate;
-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (
    id, child_id, case_id, given_by, rating, occasion, review_id, given_on, helped_by, entered_in_error_at
) ON feedback TO firststep_reports;

CREATE POLICY gate_role_can_read ON feedback FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON feedback IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY reports_can_count ON feedback FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON feedback IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';

CREATE POLICY visible_to_author_and_supervisors ON feedback FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = feedback.case_id
                   AND (feedback.author_id = x.caller_id OR c.team_id = ANY (x.supervised_team_ids)
                        OR x.can_read_all_cases) OFFSET 0)
    );
COMMENT ON POLICY visible_to_author_and_supervisors ON feedback IS
    'A row is visible if its case is visible, and the caller is the author, a supervisor of the team or can read the cases '
    'of all teams. The other workers of the case cannot read it.';

CREATE POLICY insert_with_visible_case ON feedback FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = feedback.case_id AND c.child_id = feedback.child_id)
        AND (review_id IS NULL
             OR EXISTS (SELECT FROM public.reviews r WHERE r.id = review_id AND r.case_id = feedback.case_id))
    );
COMMENT ON POLICY insert_with_visible_case ON feedback IS
    'A row can be inserted if its case is visible and has the same child_id as the row, and its review belongs to the case. '
    'Restrictive policies limit this to staff of the case.';

CREATE POLICY author_is_caller ON feedback AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON feedback IS 'author_id of a new row must be the caller.';

CREATE POLICY case_staff_can_insert ON feedback AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = feedback.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON feedback IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY supervisor_can_update ON feedback FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = feedback.case_id
                   AND (c.team_id = ANY (x.supervised_team_ids) OR x.can_read_all_cases))
    );
COMMENT ON POLICY supervisor_can_update ON feedback IS
    'Supervisors of the team and callers who can read the cases of all teams can update a row. A trigger excludes the '
    'workers of the case.';

CREATE POLICY case_staff_can_update ON feedback AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = feedback.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON feedback IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON feedback TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON feedback IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE FUNCTION access.prevent_change_by_case_worker() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.cases c, access.context() x
                WHERE c.id = OLD.case_id
                  AND (c.lead_worker_id = x.caller_id
                       OR EXISTS (SELECT FROM public.case_workers w
                                   WHERE w.case_id = c.id AND w.user_id = x.caller_id))) THEN
        RAISE EXCEPTION 'a worker of the case cannot change a row of %', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_change_by_case_worker() IS
    'Raises an error if the caller is the lead worker or a co-worker of the case, whom the feedback can be about.';

CREATE TRIGGER prevent_change_by_case_worker BEFORE UPDATE ON feedback FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.prevent_change_by_case_worker();
COMMENT ON TRIGGER prevent_change_by_case_worker ON feedback IS 'Rejects changes by the workers of the case.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON feedback FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON feedback IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON feedback FOR EACH ROW
    WHEN (current_user = 'firststep_api')
    EXECUTE FUNCTION access.protect_entered_in_error('author_id');
COMMENT ON TRIGGER protect_entered_in_error ON feedback IS
    'Rejects every change except the mark as entered in error, and changes of a marked row.';

ALTER TABLE feedback ADD CONSTRAINT ck_feedback_rating CHECK (rating BETWEEN 1 AND 5);
COMMENT ON CONSTRAINT ck_feedback_rating ON feedback IS 'A rating is a number from 1 to 5.';

ALTER TABLE feedback ADD CONSTRAINT ck_feedback_given_by CHECK (given_by IN ('child', 'caregiver'));

ALTER TABLE feedback ADD CONSTRAINT ck_feedback_occasion CHECK (
    occasion IN ('review', 'exit') AND (review_id IS NULL OR occasion = 'review')
);
COMMENT ON CONSTRAINT ck_feedback_occasion ON feedback IS 'Only feedback at a review has the id of a review.';
