-- Find the children of a record and the bounds of an interval, so that queries of the access log can use an index.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- An id belongs to more than one row if the record is a link between two children, or if a table shares the ids of
-- another one, such as the contents of documents.
CREATE FUNCTION access.resolve_records(p_ids uuid[])
RETURNS TABLE (record_id uuid, kind text, child_id uuid, case_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
    SELECT id, 'child', id, NULL::uuid FROM public.children WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'case', child_id, id FROM public.cases WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'case_link', child_id, case_id FROM public.case_links WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'case_link', linked_child_id, linked_case_id FROM public.case_links WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'case_sibling', child_id, case_id FROM public.case_siblings WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'case_sibling', sibling_child_id, sibling_case_id
                 FROM public.case_siblings WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'action', child_id, case_id FROM public.actions WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'alert', child_id, case_id FROM public.alerts WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'assessment', child_id, case_id FROM public.assessments WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'break_glass', child_id, case_id FROM public.break_glass WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'care_plan', child_id, case_id FROM public.care_plans WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'case_history', child_id, case_id FROM public.case_history WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'clinical_handover', child_id, case_id FROM public.clinical_handovers WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'clinical_note', child_id, case_id FROM public.clinical_notes WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'consent', child_id, case_id FROM public.consents WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'disbursement', child_id, case_id FROM public.disbursements WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'disbursement_words', child_id, case_id FROM public.disbursement_details WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'document', child_id, case_id FROM public.documents WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'document_content', child_id, case_id FROM public.document_contents WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'exit_plan', child_id, case_id FROM public.exit_plans WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'feedback', child_id, case_id FROM public.feedback WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'follow_up', child_id, case_id FROM public.follow_ups WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'goal', child_id, case_id FROM public.goals WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'legal_step', child_id, case_id FROM public.legal_steps WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'person', child_id, case_id FROM public.people WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'plan_area', child_id, case_id FROM public.plan_areas WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'record_change', child_id, case_id FROM public.record_changes WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'referral', child_id, case_id FROM public.referrals WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'review', child_id, case_id FROM public.reviews WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'service_referral', child_id, case_id FROM public.service_referrals WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'session_addendum', child_id, case_id FROM public.session_addenda WHERE id = ANY (p_ids)
     UNION ALL SELECT id, 'support_session', child_id, case_id FROM public.support_sessions WHERE id = ANY (p_ids)
     UNION ALL SELECT q.id, 'referral_question', r.child_id, r.case_id
                 FROM public.referral_questions q JOIN public.referrals r ON r.id = q.referral_id
                WHERE q.id = ANY (p_ids)
$$;
COMMENT ON FUNCTION access.resolve_records(uuid[]) IS
    'Returns kind, child and case of the records with the given ids, in all tables with data about children. A link '
    'between two children has one row for each. Child and case are NULL for a referral that is not accepted yet.';

-- The log has no index on the record of an entry with a child, because it would slow down every request. Readers of the log
-- therefore resolve the children of a record, and read the entries of these children by index.
CREATE FUNCTION access.list_children_of_record(p_record uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = '' SET plan_cache_mode = force_generic_plan
AS $$
    SELECT r.child_id
      FROM access.context() x, access.resolve_records(ARRAY[p_record]) r
     WHERE r.child_id IS NOT NULL
       AND (x.can_read_access_log
            OR EXISTS (SELECT FROM public.cases c
                        WHERE c.child_id = r.child_id AND c.team_id = ANY (x.supervised_team_ids)
                          AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id)))
     UNION
    SELECT other.child_id
      FROM access.context() x, access.resolve_records(ARRAY[p_record]) r
      JOIN public.child_merges g ON r.case_id = ANY (g.case_ids) AND r.child_id IN (g.kept_child_id, g.merged_child_id)
     CROSS JOIN LATERAL (VALUES (g.kept_child_id), (g.merged_child_id)) AS other (child_id)
     WHERE x.can_read_access_log
$$;
COMMENT ON FUNCTION access.list_children_of_record(uuid) IS
    'Returns the children that a record is about. A data protection officer receives all of them, including those to whom '
    'a merge moved the record or from whom it moved it. A supervisor receives only children with a visible case of a '
    'supervised team.';

CREATE FUNCTION access.list_referral_records(p_record uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = '' SET plan_cache_mode = force_generic_plan
AS $$
    SELECT record.id
      FROM access.context() x, public.referrals r
     CROSS JOIN LATERAL (
        SELECT r.id UNION ALL SELECT q.id FROM public.referral_questions q WHERE q.referral_id = r.id
     ) record
     WHERE (r.child_id = p_record OR r.case_id = p_record)
       AND (x.can_read_access_log
            OR EXISTS (SELECT FROM public.cases c
                        WHERE c.id = r.case_id AND c.team_id = ANY (x.supervised_team_ids)
                          AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id)))
$$;
COMMENT ON FUNCTION access.list_referral_records(uuid) IS
    'Returns the ids of the referrals of a child or a case, and of their questions. Entries about them have no child if '
    'they were written before the acceptance. A supervisor receives only referrals of visible cases of supervised teams.';

-- The function reads all events. In a query of a supervisor, LIMIT counts only visible events, so that PostgreSQL could
-- read the whole log before it finds enough of them.
CREATE FUNCTION access.find_earlier_event(p_event uuid, p_event_count integer) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan
AS $$
    SELECT e.id
      FROM access.context() x
     CROSS JOIN LATERAL (
        SELECT id FROM public.access_events
         WHERE id < coalesce(p_event, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
         ORDER BY id DESC LIMIT 1 OFFSET p_event_count
     ) e
     WHERE x.can_read_access_log OR cardinality(x.supervised_team_ids) > 0
$$;
COMMENT ON FUNCTION access.find_earlier_event(uuid, integer) IS
    'Returns the id of the access event that is p_event_count + 1 events before p_event, or before the end of the log '
    'if p_event is NULL. Returns NULL if the log has fewer events, or if the caller cannot read the access log.';

REVOKE ALL ON FUNCTION
    access.resolve_records(uuid[]), access.list_children_of_record(uuid), access.list_referral_records(uuid),
    access.find_earlier_event(uuid, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.list_children_of_record(uuid), access.list_referral_records(uuid), access.find_earlier_event(uuid, integer)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
