-- Follow-ups after a case is closed.

ALTER TABLE follow_ups ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api cannot update the columns that identify the record or its case. It can update author_id, because
-- the author is the caller who recorded the follow-up.
GRANT SELECT, INSERT ON follow_ups TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, held_on, author_id, wellbeing, hsb_outcome, conditions_met, conditions_unmet,
    content_encrypted
) ON follow_ups TO firststep_api;
GRANT SELECT (id, child_id, case_id, status, due_on, held_on, cancelled_by_case_id, updated_at, version) ON follow_ups TO firststep_gate;
GRANT UPDATE (version, status, cancelled_by_case_id, updated_at) ON follow_ups TO firststep_gate;
GRANT SELECT (hsb_outcome, conditions_met, conditions_unmet) ON follow_ups TO firststep_reports;

CREATE POLICY gate_role_can_access ON follow_ups TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON follow_ups IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_with_case ON follow_ups FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = follow_ups.case_id AND c.child_id = follow_ups.child_id OFFSET 0)
    );
COMMENT ON POLICY visible_with_case ON follow_ups IS 'A row is visible if its case is visible.';

CREATE POLICY insert_with_visible_case ON follow_ups FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = follow_ups.case_id AND c.child_id = follow_ups.child_id)
    );
COMMENT ON POLICY insert_with_visible_case ON follow_ups IS
    'A row can be inserted if its case is visible and has the same child_id as the row. Restrictive policies limit '
    'this to staff of the case.';

CREATE POLICY update_with_visible_case ON follow_ups FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = follow_ups.case_id AND c.child_id = follow_ups.child_id)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = follow_ups.case_id AND c.child_id = follow_ups.child_id)
    );
COMMENT ON POLICY update_with_visible_case ON follow_ups IS
    'A row can be updated if its case is visible and has the same child_id, before and after the change. Restrictive '
    'policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON follow_ups AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = follow_ups.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON follow_ups IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON follow_ups AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = follow_ups.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON follow_ups IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON follow_ups TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON follow_ups IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON follow_ups FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'due held missed',
        'due held, due missed, missed held, missed missed',
            'held_on author_id wellbeing hsb_outcome conditions_met conditions_unmet content_encrypted',
        'due cancelled, missed cancelled',
            ''
    );
COMMENT ON TRIGGER validate_change ON follow_ups IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE follow_ups ADD CONSTRAINT ck_follow_ups_status CHECK (
    status IN ('due', 'held', 'missed', 'cancelled')
);

ALTER TABLE follow_ups ADD CONSTRAINT ck_follow_ups_hsb_outcome CHECK (
    hsb_outcome IN ('no_further_behaviour', 'further_behaviour', 'unknown')
);

ALTER TABLE follow_ups ADD CONSTRAINT ck_follow_ups_conditions CHECK (
    conditions_met || conditions_unmet <@ '{in_school,confident,friends,safe_home,supporter_able,self_protection}'
    AND NOT conditions_met && conditions_unmet
);
COMMENT ON CONSTRAINT ck_follow_ups_conditions ON follow_ups IS
    'Each condition is met, not met or unanswered.';

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (id, child_id, case_id, months, due_on, held_on, status, wellbeing) ON follow_ups TO firststep_reports;

CREATE POLICY reports_can_count ON follow_ups FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON follow_ups IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';
