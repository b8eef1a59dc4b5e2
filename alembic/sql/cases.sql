-- The one place where it is decided who sees a case; every other table of a child asks this one.

ALTER TABLE cases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON cases TO firststep_api;

CREATE POLICY gate ON cases TO firststep_gate USING (true);

-- The same for a change as for a look: an UPDATE without WHERE reads nothing, and asks no policy for SELECT.
DO $$
DECLARE
    seen constant text := $seen$
        ((SELECT access.sees_every_case())
         OR team_id = ANY ((SELECT access.supervised_teams())::uuid[])
         OR lead_worker_id = (SELECT access.worker_id())
     OR id = ANY ((SELECT access.worked_cases())::uuid[]))
        AND NOT (id = ANY ((SELECT access.walled_cases())::uuid[]))
    $seen$;
BEGIN
    EXECUTE format('CREATE POLICY seen ON cases FOR SELECT TO firststep_api, firststep_owner USING (%s)', seen);
    EXECUTE format('CREATE POLICY changed ON cases FOR UPDATE TO firststep_api, firststep_owner
                    USING (%s) WITH CHECK ((SELECT access.is_staff()))', seen);
END
$$;
CREATE POLICY opened ON cases FOR INSERT TO firststep_api WITH CHECK ((SELECT access.is_staff()));
