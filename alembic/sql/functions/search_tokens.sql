-- Shorten the tokens of the application, which have 18 bits, to the length of this installation. The statement that
-- stores or searches tokens reads the length, so that a changed length applies immediately.

CREATE FUNCTION access.shorten_tokens_to_store(p_tokens integer[]) RETURNS SETOF integer LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT DISTINCT t.token >> (18 - l.bits)
      FROM public.name_token_lengths l, unnest(p_tokens) AS t (token)
     WHERE l.is_current;
END;
COMMENT ON FUNCTION access.shorten_tokens_to_store(integer[]) IS
    'Returns the given tokens of 18 bits, shortened to the current length. Rows store the result.';

CREATE FUNCTION access.shorten_tokens_to_search(p_tokens integer[]) RETURNS SETOF integer LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT DISTINCT t.token >> (18 - l.bits)
      FROM public.name_token_lengths l, unnest(p_tokens) AS t (token);
END;
COMMENT ON FUNCTION access.shorten_tokens_to_search(integer[]) IS
    'Returns the given tokens of 18 bits, shortened to each length in use. Searches compare stored tokens with them.';

GRANT EXECUTE ON FUNCTION access.shorten_tokens_to_store(integer[]), access.shorten_tokens_to_search(integer[])
    TO firststep_api;
GRANT EXECUTE ON FUNCTION access.shorten_tokens_to_search(integer[]) TO firststep_gate;

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.list_searchable_contacts(p_child uuid) RETURNS TABLE (id uuid, details_encrypted bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT p.id, p.details_encrypted FROM public.people p
     WHERE p.child_id = p_child AND p.role <> 'other' AND p.entered_in_error_at IS NULL
       AND EXISTS (SELECT FROM public.cases c, access.context() x
                    WHERE c.child_id = p_child AND access.can_read_case(x, c.id, c.team_id, c.lead_worker_id))
$$;
COMMENT ON FUNCTION access.list_searchable_contacts(uuid) IS
    'Returns the encrypted details of the supporters and family members in all cases of a child, also in cases that the '
    'caller cannot see, so that the application can compute all search tokens of the child. Returns no rows unless the '
    'caller can see a case of the child.';

REVOKE ALL ON FUNCTION access.list_searchable_contacts(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.list_searchable_contacts(uuid) TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
