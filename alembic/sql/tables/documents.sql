-- Documents of a case. They never change: firststep_api has no UPDATE. The policies for UPDATE bind the table owner.

ALTER TABLE documents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON documents TO firststep_api;
GRANT SELECT (id, case_id, kind) ON documents TO firststep_gate;

CREATE POLICY gate ON documents FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate ON documents IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY by_tier ON documents FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = documents.case_id
                   AND CASE documents.tier
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN documents.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY by_tier ON documents IS
    'A row is visible in a visible case to callers who read its tier: for case, all readers of the case; for '
    'clinical, the author and the supervisors of the team; for legal, the staff of the case.';

CREATE POLICY added ON documents FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = documents.case_id
                   AND CASE documents.tier
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN documents.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = documents.case_id AND c.child_id = documents.child_id)
    );
COMMENT ON POLICY added ON documents IS
    'A row can be inserted by callers who read its tier: for case, all readers of the case; for clinical, the '
    'author and the supervisors of the team; for legal, the staff of the case, if the case is visible and belongs '
    'to the same child.';

CREATE POLICY in_ones_own_name ON documents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.actor_id()));
COMMENT ON POLICY in_ones_own_name ON documents IS 'The caller can insert a row only with itself as author_id.';

CREATE POLICY changed ON documents FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = documents.case_id
                   AND CASE documents.tier
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN documents.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = documents.case_id
                   AND CASE documents.tier
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN documents.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY changed ON documents IS
    'A row can be updated in a visible case by callers who read its tier: for case, all readers of the case; for '
    'clinical, the author and the supervisors of the team; for legal, the staff of the case, before and after the '
    'change.';

CREATE POLICY by_ones_own_hands ON documents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = documents.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY by_ones_own_hands ON documents IS
    'Only staff of the case can insert a row: break-glass access is read-only.';

CREATE POLICY in_ones_own_hands ON documents AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = documents.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY in_ones_own_hands ON documents IS
    'Only staff of the case can update a row; USING is true so that locking a row does not hide it from a '
    'break-glass reader.';

CREATE POLICY custodian ON documents TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON documents IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';
