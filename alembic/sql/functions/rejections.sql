-- Write the entries of a rejected request. The entries of a successful request contain the records that it read or
-- wrote. The entries of a rejected request contain the records whose ids are in the request.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.find_configuration_kind(p_id uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
    SELECT 'user' FROM public.users WHERE id = p_id
     UNION ALL SELECT 'team' FROM public.teams WHERE id = p_id
     UNION ALL SELECT 'agency' FROM public.agencies WHERE id = p_id
     UNION ALL SELECT 'api_client' FROM public.api_clients WHERE id = p_id
     UNION ALL SELECT 'approval_limit' FROM public.approval_limits WHERE id = p_id
     UNION ALL SELECT 'books_closing' FROM public.books_closings WHERE id = p_id
     UNION ALL SELECT 'caseload_standard' FROM public.caseload_standards WHERE id = p_id
     UNION ALL SELECT 'exchange_rate' FROM public.exchange_rates WHERE id = p_id
     UNION ALL SELECT 'donor_grant' FROM public.donor_grants WHERE id = p_id
     UNION ALL SELECT 'fund' FROM public.funds WHERE id = p_id
     UNION ALL SELECT 'deposit' FROM public.deposits WHERE id = p_id
     UNION ALL SELECT 'fund_transfer' FROM public.fund_transfers WHERE id = p_id
     UNION ALL SELECT 'instrument' FROM public.instruments WHERE id = p_id
     UNION ALL SELECT 'outreach_activity' FROM public.outreach_activities WHERE id = p_id
     UNION ALL SELECT 'outreach_attachment' FROM public.outreach_attachments WHERE id = p_id
     UNION ALL SELECT 'pending_change' FROM public.pending_changes WHERE id = p_id
     UNION ALL SELECT 'provider' FROM public.providers WHERE id = p_id
     UNION ALL SELECT 'release' FROM public.releases WHERE id = p_id
     UNION ALL SELECT 'supervision_action' FROM public.supervision_actions WHERE id = p_id
     UNION ALL SELECT 'supervision_meeting' FROM public.supervision_meetings WHERE id = p_id
     LIMIT 1
$$;
COMMENT ON FUNCTION access.find_configuration_kind(uuid) IS
    'Returns the kind of an account or a record of the configuration, or NULL for any other id. The API cannot execute '
    'the function.';

CREATE FUNCTION access.get_restricted_kind(p_act text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_act = 'case.link' THEN 'case_link'
    WHEN access.is_kind_with_tiers(split_part(p_act, '.', 1)) THEN split_part(p_act, '.', 1) END;
COMMENT ON FUNCTION access.get_restricted_kind(text) IS
    'Returns the kind of record that an act is about, if access log entries about this kind are hidden from some '
    'supervisors of a child, otherwise NULL.';

-- The API receives nothing about the records, because the caller may not know that they exist. The act can reveal more
-- than the named records: a supervisor of one child must not read about an attempt to link it with a child behind the
-- conflict wall, or tried to read a clinical note in the case of another team. The entry therefore gets the kind of the act.
CREATE FUNCTION access.conclude_rejected(
    p_event uuid, p_secret uuid, p_outcome text, p_status integer, p_ids uuid[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
AS $$
DECLARE
    restricted_kind constant text := (
        SELECT access.get_restricted_kind(act) FROM public.access_contexts WHERE event_id = p_event);
BEGIN
    PERFORM access.conclude(
        ARRAY[p_event], ARRAY[p_secret], ARRAY[p_outcome], ARRAY[p_status],
        array_agg(1), array_agg(e.n), array_agg(e.child_id), array_agg(e.case_id),
        array_agg(CASE WHEN e.is_restricted THEN restricted_kind ELSE e.kind END),
        array_agg(CASE WHEN e.is_restricted AND (restricted_kind = 'case_link' OR e.record_id = e.case_id) THEN NULL
                       ELSE e.record_id END),
        array_agg(NULL::jsonb))
      FROM (
        WITH named AS (
            SELECT i.position, r.*
              FROM unnest(p_ids) WITH ORDINALITY AS i (id, position)
              JOIN access.resolve_records(p_ids) r ON r.record_id = i.id
        ), entry AS (
            SELECT min(position) AS position, child_id,
                   (array_agg(case_id ORDER BY position) FILTER (WHERE case_id IS NOT NULL))[1] AS case_id,
                   (array_agg(kind ORDER BY position, kind))[1] AS kind,
                   (array_agg(record_id ORDER BY position, kind))[1] AS record_id
              FROM named
             GROUP BY child_id, CASE WHEN child_id IS NULL THEN record_id END
             UNION ALL
            SELECT 1, NULL, NULL, access.find_configuration_kind(p_ids[1]), p_ids[1]
             WHERE NOT EXISTS (SELECT FROM named)
        )
        SELECT (row_number() OVER (ORDER BY position, child_id))::integer AS n, entry.*,
               restricted_kind IS NOT NULL AND child_id IS NOT NULL AND NOT access.is_kind_with_tiers(kind) AS is_restricted
          FROM entry
      ) e;
END
$$;
COMMENT ON FUNCTION access.conclude_rejected(uuid, uuid, text, integer, uuid[]) IS
    'Concludes the access of a rejected request that contains the given ids. Writes one entry for each child that a given '
    'id belongs to, directly or through a record, and one for each record without a child, or one for the first id if no '
    'id is known. If the act is about a link or about records with tiers, the entries of children contain the kind of the '
    'record.';

REVOKE ALL ON FUNCTION
    access.find_configuration_kind(uuid), access.get_restricted_kind(text),
    access.conclude_rejected(uuid, uuid, text, integer, uuid[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.conclude_rejected(uuid, uuid, text, integer, uuid[]) TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
