-- Shorten the tokens of the application, which have 18 bits, to the length of this installation. The statement that
-- stores or searches tokens reads the length, so that a changed length applies at once.

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
