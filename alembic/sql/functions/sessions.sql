-- Begin, refresh and end sessions. firststep_api cannot write the table, and reads only the sessions of its caller.
--
-- The password of firststep_api is not sufficient to begin or refresh a session. To begin one, the caller needs a proof
-- that only processes with the key ring can compute. To refresh one, it needs the refresh token, of which the database
-- stores only digests. To end one, the id is sufficient, because this discloses nothing.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

-- The pads are the two padded keys of HMAC (RFC 2104), because PostgreSQL has sha256() but no HMAC. They are derived from
-- the key ring, which they do not reveal.
CREATE FUNCTION access.register_session_key(p_inner_pad bytea, p_outer_pad bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.session_keys (id, inner_pad, outer_pad) VALUES (1, p_inner_pad, p_outer_pad)
    ON CONFLICT DO NOTHING;
    RETURN EXISTS (SELECT FROM public.session_keys k WHERE k.inner_pad = p_inner_pad AND k.outer_pad = p_outer_pad);
END
$$;
COMMENT ON FUNCTION access.register_session_key(bytea, bytea) IS
    'Stores the key that verifies proofs of new sessions, unless one is stored. Returns whether the stored key is the '
    'given one. The server registers its key at every start.';

CREATE FUNCTION access.begin_session(
    p_id uuid, p_user uuid, p_client uuid, p_family_digest bytea, p_refresh_digest bytea, p_idle_seconds integer,
    p_seconds integer, p_proof bytea, p_address text, p_user_agent text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    message constant bytea := convert_to(
        format('%s|%s|%s|%s|%s|%s|%s', p_id, p_user, p_client, encode(p_family_digest, 'hex'),
               encode(p_refresh_digest, 'hex'), p_idle_seconds, p_seconds), 'UTF8');
    at constant timestamptz := clock_timestamp();
    ends_at constant timestamptz := at + make_interval(secs => p_seconds);
BEGIN
    IF NOT EXISTS (SELECT FROM public.session_keys k
                    WHERE sha256(k.outer_pad || sha256(k.inner_pad || message)) = p_proof) THEN
        RAISE EXCEPTION 'the proof of the new session is wrong' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    INSERT INTO public.sessions
        (id, user_id, client_id, family_digest, refresh_digest, created_at, refreshed_at, idle_ends_at, ends_at, address,
         user_agent)
    VALUES
        (p_id, p_user, p_client, p_family_digest, p_refresh_digest, at, at,
         least(at + make_interval(secs => p_idle_seconds), ends_at), ends_at, p_address, p_user_agent);
END
$$;
COMMENT ON FUNCTION access.begin_session(
    uuid, uuid, uuid, bytea, bytea, integer, integer, bytea, text, text
) IS
    'Begins a session of a user or an API client. The proof is an HMAC of the ids, digests and lifetimes with the '
    'session key. It can be used once, because the id of a session is unique.';

CREATE FUNCTION access.match_refresh_token(s public.sessions, p_family text, p_secret text) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT CASE
        WHEN (s.family_digest = sha256(convert_to(p_family, 'UTF8'))) IS NOT TRUE THEN 'unknown'
        WHEN s.revoked_at IS NOT NULL OR s.idle_ends_at <= clock_timestamp()
             OR s.ends_at <= clock_timestamp() + interval '1 second'  -- the shortest lifetime of an access token
             OR NOT EXISTS (SELECT FROM public.users u WHERE u.id = s.user_id AND u.is_active) THEN 'ended'
        WHEN s.refresh_digest = sha256(convert_to(p_secret, 'UTF8')) THEN 'current'
        WHEN s.previous_digest = sha256(convert_to(p_secret, 'UTF8'))
             AND s.refreshed_at > clock_timestamp() - interval '30 seconds' THEN 'previous'
        ELSE 'reused' END
$$;
COMMENT ON FUNCTION access.match_refresh_token(sessions, text, text) IS
    'Compares a refresh token with a session: `unknown` if the token was never issued for the session, `ended` if the session '
    'has ended, `current` for the newest token, `previous` for its predecessor within 30 seconds of the refresh, and '
    '`reused` for every other token of the session.';

CREATE FUNCTION access.find_session_by_token(
    p_session uuid, p_family text, p_secret text, OUT outcome text, OUT user_id uuid
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    found_session public.sessions;
BEGIN
    SELECT s.* INTO found_session FROM public.sessions s WHERE s.id = p_session;
    outcome := access.match_refresh_token(found_session, p_family, p_secret);
    user_id := CASE WHEN outcome <> 'unknown' THEN found_session.user_id END;
END
$$;
COMMENT ON FUNCTION access.find_session_by_token(uuid, text, text) IS
    'Returns how a refresh token matches its session, and the user of the session unless the token is unknown.';

-- The lock makes concurrent refreshes of one session wait for each other: the first one replaces the token, and the others
-- find that theirs is the previous one.
CREATE FUNCTION access.refresh_session(
    p_session uuid, p_family text, p_secret text, p_successor_digest bytea, p_idle_seconds integer,
    OUT outcome text, OUT user_id uuid, OUT age_seconds integer, OUT idle_seconds integer, OUT remaining_seconds integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    locked public.sessions;
BEGIN
    SELECT s.* INTO locked FROM public.sessions s WHERE s.id = p_session FOR NO KEY UPDATE;
    outcome := access.match_refresh_token(locked, p_family, p_secret);
    IF outcome = 'current' THEN
        UPDATE public.sessions s
           SET previous_digest = s.refresh_digest, refresh_digest = p_successor_digest, refreshed_at = clock_timestamp(),
               idle_ends_at = least(clock_timestamp() + make_interval(secs => p_idle_seconds), s.ends_at)
         WHERE s.id = p_session RETURNING s.* INTO locked;
    ELSIF outcome = 'reused' THEN
        UPDATE public.sessions SET revoked_at = clock_timestamp(), revoked_because = 'reused' WHERE id = p_session;
    END IF;
    user_id := CASE WHEN outcome <> 'unknown' THEN locked.user_id END;
    IF outcome IN ('current', 'previous') THEN
        age_seconds := ceil(extract(epoch FROM clock_timestamp() - locked.created_at));
        idle_seconds := floor(extract(epoch FROM locked.idle_ends_at - clock_timestamp()));
        remaining_seconds := floor(extract(epoch FROM locked.ends_at - clock_timestamp()));
    END IF;
END
$$;
COMMENT ON FUNCTION access.refresh_session(uuid, text, text, bytea, integer) IS
    'Replaces the current refresh token of a session by its successor, and returns the age and the remaining lifetimes of '
    'the session. Within 30 seconds the previous token gets the same answer. A reused token revokes the session, and an '
    'unknown token changes nothing.';

CREATE FUNCTION access.revoke_sessions(
    p_user uuid, p_client uuid, p_reason text, p_only uuid DEFAULT NULL, p_except uuid DEFAULT NULL
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    revoked integer;
BEGIN
    UPDATE public.sessions s SET revoked_at = clock_timestamp(), revoked_because = p_reason
     WHERE (s.user_id = p_user OR s.client_id = p_client) AND s.revoked_at IS NULL
       AND (p_only IS NULL OR s.id = p_only) AND s.id IS DISTINCT FROM p_except;
    GET DIAGNOSTICS revoked = ROW_COUNT;
    RETURN revoked;
END
$$;
COMMENT ON FUNCTION access.revoke_sessions(uuid, uuid, text, uuid, uuid) IS
    'Revokes the sessions of a user or an API client: all of them, only p_only, or all except p_except. Returns their '
    'number. An ended session is never revived.';

REVOKE ALL ON FUNCTION
    access.register_session_key(bytea, bytea),
    access.begin_session(uuid, uuid, uuid, bytea, bytea, integer, integer, bytea, text, text),
    access.match_refresh_token(sessions, text, text), access.find_session_by_token(uuid, text, text),
    access.refresh_session(uuid, text, text, bytea, integer),
    access.revoke_sessions(uuid, uuid, text, uuid, uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.register_session_key(bytea, bytea),
    access.begin_session(uuid, uuid, uuid, bytea, bytea, integer, integer, bytea, text, text),
    access.find_session_by_token(uuid, text, text), access.refresh_session(uuid, text, text, bytea, integer),
    access.revoke_sessions(uuid, uuid, text, uuid, uuid)
    TO firststep_api;
GRANT EXECUTE ON FUNCTION access.revoke_sessions(uuid, uuid, text, uuid, uuid) TO firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
