-- A referral is seen by its own agency's system, by the intake queue's supervisors until a team takes it,
-- by that team's supervisors, by the worker it was handed to, and later through its case.

ALTER TABLE referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON referrals TO firststep_api;

CREATE POLICY gate ON referrals TO firststep_gate USING (true);
CREATE POLICY seen ON referrals FOR SELECT TO firststep_api, firststep_owner USING (
    (SELECT access.sees_every_case())
    OR agency_id = (SELECT access.partner_agency())
    OR team_id = ANY ((SELECT access.supervised_teams())::uuid[])
    OR (team_id IS NULL AND cardinality((SELECT access.supervised_teams())) > 0)
    OR (case_id IS NULL AND (handed_to_id = (SELECT access.worker_id()) OR received_by_id = (SELECT access.worker_id())))
    OR EXISTS (SELECT FROM public.cases c WHERE c.id = referrals.case_id)
);
CREATE POLICY changed ON referrals FOR UPDATE TO firststep_api, firststep_owner
    USING ((SELECT access.is_staff()) OR agency_id = (SELECT access.partner_agency()));
CREATE POLICY received ON referrals FOR INSERT TO firststep_api
    WITH CHECK ((SELECT access.is_staff()) OR agency_id = (SELECT access.partner_agency()));
