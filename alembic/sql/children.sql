-- A child is seen through a case that is seen.

ALTER TABLE children ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON children TO firststep_api;

CREATE POLICY gate ON children TO firststep_gate USING (true);
CREATE POLICY seen ON children FOR SELECT TO firststep_api, firststep_owner USING (
    EXISTS (SELECT FROM public.cases c WHERE c.child_id = children.id)
);
CREATE POLICY changed ON children FOR UPDATE TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.cases c WHERE c.child_id = children.id))
    WITH CHECK ((SELECT access.is_staff()));
CREATE POLICY made ON children FOR INSERT TO firststep_api WITH CHECK ((SELECT access.is_staff()));
