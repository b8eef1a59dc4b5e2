-- A referral is seen by its own agency's system; until it is accepted by the managers, by the intake queue's
-- supervisors until a team takes it, by that team's supervisors, by the worker it was handed to or who typed it in;
-- and from then on through its case only: the wall, and a transfer, hold for it too.

ALTER TABLE referrals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON referrals TO firststep_api;

CREATE POLICY gate ON referrals TO firststep_gate USING (true);
DO $$
DECLARE
    seen constant text := $seen$
        agency_id = (SELECT access.partner_agency())
        OR (case_id IS NULL AND (
            (SELECT access.sees_every_case())
            OR team_id = ANY ((SELECT access.supervised_teams())::uuid[])
            OR (team_id IS NULL AND cardinality((SELECT access.supervised_teams())) > 0)
            OR handed_to_id = (SELECT access.worker_id())
            OR received_by_id = (SELECT access.worker_id())))
        OR EXISTS (SELECT FROM public.cases c WHERE c.id = referrals.case_id)
    $seen$;
BEGIN
    EXECUTE format('CREATE POLICY seen ON referrals FOR SELECT TO firststep_api, firststep_owner USING (%s)', seen);
    EXECUTE format('CREATE POLICY changed ON referrals FOR UPDATE TO firststep_api, firststep_owner
                    USING (%s)
                    WITH CHECK ((SELECT access.is_staff()) OR agency_id = (SELECT access.partner_agency()))', seen);
END
$$;
CREATE POLICY received ON referrals FOR INSERT TO firststep_api
    WITH CHECK ((SELECT access.is_staff()) OR agency_id = (SELECT access.partner_agency()));
