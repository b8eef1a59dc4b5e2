-- Write users, team members, API clients and approval limits.
--
-- firststep_api can change no column of these tables but their version and the last use of an API client. The functions
-- check that the caller of the current access has the permission, and reject what needs the confirmation of a second
-- person (see pending_changes.sql). SQL with the password of the API and the access of one administrator can therefore
-- not grant a right that needs two people.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.confirmed_roles() RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN ARRAY['social_worker', 'supervisor', 'programme_manager', 'finance_officer', 'data_protection_officer',
             'administrator'];
COMMENT ON FUNCTION access.confirmed_roles() IS
    'Returns the roles that a user gets only when a second person confirms it: those with access to data of children or '
    'to money, and the role of administrator.';

CREATE FUNCTION access.require_caller(p_acts text[], p_roles text[]) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    caller uuid;
BEGIN
    -- FOR SHARE serializes this function with a concurrent deactivation of the caller.
    SELECT u.id INTO caller FROM access.context() x JOIN public.users u ON u.id = x.caller_id
     WHERE x.act = ANY (p_acts) AND u.is_active AND (p_roles IS NULL OR u.activation_digest IS NULL AND u.roles && p_roles)
       FOR SHARE OF u;
    IF caller IS NULL THEN
        RAISE EXCEPTION 'the caller may not do this'
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'caller_permission';
    END IF;
    RETURN caller;
END
$$;
COMMENT ON FUNCTION access.require_caller(text[], text[]) IS
    'Returns the caller of the current access. Raises an error unless the access is for one of the acts, and the caller is '
    'an active user who has one of the roles at this moment. Without p_roles, every active user is accepted.';

CREATE FUNCTION access.require_second_person(p_is_required boolean) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF p_is_required THEN
        RAISE EXCEPTION 'a second person must confirm this change'
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'second_person';
    END IF;
END
$$;
COMMENT ON FUNCTION access.require_second_person(boolean) IS
    'Raises an error if the argument is true, because one person alone tried to make a change that needs two.';

CREATE FUNCTION access.insert_user(
    p_id uuid, p_email text, p_email_key text, p_name text, p_name_key text, p_roles text[], p_password_hash text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM access.require_caller('{user.manage}', '{administrator}');
    PERFORM access.require_second_person(p_roles && access.confirmed_roles());
    INSERT INTO public.users
        (id, created_at, version, email, email_key, name, name_key, roles, is_active, password_hash,
         initial_password_expires_at)
    VALUES (p_id, clock_timestamp(), 1, p_email, p_email_key, p_name, p_name_key, p_roles, true, p_password_hash,
            clock_timestamp() + interval '3 days');
END
$$;
COMMENT ON FUNCTION access.insert_user(uuid, text, text, text, text, text[], text) IS
    'Inserts a user with an initial password, for an administrator. The roles must not need a confirmation.';

CREATE FUNCTION access.update_user(
    p_id uuid, p_name text, p_name_key text, p_roles text[], p_is_active boolean
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_caller('{user.manage}', '{administrator}');
    stored public.users;
BEGIN
    SELECT * INTO stored FROM public.users WHERE id = p_id FOR NO KEY UPDATE;
    PERFORM access.require_second_person(
        p_roles && access.confirmed_roles()
        AND (EXISTS (SELECT FROM unnest(p_roles) AS r (role)
                      WHERE r.role = ANY (access.confirmed_roles()) AND r.role <> ALL (stored.roles))
             OR p_is_active AND NOT stored.is_active));
    PERFORM access.require_second_person(
        caller = p_id AND (NOT p_is_active OR NOT p_roles @> stored.roles OR NOT p_roles <@ stored.roles));
    UPDATE public.users
       SET name = p_name, name_key = p_name_key, roles = p_roles, is_active = p_is_active,
           activation_digest = CASE WHEN p_roles && access.confirmed_roles() THEN activation_digest END
     WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION access.update_user(uuid, text, text, text[], boolean) IS
    'Changes the name, roles and activation of a user, for an administrator. It can remove every right of another user. It '
    'cannot add a role that needs a confirmation, or activate a user who has one.';

CREATE FUNCTION access.replace_team_members(p_user uuid, p_teams uuid[], p_supervised_teams uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_caller('{user.manage}', '{administrator}');
BEGIN
    PERFORM FROM public.users WHERE id = p_user FOR NO KEY UPDATE;
    PERFORM access.require_second_person(EXISTS (
        SELECT FROM unnest(p_supervised_teams) AS t (id)
         WHERE NOT EXISTS (SELECT FROM public.team_members m
                            WHERE m.team_id = t.id AND m.user_id = p_user AND m.is_supervisor)));
    PERFORM access.require_second_person(caller = p_user AND EXISTS (
        SELECT FROM unnest(p_teams) AS t (id)
         WHERE NOT EXISTS (SELECT FROM public.team_members m WHERE m.team_id = t.id AND m.user_id = p_user)));
    DELETE FROM public.team_members WHERE user_id = p_user;
    INSERT INTO public.team_members (team_id, user_id, is_supervisor)
    SELECT t.id, p_user, t.id = ANY (p_supervised_teams) FROM unnest(p_teams) AS t (id);
END
$$;
COMMENT ON FUNCTION access.replace_team_members(uuid, uuid[], uuid[]) IS
    'Replaces the teams of a user, for an administrator. It cannot make the user a supervisor of a further team.';

CREATE FUNCTION access.issue_initial_password(p_user uuid, p_password_hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    stored_roles text[];
BEGIN
    PERFORM access.require_caller('{user.manage}', '{administrator}');
    SELECT roles INTO stored_roles FROM public.users WHERE id = p_user FOR NO KEY UPDATE;
    PERFORM access.require_second_person(stored_roles && access.confirmed_roles());
    UPDATE public.users
       SET password_hash = p_password_hash, initial_password_expires_at = clock_timestamp() + interval '3 days'
     WHERE id = p_user;
END
$$;
COMMENT ON FUNCTION access.issue_initial_password(uuid, text) IS
    'Replaces the password of a user by an initial password, for an administrator. The user must have no role that needs '
    'a confirmation. The second factor stays.';

CREATE FUNCTION access.change_own_password(p_password_hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.users SET password_hash = p_password_hash, initial_password_expires_at = NULL
     WHERE id = access.require_caller('{account.change_password}', NULL);
END
$$;
COMMENT ON FUNCTION access.change_own_password(text) IS 'Stores a password that the caller chose.';

CREATE FUNCTION access.rehash_own_password(p_password_hash text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.users SET password_hash = p_password_hash
     WHERE id = access.require_caller('{account.sign_in}', NULL);
END
$$;
COMMENT ON FUNCTION access.rehash_own_password(text) IS
    'Replaces the hash of the caller''s password by one with stronger parameters, after a sign-in.';

CREATE FUNCTION access.store_own_second_factor(p_totp bytea, p_confirmed_at timestamptz, p_last_step integer)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.users
       SET totp_encrypted = p_totp, totp_confirmed_at = p_confirmed_at, totp_last_step = p_last_step
     WHERE id = access.require_caller('{account.second_factor}', NULL);
END
$$;
COMMENT ON FUNCTION access.store_own_second_factor(bytea, timestamptz, integer) IS
    'Stores, confirms or removes the second factor of the caller.';

CREATE FUNCTION access.use_second_factor_code(p_user uuid, p_totp bytea, p_last_step integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE public.users SET totp_encrypted = p_totp, totp_last_step = p_last_step
     WHERE id = p_user AND is_active AND totp_confirmed_at IS NOT NULL
       AND (p_last_step > totp_last_step OR p_last_step IS NOT DISTINCT FROM totp_last_step)
       -- A code of the next two steps of 30 seconds is accepted at most. A later step would block all codes until then.
       AND coalesce(p_last_step, 0) <= extract(epoch FROM clock_timestamp()) / 30 + 2
$$;
COMMENT ON FUNCTION access.use_second_factor_code(uuid, bytea, integer) IS
    'Marks a code of a confirmed second factor as used, and stores the factor that the API sends. A sign-in has no access '
    'yet, so every connection can call it. It cannot remove a second factor, and refuses a step before the last one or in '
    'the future.';

CREATE FUNCTION access.activate_account(p_digest bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_caller('{account.activate}', NULL);
BEGIN
    UPDATE public.users SET activation_digest = NULL, activation_expires_at = NULL, version = version + 1
     WHERE id = caller AND activation_digest = p_digest AND activation_expires_at > clock_timestamp();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION access.activate_account(bytea) IS
    'Makes the confirmed roles of the caller effective if the digest matches the activation code, and returns whether it '
    'matches. The code is valid for seven days and used once.';

CREATE FUNCTION access.insert_api_client(p_id uuid, p_agency uuid, p_name text, p_scopes text[], p_public_key text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM access.require_caller('{api_client.manage}', '{administrator}');
    PERFORM access.require_second_person('referrals' = ANY (p_scopes));
    INSERT INTO public.api_clients (id, created_at, version, agency_id, name, scopes, public_key, is_active)
    VALUES (p_id, clock_timestamp(), 1, p_agency, p_name, p_scopes, p_public_key, true);
END
$$;
COMMENT ON FUNCTION access.insert_api_client(uuid, uuid, text, text[], text) IS
    'Inserts an API client, for an administrator. The scope referrals, which shows children, needs a confirmation.';

CREATE FUNCTION access.update_api_client(
    p_id uuid, p_name text, p_scopes text[], p_public_key text, p_is_active boolean
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    stored public.api_clients;
BEGIN
    PERFORM access.require_caller('{api_client.manage}', '{administrator}');
    SELECT * INTO stored FROM public.api_clients WHERE id = p_id FOR NO KEY UPDATE;
    PERFORM access.require_second_person(
        'referrals' = ANY (p_scopes)
        AND ('referrals' <> ALL (stored.scopes) OR p_is_active AND NOT stored.is_active
             OR p_public_key IS NOT NULL AND p_public_key IS DISTINCT FROM stored.public_key));
    UPDATE public.api_clients
       SET name = p_name, scopes = p_scopes, public_key = p_public_key, is_active = p_is_active
     WHERE id = p_id;
END
$$;
COMMENT ON FUNCTION access.update_api_client(uuid, text, text[], text, boolean) IS
    'Changes an API client, for an administrator. It can remove every right. It cannot add the scope referrals, nor give a '
    'client with this scope a new key or activate it again.';

CREATE FUNCTION access.insert_api_client_secret(p_id uuid, p_client uuid, p_digest bytea) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    stored_scopes text[];
    inserted_at constant timestamptz := clock_timestamp();
BEGIN
    PERFORM access.require_caller('{api_client.manage}', '{administrator}');
    SELECT scopes INTO stored_scopes FROM public.api_clients WHERE id = p_client FOR NO KEY UPDATE;
    PERFORM access.require_second_person('referrals' = ANY (stored_scopes));
    INSERT INTO public.api_client_secrets (id, client_id, digest, created_at)
    VALUES (p_id, p_client, p_digest, inserted_at);
    RETURN inserted_at;
END
$$;
COMMENT ON FUNCTION access.insert_api_client_secret(uuid, uuid, bytea) IS
    'Inserts a secret of an API client without the scope referrals, for an administrator, and returns the time.';

CREATE FUNCTION access.revoke_api_client_secret(p_id uuid, p_client uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM access.require_caller('{api_client.manage}', '{administrator}');
    UPDATE public.api_client_secrets SET revoked_at = clock_timestamp()
     WHERE id = p_id AND client_id = p_client AND revoked_at IS NULL;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION access.revoke_api_client_secret(uuid, uuid) IS
    'Revokes a secret of an API client, for an administrator, and returns whether the client had it.';

CREATE FUNCTION access.insert_lower_approval_limit(
    p_id uuid, p_role text, p_act text, p_currency text, p_amount bigint, p_starts_on date
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_caller('{approval_limit.set}', '{administrator}');
BEGIN
    -- The limit applies until a later one starts, so only the limit that applies on its first day can become lower.
    IF p_amount IS NULL OR NOT coalesce((
            SELECT l.amount IS NULL OR l.amount >= p_amount FROM public.approval_limits l
             WHERE (l.role, l.act, l.currency) = (p_role, p_act, p_currency) AND l.starts_on <= p_starts_on
             ORDER BY l.starts_on DESC LIMIT 1), false) THEN
        RETURN false;
    END IF;
    INSERT INTO public.approval_limits (id, created_at, version, role, act, currency, amount, starts_on, set_by_id)
    VALUES (p_id, clock_timestamp(), 1, p_role, p_act, p_currency, p_amount, p_starts_on, caller);
    RETURN true;
END
$$;
COMMENT ON FUNCTION access.insert_lower_approval_limit(uuid, text, text, text, bigint, date) IS
    'Inserts an approval limit that is not higher than the one it replaces, for an administrator. Returns false and '
    'inserts nothing if the limit is higher, because a second person must confirm it.';

REVOKE ALL ON FUNCTION
    access.confirmed_roles(), access.require_caller(text[], text[]), access.require_second_person(boolean),
    access.insert_user(uuid, text, text, text, text, text[], text), access.update_user(uuid, text, text, text[], boolean),
    access.replace_team_members(uuid, uuid[], uuid[]), access.issue_initial_password(uuid, text),
    access.change_own_password(text), access.rehash_own_password(text),
    access.store_own_second_factor(bytea, timestamptz, integer),
    access.use_second_factor_code(uuid, bytea, integer), access.activate_account(bytea),
    access.insert_api_client(uuid, uuid, text, text[], text),
    access.update_api_client(uuid, text, text[], text, boolean),
    access.insert_api_client_secret(uuid, uuid, bytea), access.revoke_api_client_secret(uuid, uuid),
    access.insert_lower_approval_limit(uuid, text, text, text, bigint, date)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.insert_user(uuid, text, text, text, text, text[], text), access.update_user(uuid, text, text, text[], boolean),
    access.replace_team_members(uuid, uuid[], uuid[]), access.issue_initial_password(uuid, text),
    access.change_own_password(text), access.rehash_own_password(text),
    access.store_own_second_factor(bytea, timestamptz, integer),
    access.use_second_factor_code(uuid, bytea, integer), access.activate_account(bytea),
    access.insert_api_client(uuid, uuid, text, text[], text),
    access.update_api_client(uuid, text, text[], text, boolean),
    access.insert_api_client_secret(uuid, uuid, bytea), access.revoke_api_client_secret(uuid, uuid),
    access.insert_lower_approval_limit(uuid, text, text, text, bigint, date)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
