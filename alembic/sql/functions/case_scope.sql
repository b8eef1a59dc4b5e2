-- Compute the cases that a caller works with and the cases that the conflict wall hides, and answer questions about
-- cases that the caller cannot see.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE TYPE access.case_scope AS (
    assigned_case_ids uuid[], break_glass_case_ids uuid[], conflict_wall_case_ids uuid[]
);
COMMENT ON TYPE access.case_scope IS
    'The cases of a worker that the columns of cases do not show: cases as a co-worker, with unexpired break-glass '
    'access, and behind the conflict wall.';

-- The conflict wall separates children, not single cases. It also hides cases that are opened later for a linked child,
-- and work on a closed case counts as work with the child. This query runs only for a worker whose children have links.
CREATE FUNCTION access.list_conflict_wall_case_ids(
    p_worker uuid, p_teams uuid[], p_assigned uuid[], p_break_glass uuid[], p_children uuid[], p_can_read_all boolean
) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH linked (child_id, other_child_id) AS (
        SELECT child_id, linked_child_id FROM public.case_links
         WHERE child_id = ANY (p_children) AND entered_in_error_at IS NULL
         UNION ALL
        SELECT linked_child_id, child_id FROM public.case_links
         WHERE linked_child_id = ANY (p_children) AND entered_in_error_at IS NULL
    ), hidden AS (
        -- Cases of a child that is linked with a child the caller works with.
        SELECT other.id
          FROM public.cases own
          JOIN linked l ON l.child_id = own.child_id
          JOIN public.cases other ON other.child_id = l.other_child_id
         WHERE (own.lead_worker_id = p_worker OR own.id = ANY (p_assigned))
           AND NOT (own.team_id = ANY (p_teams) AND other.team_id = ANY (p_teams))
         UNION
        -- Cases that the caller opened by break-glass, if their child is linked with a child whose case the caller
        -- supervises or also opened by break-glass.
        SELECT other.id
          FROM public.cases other
          JOIN linked l ON l.child_id = other.child_id
          JOIN public.cases own ON own.child_id = l.other_child_id
         WHERE other.id = ANY (p_break_glass) AND NOT p_can_read_all
           AND (own.team_id = ANY (p_teams) OR own.id = ANY (p_break_glass))
           AND NOT (other.team_id = ANY (p_teams) OR other.lead_worker_id = p_worker OR other.id = ANY (p_assigned))
    )
    SELECT coalesce(array_agg(id), '{}') FROM hidden
$$;
COMMENT ON FUNCTION access.list_conflict_wall_case_ids(uuid, uuid[], uuid[], uuid[], uuid[], boolean) IS
    'Returns the ids of the cases that the conflict wall hides from a worker. These are the cases of a child that is '
    'linked with a child with whom the worker works (unless the worker supervises both teams), and the cases that the '
    'worker opened by break-glass whose child is linked with a child whose case the worker supervises or also opened by '
    'break-glass. p_children are the children of the cases that the worker leads, is assigned to or opened by break-glass.';

-- Every request calls this function. It looks up the links of the worker's children by index, so that its cost does not
-- depend on the number of links in the database.
CREATE FUNCTION access.compute_case_scope(p_worker uuid, p_teams uuid[], p_can_read_all boolean)
RETURNS access.case_scope
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    scope access.case_scope := ROW ('{}', '{}', '{}');
    children uuid[];
BEGIN
    IF p_worker IS NULL THEN
        RETURN scope;
    END IF;
    scope.assigned_case_ids := ARRAY (SELECT w.case_id FROM public.case_workers w WHERE w.user_id = p_worker);
    scope.break_glass_case_ids := ARRAY (SELECT b.case_id FROM public.break_glass b
                                          WHERE b.user_id = p_worker AND b.expires_at > clock_timestamp());
    children := ARRAY (
        SELECT c.child_id FROM public.cases c WHERE c.lead_worker_id = p_worker
         UNION ALL
        SELECT c.child_id FROM public.cases c
         WHERE c.id = ANY (scope.assigned_case_ids || scope.break_glass_case_ids));
    IF EXISTS (SELECT FROM public.case_links l WHERE l.child_id = ANY (children))
       OR EXISTS (SELECT FROM public.case_links l WHERE l.linked_child_id = ANY (children)) THEN
        scope.conflict_wall_case_ids := access.list_conflict_wall_case_ids(
            p_worker, p_teams, scope.assigned_case_ids, scope.break_glass_case_ids, children, p_can_read_all);
    END IF;
    RETURN scope;
END
$$;
COMMENT ON FUNCTION access.compute_case_scope(uuid, uuid[], boolean) IS
    'Returns the case scope of a social worker or supervisor who supervises the given teams. Without a worker, the '
    'scope is empty.';

CREATE FUNCTION access.can_read_case_of_child(x public.access_contexts, p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c
                    WHERE c.child_id = p_child AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id))
$$;
COMMENT ON FUNCTION access.can_read_case_of_child(access_contexts, uuid) IS
    'Returns whether the caller can read a case of a child.';

CREATE FUNCTION access.violates_conflict_wall(p_child uuid, p_workers uuid[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM access.context() x,
                    (SELECT linked_child_id AS child_id FROM public.case_links
                      WHERE child_id = p_child AND entered_in_error_at IS NULL
                      UNION
                     SELECT child_id FROM public.case_links
                      WHERE linked_child_id = p_child AND entered_in_error_at IS NULL) l
          JOIN public.cases c ON c.child_id = l.child_id
         WHERE x.is_staff
           AND (x.act = 'referral.accept'
                OR (x.act IN ('case.assign', 'case.transfer', 'case.reopen', 'user.hand_over') AND access.can_read_case_of_child(x, p_child)))
           AND (c.lead_worker_id = ANY (p_workers)
                OR EXISTS (SELECT FROM public.case_workers w WHERE w.case_id = c.id AND w.user_id = ANY (p_workers))))
$$;
COMMENT ON FUNCTION access.violates_conflict_wall(uuid, uuid[]) IS
    'Returns whether any of the workers works, or worked, with a child that is linked with the given child. Assigning '
    'such a worker would violate the conflict wall. Always false unless the act of the access assigns workers to a case '
    'of the child that the caller can read, or accepts a referral, and the caller is staff.';

CREATE FUNCTION access.has_open_work(p_case uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM public.cases c WHERE c.id = p_case AND c.status <> 'closed')
        OR EXISTS (SELECT FROM public.follow_ups f WHERE f.case_id = p_case AND f.status IN ('due', 'missed'))
        OR EXISTS (SELECT FROM public.legal_steps s
                    WHERE s.case_id = p_case AND s.status = 'planned' AND s.entered_in_error_at IS NULL)
        OR EXISTS (SELECT FROM public.service_referrals r
                    WHERE r.case_id = p_case
                      AND (r.status IN ('sent', 'accepted')
                           OR r.recall_requested_at IS NOT NULL AND r.recalled_at IS NULL))
$$;
COMMENT ON FUNCTION access.has_open_work(uuid) IS
    'Returns whether a case is open, or is closed with open follow-ups, planned legal steps, or service referrals without '
    'an outcome or with shared data to recall.';

CREATE FUNCTION access.children_share_worker(p_child uuid, p_other uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH work AS (
        SELECT c.child_id, c.id, c.lead_worker_id AS worker_id
          FROM public.cases c WHERE c.child_id IN (p_child, p_other)
         UNION ALL
        SELECT c.child_id, c.id, w.user_id
          FROM public.cases c JOIN public.case_workers w ON w.case_id = c.id WHERE c.child_id IN (p_child, p_other)
    )
    SELECT EXISTS (SELECT FROM access.context() x, work one JOIN work two USING (worker_id)
                    WHERE x.act = 'case.link' AND access.can_read_case_of_child(x, p_child)
                      AND access.can_read_case_of_child(x, p_other) AND one.child_id = p_child AND two.child_id = p_other
                      AND (access.has_open_work(one.id) OR access.has_open_work(two.id)))
$$;
COMMENT ON FUNCTION access.children_share_worker(uuid, uuid) IS
    'Returns whether linking two children would hide a case with open work from its own worker, because that worker also '
    'works, or worked, with the other child. Always false unless the act of the access is case.link, and the caller can '
    'read a case of both children.';

CREATE FUNCTION access.has_open_case(p_child uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM access.context() x, public.cases c
                    WHERE x.is_staff
                      AND (x.act = 'referral.accept'
                           OR (x.act = 'case.reopen' AND access.can_read_case_of_child(x, p_child)))
                      AND c.child_id = p_child AND c.status <> 'closed')
$$;
COMMENT ON FUNCTION access.has_open_case(uuid) IS
    'Returns whether a child has an open case, even one that the caller cannot see, so that no child gets two open cases. '
    'Always false unless the act of the access is referral.accept, or case.reopen for a child of which the caller can read '
    'a case.';

CREATE FUNCTION access.cancel_open_follow_ups(p_child uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
BEGIN
    UPDATE public.follow_ups f
       SET status = 'cancelled', cancelled_by_case_id = o.id, version = f.version + 1, updated_at = clock_timestamp()
      FROM public.cases c, public.cases o
     WHERE f.child_id = p_child AND c.id = f.case_id AND c.status = 'closed' AND f.status IN ('due', 'missed')
       AND o.child_id = p_child AND o.status <> 'closed'
       AND context.is_staff AND context.act IN ('referral.accept', 'case.reopen');
END
$$;
COMMENT ON FUNCTION access.cancel_open_follow_ups(uuid) IS
    'Cancels the follow-ups that were not held in the closed cases of a child, including cases that the caller cannot see. '
    'Has no effect unless the caller is accepting a referral or reopening a case, and the child has an open case.';

CREATE FUNCTION access.restore_follow_ups(p_case uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
BEGIN
    UPDATE public.follow_ups f
       SET status = CASE WHEN f.held_on IS NULL THEN 'due' ELSE 'missed' END, cancelled_by_case_id = NULL,
           version = f.version + 1, updated_at = clock_timestamp()
      FROM public.cases c
     WHERE f.cancelled_by_case_id = p_case AND f.status = 'cancelled' AND f.child_id = c.child_id
       AND c.id = p_case AND c.status = 'closed' AND context.act = 'referral.detach'
       AND access.can_read_case(context, c.id, c.team_id, c.lead_worker_id)
       AND NOT EXISTS (SELECT FROM public.cases o WHERE o.child_id = c.child_id AND o.status <> 'closed')
       AND NOT EXISTS (SELECT FROM public.consents e
                        WHERE e.case_id = f.case_id AND 'follow_up_contact' = ANY (e.scope)
                          AND e.entered_in_error_at IS NULL AND (e.status = 'refused' OR e.withdrawn_at IS NOT NULL)
                          AND coalesce(e.withdrawn_at, e.created_at) > f.updated_at);
END
$$;
COMMENT ON FUNCTION access.restore_follow_ups(uuid) IS
    'Opens the follow-ups again that the opening of a case cancelled, including those of cases that the caller cannot see. '
    'A follow-up that was refused in the meantime stays cancelled. Has no effect unless the caller detaches a referral, '
    'the case is closed and visible, and the child has no open case.';

CREATE FUNCTION access.end_clinical_handovers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.clinical_handovers SET ended_at = clock_timestamp()
     WHERE case_id = NEW.id AND ended_at IS NULL AND worker_id <> NEW.lead_worker_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION access.end_clinical_handovers() IS
    'Ends the clinical handovers of a case to a worker who has stopped leading it.';

REVOKE ALL ON FUNCTION access.end_clinical_handovers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.end_clinical_handovers() TO firststep_owner;
REVOKE ALL ON FUNCTION
    access.list_conflict_wall_case_ids(uuid, uuid[], uuid[], uuid[], uuid[], boolean),
    access.compute_case_scope(uuid, uuid[], boolean), access.can_read_case_of_child(access_contexts, uuid),
    access.violates_conflict_wall(uuid, uuid[]),
    access.children_share_worker(uuid, uuid), access.has_open_case(uuid), access.has_open_work(uuid),
    access.cancel_open_follow_ups(uuid), access.restore_follow_ups(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.violates_conflict_wall(uuid, uuid[]), access.children_share_worker(uuid, uuid), access.has_open_case(uuid),
    access.cancel_open_follow_ups(uuid), access.restore_follow_ups(uuid)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
