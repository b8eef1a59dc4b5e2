-- Merge the record of a child into another record of the same child, and undo it. A merge moves the cases: the foreign keys
-- of the records of a case contain the child, and update it with the case.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.supervises_case_of_child(x public.access_contexts, p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT x.is_staff AND EXISTS (
        SELECT FROM public.cases c
         WHERE c.child_id = p_child AND (x.can_read_all_cases OR c.team_id = ANY (x.supervised_team_ids))
           AND c.id <> ALL (x.conflict_wall_case_ids))
$$;
COMMENT ON FUNCTION access.supervises_case_of_child(access_contexts, uuid) IS
    'Returns whether the caller is a supervisor of the team of a visible case of a child, or a programme manager who can '
    'see a case of it.';

-- Lock order of every act: the advisory lock for opening cases of a child, cases by id, children by id.
-- The finance acts lock a disbursement before its case, so that the disbursements are locked before the keys of the cases
-- change.
CREATE FUNCTION access.lock_cases_of_children(p_children uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM access.context() x WHERE x.is_staff AND x.act IN ('child.merge', 'child.unmerge')) THEN
        RAISE EXCEPTION 'the act of the access locks no cases of children'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM FROM public.cases c WHERE c.child_id = ANY (p_children) ORDER BY c.id FOR NO KEY UPDATE;
    PERFORM FROM public.disbursements d WHERE d.child_id = ANY (p_children) ORDER BY d.id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION access.lock_cases_of_children(uuid[]) IS
    'Locks the cases of children and their disbursements, including those that the caller cannot see. Raises an error '
    'unless the act of the access merges children or undoes a merge.';

CREATE FUNCTION access.list_merge_obstacles(p_child uuid, p_merged uuid) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH caller (may_merge) AS (
        SELECT x.act = 'child.merge' AND access.supervises_case_of_child(x, p_child)
               AND access.supervises_case_of_child(x, p_merged)
          FROM access.context() x
    ), linked (child_id) AS (
        SELECT linked_child_id FROM public.case_links
         WHERE child_id IN (p_child, p_merged) AND entered_in_error_at IS NULL
         UNION
        SELECT child_id FROM public.case_links
         WHERE linked_child_id IN (p_child, p_merged) AND entered_in_error_at IS NULL
    ), relevant (child_id) AS (
        SELECT p_child UNION SELECT p_merged UNION SELECT l.child_id FROM linked l
    ), work (child_id, case_id, worker_id) AS (
        SELECT c.child_id, c.id, c.lead_worker_id FROM public.cases c JOIN relevant USING (child_id)
         UNION ALL
        SELECT c.child_id, c.id, w.user_id
          FROM public.cases c JOIN relevant USING (child_id) JOIN public.case_workers w ON w.case_id = c.id
    )
    SELECT 'not_your_team' WHERE NOT coalesce((SELECT may_merge FROM caller), false)
     UNION ALL
    SELECT 'child_merged' FROM caller
     WHERE may_merge AND EXISTS (SELECT FROM public.children h
                                  WHERE h.id IN (p_child, p_merged) AND h.merged_into_id IS NOT NULL)
     UNION ALL
    SELECT 'two_open_cases' FROM caller
     WHERE may_merge AND 1 < (SELECT count(DISTINCT c.child_id) FROM public.cases c
                               WHERE c.child_id IN (p_child, p_merged) AND c.status <> 'closed')
     UNION ALL
    SELECT 'children_linked' FROM caller
     WHERE may_merge AND EXISTS (SELECT FROM linked l WHERE l.child_id IN (p_child, p_merged))
     UNION ALL
    SELECT 'wall' FROM caller
     WHERE may_merge AND EXISTS (
        SELECT FROM work own JOIN work other USING (worker_id)
         WHERE own.child_id IN (p_child, p_merged) AND other.child_id NOT IN (p_child, p_merged)
           AND (access.has_open_work(own.case_id) OR access.has_open_work(other.case_id)))
$$;
COMMENT ON FUNCTION access.list_merge_obstacles(uuid, uuid) IS
    'Returns the codes of the conditions that prevent the merge of a child into another one: not_your_team unless the '
    'caller supervises a case of both; child_merged if one of them is merged already; two_open_cases; children_linked if a '
    'conflict wall separates them; wall if a worker of one of them works with a child that is linked with the other. '
    'Without permission, only not_your_team is returned.';

CREATE FUNCTION access.merge_children(p_child uuid, p_merged uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := (SELECT x.caller_id FROM access.context() x);
    moved constant uuid[] := ARRAY (SELECT c.id FROM public.cases c WHERE c.child_id = p_merged);
BEGIN
    IF p_child = p_merged OR EXISTS (SELECT FROM access.list_merge_obstacles(p_child, p_merged)) THEN
        RAISE EXCEPTION 'the children cannot be merged' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    INSERT INTO public.child_merges (id, kept_child_id, merged_child_id, case_ids, merged_by_id, merged_at)
    VALUES (gen_random_uuid(), p_child, p_merged, moved, caller, clock_timestamp());
    PERFORM access.move_cases(moved, p_child);
    UPDATE public.children h SET merged_into_id = p_child, version = h.version + 1
     WHERE h.id = p_merged OR h.merged_into_id = p_merged;
    UPDATE public.children h SET version = h.version + 1 WHERE h.id = p_child;
    INSERT INTO public.name_tokens (owner_id, kind, child_id, token)
    SELECT p_child, t.kind, p_child, t.token FROM public.name_tokens t WHERE t.owner_id = p_merged AND t.kind = 'child'
        ON CONFLICT DO NOTHING;
    DELETE FROM public.name_tokens t WHERE t.owner_id = p_merged AND t.kind = 'child';
END
$$;
COMMENT ON FUNCTION access.merge_children(uuid, uuid) IS
    'Moves the cases of p_merged, with their records, and its search tokens to p_child, and keeps a record of the moved '
    'cases. Children that were merged into p_merged follow. Raises an error if access.list_merge_obstacles() returns one.';

CREATE FUNCTION access.move_cases(p_cases uuid[], p_child uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE public.cases c SET child_id = p_child, version = c.version + 1, updated_at = clock_timestamp()
     WHERE c.id = ANY (p_cases);
    UPDATE public.name_tokens t SET child_id = p_child
      FROM public.referrals r
     WHERE r.case_id = ANY (p_cases) AND t.owner_id = r.id AND t.kind = 'accepted_referral';
$$;
COMMENT ON FUNCTION access.move_cases(uuid[], uuid) IS
    'Sets the child of cases, of all their records, and of the search tokens of their referrals.';

CREATE FUNCTION access.list_cases_of_merge(p_child uuid, p_merged uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH RECURSIVE returning_case (id) AS (
        SELECT c.id FROM public.child_merges g JOIN public.cases c ON c.id = ANY (g.case_ids)
         WHERE g.merged_child_id = p_merged AND g.unmerged_at IS NULL AND c.child_id = p_child
         UNION
        SELECT c.id FROM public.cases c JOIN returning_case r ON c.previous_case_id = r.id WHERE c.child_id = p_child
    )
    SELECT id FROM returning_case
$$;
COMMENT ON FUNCTION access.list_cases_of_merge(uuid, uuid) IS
    'Returns the cases of p_child that return to p_merged if the merge is undone: those that the merge moved, and cases '
    'that reopened one of them.';

CREATE FUNCTION access.list_unmerge_obstacles(p_child uuid, p_merged uuid) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH own_case (id, is_returning) AS (
        SELECT c.id, c.id IN (SELECT access.list_cases_of_merge(p_child, p_merged))
          FROM public.cases c, access.context() x
         WHERE c.child_id = p_child AND x.act = 'child.unmerge' AND x.is_staff
           AND (x.can_read_all_cases OR c.team_id = ANY (x.supervised_team_ids))
           AND c.id <> ALL (x.conflict_wall_case_ids)
    ), merge (merged_at) AS (
        SELECT g.merged_at FROM public.child_merges g JOIN public.children h ON h.id = g.merged_child_id
         WHERE g.merged_child_id = p_merged AND g.unmerged_at IS NULL AND h.merged_into_id = p_child
    ), caller (may_unmerge) AS (
        SELECT EXISTS (SELECT FROM own_case WHERE NOT is_returning)
               AND (EXISTS (SELECT FROM own_case WHERE is_returning) OR NOT EXISTS (SELECT FROM merge))
    )
    SELECT 'not_your_team' FROM caller WHERE NOT may_unmerge
     UNION ALL
    SELECT 'not_merged' FROM caller WHERE may_unmerge AND NOT EXISTS (SELECT FROM merge)
     UNION ALL
    SELECT 'unmerge_too_late' FROM caller, merge
     WHERE may_unmerge AND merged_at < clock_timestamp() - interval '90 days'
$$;
COMMENT ON FUNCTION access.list_unmerge_obstacles(uuid, uuid) IS
    'Returns the codes of the conditions that prevent the undoing of a merge: not_your_team unless the caller supervises a '
    'case that returns and one that stays; not_merged; unmerge_too_late after 90 days. Without permission, only '
    'not_your_team is returned.';

CREATE FUNCTION access.unmerge_children(p_child uuid, p_merged uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := (SELECT x.caller_id FROM access.context() x);
    moved constant uuid[] := ARRAY (SELECT access.list_cases_of_merge(p_child, p_merged));
BEGIN
    IF EXISTS (SELECT FROM access.list_unmerge_obstacles(p_child, p_merged)) THEN
        RAISE EXCEPTION 'the merge cannot be undone' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM access.move_cases(moved, p_merged);
    UPDATE public.children h SET merged_into_id = NULL, version = h.version + 1 WHERE h.id = p_merged;
    UPDATE public.children h SET merged_into_id = p_merged, version = h.version + 1
      FROM public.child_merges g
     WHERE g.merged_child_id = h.id AND g.kept_child_id = p_merged AND g.unmerged_at IS NULL AND h.merged_into_id = p_child;
    UPDATE public.children h SET version = h.version + 1 WHERE h.id = p_child;
    UPDATE public.child_merges g SET unmerged_by_id = caller, unmerged_at = clock_timestamp()
     WHERE g.merged_child_id = p_merged AND g.unmerged_at IS NULL;
END
$$;
COMMENT ON FUNCTION access.unmerge_children(uuid, uuid) IS
    'Moves the cases that belonged to p_merged back to it, with their records, and ends the merge; cases that were opened '
    'for p_child after the merge stay, except reopened cases. Raises an error if access.list_unmerge_obstacles() '
    'returns one. The caller must compute the search tokens of both children again.';

CREATE FUNCTION access.is_merged_child(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM access.context() x, public.children h
                    WHERE x.is_staff AND x.act = 'referral.accept' AND h.id = p_child AND h.merged_into_id IS NOT NULL)
$$;
COMMENT ON FUNCTION access.is_merged_child(uuid) IS
    'Returns whether a child was merged into another record, so that no case can be opened for it. Always false unless the '
    'act of the access is referral.accept.';

CREATE FUNCTION access.list_children_in_log(p_child uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = '' SET plan_cache_mode = force_generic_plan
AS $$
    SELECT p_child
     UNION
    SELECT h.id FROM access.context() x, public.children h WHERE x.can_read_access_log AND h.merged_into_id = p_child
$$;
COMMENT ON FUNCTION access.list_children_in_log(uuid) IS
    'Returns a child, and for a data protection officer also the children that are merged into it. The access log of a '
    'child contains the entries of all of them.';

REVOKE ALL ON FUNCTION
    access.supervises_case_of_child(access_contexts, uuid), access.lock_cases_of_children(uuid[]),
    access.list_merge_obstacles(uuid, uuid), access.merge_children(uuid, uuid), access.move_cases(uuid[], uuid),
    access.list_cases_of_merge(uuid, uuid), access.list_unmerge_obstacles(uuid, uuid),
    access.unmerge_children(uuid, uuid), access.is_merged_child(uuid), access.list_children_in_log(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.lock_cases_of_children(uuid[]), access.list_merge_obstacles(uuid, uuid), access.merge_children(uuid, uuid),
    access.list_unmerge_obstacles(uuid, uuid), access.unmerge_children(uuid, uuid), access.is_merged_child(uuid),
    access.list_children_in_log(uuid)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
