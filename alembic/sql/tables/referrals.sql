-- Referrals. Staff see a referral with a case only if they can see the case, so that the conflict wall and transfers of
-- the case apply to the referral too.

ALTER TABLE referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON referrals TO firststep_api;
GRANT UPDATE (
    version, status, updated_at, team_id, handed_to_id, urgency, concern_kind, province_code, identity_changed_by_staff,
    content_encrypted,
    acknowledged_at, child_id, case_id, decided_at, decided_by_id, outcome_encrypted, decline_reason_code,
    decision_reversed_at, decision_reversed_by_id, reversals_encrypted
) ON referrals TO firststep_api;
GRANT SELECT ON referrals TO firststep_gate;

CREATE POLICY gate_role_can_access ON referrals TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON referrals IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_in_scope ON referrals FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE access.can_read_referral(x, agency_id, case_id, team_id, handed_to_id, received_by_id))
        OR EXISTS (SELECT FROM public.cases c WHERE c.id = referrals.case_id OFFSET 0)
    );
COMMENT ON POLICY visible_in_scope ON referrals IS
    'A referral is visible to the partner system of its agency; without a case, to callers who can read the cases of '
    'all teams, to the supervisors of its team (or to all supervisors if it has no team), and to the workers who '
    'received it or whom it is assigned to; with a case, to callers who can see the case.';

CREATE POLICY staff_or_agency_can_insert ON referrals FOR INSERT TO firststep_api
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff OR agency_id = x.partner_agency_id));
COMMENT ON POLICY staff_or_agency_can_insert ON referrals IS
    'Staff can insert any referral. A partner system can insert referrals of its own agency.';

CREATE POLICY case_staff_can_insert ON referrals AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (case_id IS NULL OR access.is_case_staff(case_id));
COMMENT ON POLICY case_staff_can_insert ON referrals IS
    'Only staff of the case can insert a referral that belongs to a case.';

CREATE POLICY update_in_scope ON referrals FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM access.context() x
                 WHERE access.can_read_referral(x, agency_id, case_id, team_id, handed_to_id, received_by_id))
        OR EXISTS (SELECT FROM public.cases c WHERE c.id = referrals.case_id)
    )
    WITH CHECK (EXISTS (SELECT FROM access.context() x WHERE x.is_staff OR agency_id = x.partner_agency_id));
COMMENT ON POLICY update_in_scope ON referrals IS
    'A visible referral can be updated by staff and by the partner system of its agency. Restrictive policies limit '
    'this to staff of the case once the referral belongs to one.';

CREATE POLICY case_staff_can_update ON referrals AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (case_id IS NULL OR access.is_case_staff(case_id));
COMMENT ON POLICY case_staff_can_update ON referrals IS
    'Only staff of a case can add a referral to the case, and update a referral that belongs to it (WITH CHECK). '
    'USING is true because it also filters SELECT FOR SHARE, which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON referrals TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON referrals IS
    'The table owner can access all rows during a key rotation or a rebuild of the search tokens (see '
    'access.open_as_custodian()).';

CREATE TRIGGER prevent_reassignment BEFORE UPDATE ON referrals FOR EACH ROW
    WHEN (OLD.case_id IS NOT NULL) EXECUTE FUNCTION access.prevent_reassignment('case_id');
COMMENT ON TRIGGER prevent_reassignment ON referrals IS
    'Rejects an update of a referral that belongs to a case by a caller who is not staff of that case.';

CREATE TRIGGER validate_change BEFORE INSERT OR UPDATE ON referrals FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change(
        'received',
        'received received, acknowledged acknowledged, information_requested information_requested',
            'team_id handed_to_id urgency concern_kind province_code identity_changed_by_staff content_encrypted',
        'received acknowledged',
            'acknowledged_at team_id handed_to_id',
        'acknowledged information_requested, information_requested acknowledged',
            '',
        'acknowledged accepted',
            'child_id case_id team_id decided_at decided_by_id outcome_encrypted',
        'received declined, acknowledged declined, information_requested declined, received withdrawn, acknowledged withdrawn, information_requested withdrawn',
            'decided_at decided_by_id decline_reason_code outcome_encrypted',
        'declined acknowledged',
            'acknowledged_at decided_at decided_by_id decline_reason_code outcome_encrypted decision_reversed_at decision_reversed_by_id reversals_encrypted',
        'accepted accepted',
            'team_id',
        'accepted acknowledged',
            'child_id case_id decided_at decided_by_id outcome_encrypted decision_reversed_at decision_reversed_by_id reversals_encrypted'
    );
COMMENT ON TRIGGER validate_change ON referrals IS
    'Rejects every change of the status or of a column that is not in the arguments of the trigger.';

ALTER TABLE referrals ADD CONSTRAINT ck_referrals_status CHECK (
    status IN ('received', 'acknowledged', 'information_requested', 'accepted', 'declined', 'withdrawn')
);

-- The reports role can read only these columns. They contain no names and no texts.
GRANT SELECT (
    id, child_id, case_id, team_id, source, urgency, concern_kind, status, received_at, acknowledged_at, decided_at,
    decline_reason_code, province_code
) ON referrals TO firststep_reports;

CREATE POLICY reports_can_count ON referrals FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_report_team(x, referrals.team_id)));
COMMENT ON POLICY reports_can_count ON referrals IS
    'A report counts the referrals of all teams, or for a supervisor those of the supervised teams.';
