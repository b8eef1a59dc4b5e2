-- The settings of users, and the access with which a job counts the agenda of a user for the daily e-mail.
--
-- The job has no caller. It opens an access for the user with a secret that only the key ring can compute, so that SQL with
-- the password of the API cannot open one.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.replace_own_settings(p_version integer, p_language text, p_secret_hash bytea) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_caller('{account.own}', NULL);
    stored integer;
BEGIN
    INSERT INTO public.user_settings AS s (user_id, version, agenda_digest, language, digest_secret_hash)
    SELECT caller, 2, p_secret_hash IS NOT NULL, p_language, p_secret_hash WHERE p_version = 1
        ON CONFLICT DO NOTHING
    RETURNING version INTO stored;
    IF stored IS NULL THEN
        UPDATE public.user_settings
           SET version = version + 1, agenda_digest = p_secret_hash IS NOT NULL, language = p_language,
               digest_secret_hash = p_secret_hash
         WHERE user_id = caller AND version = p_version
        RETURNING version INTO stored;
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION access.replace_own_settings(integer, text, bytea) IS
    'Replaces the settings of the caller if they have the version, and returns the new version, or NULL if they do not. '
    'Settings that were never changed have the version 1. The hash is NULL for no daily e-mail.';

CREATE FUNCTION access.open_digest(p_user uuid, p_secret bytea, p_request text) RETURNS access.opened_access
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    opened access.opened_access;
BEGIN
    PERFORM access.require_durable_commit();
    opened := access.resolve_user((SELECT s.user_id FROM public.user_settings s
                                    WHERE s.user_id = p_user AND s.digest_secret_hash = sha256(p_secret)));
    IF opened.name IS NULL THEN
        PERFORM access.write_unauthenticated_event(
            'anonymous', NULL, NULL, NULL, 'agenda.digest', p_request, NULL, NULL, 404);
    ELSE
        opened := access.write_event(opened, 'person', p_user, NULL, NULL, 'agenda.digest', p_request, NULL, NULL);
    END IF;
    RETURN opened;
END
$$;
COMMENT ON FUNCTION access.open_digest(uuid, bytea, text) IS
    'Opens an access for a user with a daily e-mail, with the act agenda.digest. For a wrong secret or an inactive user, it '
    'writes an anonymous event with the outcome unauthenticated.';

REVOKE ALL ON FUNCTION
    access.replace_own_settings(integer, text, bytea), access.open_digest(uuid, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.replace_own_settings(integer, text, bytea), access.open_digest(uuid, bytea, text) TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
