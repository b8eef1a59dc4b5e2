-- Find the children of a record and the bounds of an interval, so that queries of the access log can use an index.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- The log has no index on the record of an entry with a child, because it would slow down every request. Readers of the log
-- therefore resolve the children of a record, and read the entries of these children by index.
CREATE FUNCTION access.list_children_of_record(p_record uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = '' SET plan_cache_mode = force_generic_plan
AS $$
    SELECT DISTINCT r.child_id
      FROM access.context() x, (
        SELECT id AS child_id FROM public.children WHERE id = p_record
        UNION ALL SELECT unnest(ARRAY[child_id, linked_child_id]) FROM public.case_links WHERE id = p_record
        UNION ALL SELECT child_id FROM public.cases WHERE id = p_record
        UNION ALL SELECT child_id FROM public.actions WHERE id = p_record
        UNION ALL SELECT child_id FROM public.assessments WHERE id = p_record
        UNION ALL SELECT child_id FROM public.break_glass WHERE id = p_record
        UNION ALL SELECT child_id FROM public.care_plans WHERE id = p_record
        UNION ALL SELECT child_id FROM public.case_history WHERE id = p_record
        UNION ALL SELECT child_id FROM public.clinical_notes WHERE id = p_record
        UNION ALL SELECT child_id FROM public.consents WHERE id = p_record
        UNION ALL SELECT child_id FROM public.disbursement_details WHERE id = p_record
        UNION ALL SELECT child_id FROM public.disbursements WHERE id = p_record
        UNION ALL SELECT child_id FROM public.document_contents WHERE id = p_record
        UNION ALL SELECT child_id FROM public.documents WHERE id = p_record
        UNION ALL SELECT child_id FROM public.exit_plans WHERE id = p_record
        UNION ALL SELECT child_id FROM public.follow_ups WHERE id = p_record
        UNION ALL SELECT child_id FROM public.goals WHERE id = p_record
        UNION ALL SELECT child_id FROM public.legal_steps WHERE id = p_record
        UNION ALL SELECT child_id FROM public.people WHERE id = p_record
        UNION ALL SELECT child_id FROM public.plan_areas WHERE id = p_record
        UNION ALL SELECT child_id FROM public.referrals WHERE id = p_record
        UNION ALL SELECT child_id FROM public.referral_questions WHERE id = p_record
        UNION ALL SELECT child_id FROM public.reviews WHERE id = p_record
        UNION ALL SELECT child_id FROM public.service_referrals WHERE id = p_record
        UNION ALL SELECT child_id FROM public.session_addenda WHERE id = p_record
        UNION ALL SELECT child_id FROM public.support_sessions WHERE id = p_record
      ) r
     WHERE x.can_read_access_log
        OR EXISTS (SELECT FROM public.cases c
                    WHERE c.child_id = r.child_id AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id))
$$;
COMMENT ON FUNCTION access.list_children_of_record(uuid) IS
    'Returns the children that a record is about. A data protection officer receives all of them, other callers only '
    'children with a case that they can see.';

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

REVOKE ALL ON FUNCTION access.list_children_of_record(uuid), access.find_earlier_event(uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.list_children_of_record(uuid), access.find_earlier_event(uuid, integer)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
