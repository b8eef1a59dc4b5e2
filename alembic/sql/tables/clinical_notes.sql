-- Therapy notes of a support session. Clinical tier.

ALTER TABLE clinical_notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- firststep_api can update only the columns that do not identify the record, its case and its author.
GRANT SELECT, INSERT ON clinical_notes TO firststep_api;
GRANT UPDATE (version, updated_at, sealed) ON clinical_notes TO firststep_api;

CREATE POLICY by_tier ON clinical_notes FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = clinical_notes.case_id
                   AND CASE 'clinical'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN clinical_notes.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY by_tier ON clinical_notes IS
    'A row is visible in a visible case to its author and the supervisors of the team.';

CREATE POLICY added ON clinical_notes FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = clinical_notes.case_id
                   AND CASE 'clinical'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN clinical_notes.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = clinical_notes.case_id AND c.child_id = clinical_notes.child_id)
    );
COMMENT ON POLICY added ON clinical_notes IS
    'A row can be inserted by its author and the supervisors of the team, if the case is visible and belongs to '
    'the same child.';

CREATE POLICY in_ones_own_name ON clinical_notes AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT access.actor_id()));
COMMENT ON POLICY in_ones_own_name ON clinical_notes IS 'The caller can insert a row only with itself as author_id.';

CREATE POLICY changed ON clinical_notes FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = clinical_notes.case_id
                   AND CASE 'clinical'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN clinical_notes.author_id = (SELECT access.worker_id())
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
                 WHERE c.id = clinical_notes.case_id
                   AND CASE 'clinical'
                       WHEN 'case' THEN true
                       WHEN 'clinical' THEN clinical_notes.author_id = (SELECT access.worker_id())
                                            OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                       WHEN 'legal' THEN (SELECT access.sees_every_case())
                                         OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                                         OR c.lead_worker_id = (SELECT access.worker_id())
                                         OR EXISTS (SELECT FROM public.case_workers w
                                                     WHERE w.case_id = c.id AND w.user_id = (SELECT access.worker_id()))
                       ELSE false END)
    );
COMMENT ON POLICY changed ON clinical_notes IS
    'A row can be updated in a visible case by its author and the supervisors of the team, before and after the '
    'change.';

CREATE POLICY by_ones_own_hands ON clinical_notes AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = clinical_notes.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT access.worker_id()))
    );
COMMENT ON POLICY by_ones_own_hands ON clinical_notes IS
    'Only staff of the case can insert a row: break-glass access is read-only. The worker of the session may '
    'write too.';

CREATE POLICY in_ones_own_hands ON clinical_notes AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c
                 WHERE c.id = clinical_notes.case_id
                   AND ((SELECT access.sees_every_case())
                        OR c.team_id = ANY ((SELECT access.supervised_teams())::uuid[])
                        OR c.lead_worker_id = (SELECT access.worker_id())
                        OR c.id = ANY ((SELECT access.co_worked_cases())::uuid[])))
        OR EXISTS (SELECT FROM public.support_sessions s
                    WHERE s.id = session_id AND s.worker_id = (SELECT access.worker_id()))
    );
COMMENT ON POLICY in_ones_own_hands ON clinical_notes IS
    'Only staff of the case can update a row; USING is true so that locking a row does not hide it from a '
    'break-glass reader. The worker of the session may write too.';

CREATE POLICY custodian ON clinical_notes TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian ON clinical_notes IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';

-- A supervisor reads a note and does not therefore write it.
CREATE POLICY written_by_its_author ON clinical_notes AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (author_id = (SELECT access.worker_id()));
COMMENT ON POLICY written_by_its_author ON clinical_notes IS 'Only the author of a note can update it.';
