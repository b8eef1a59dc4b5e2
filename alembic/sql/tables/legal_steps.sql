-- Steps of a legal procedure. Legal tier.

ALTER TABLE legal_steps ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api can update only the columns that do not identify the record, its case and its author.
GRANT SELECT, INSERT ON legal_steps TO firststep_api;
GRANT UPDATE (version, kind, status, "on", updated_at, sealed) ON legal_steps TO firststep_api;

CREATE POLICY by_tier ON legal_steps FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = legal_steps.case_id
                   AND CASE 'legal'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN legal_steps.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY by_tier ON legal_steps IS 'A row is visible in a visible case to the staff of the case.';

CREATE POLICY added ON legal_steps FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = legal_steps.case_id
                   AND CASE 'legal'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN legal_steps.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = legal_steps.case_id AND c.child_id = legal_steps.child_id)
    );
COMMENT ON POLICY added ON legal_steps IS
    'A row can be inserted by the staff of the case, if the case is visible and belongs to the same child.';

CREATE POLICY in_ones_own_name ON legal_steps AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.actor_id()));
COMMENT ON POLICY in_ones_own_name ON legal_steps IS 'The caller can insert a row only with itself as author_id.';

CREATE POLICY changed ON legal_steps FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = legal_steps.case_id
                   AND CASE 'legal'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN legal_steps.author_id = (SELECT access.worker_id())
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
                 WHERE c.id = legal_steps.case_id
                   AND CASE 'legal'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN legal_steps.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY changed ON legal_steps IS
    'A row can be updated in a visible case by the staff of the case, before and after the change.';

CREATE POLICY by_ones_own_hands ON legal_steps AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = legal_steps.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY by_ones_own_hands ON legal_steps IS
    'Only staff of the case can insert a row: break-glass access is read-only.';

CREATE POLICY in_ones_own_hands ON legal_steps AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = legal_steps.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
    );
COMMENT ON POLICY in_ones_own_hands ON legal_steps IS
    'Only staff of the case can update a row; USING is true so that locking a row does not hide it from a '
    'break-glass reader.';

CREATE POLICY custodian ON legal_steps TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON legal_steps IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';
