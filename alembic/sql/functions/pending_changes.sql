-- Changes that take effect when a second person confirms them.
--
-- A new kind of change needs an entry in the constraints ck_pending_changes_kind and ck_pending_changes_payload, in
-- require_change_requester(), and, if firststep_api cannot write its tables, in apply_change().

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.change_requester_roles(p_kind text) RETURNS text[] LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN p_kind IN ('exchange_rate', 'payment_rate', 'payment_date') THEN ARRAY['finance_officer']
    WHEN p_kind = 'consent_basis' THEN ARRAY['social_worker', 'supervisor', 'programme_manager']
    ELSE ARRAY['administrator'] END;
COMMENT ON FUNCTION access.change_requester_roles(text) IS
    'Returns the roles of which a person must have one to request and to withdraw changes of a kind.';

CREATE FUNCTION access.require_change_requester(p_kind text) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF p_kind IN ('password_reset', 'reactivation') AND EXISTS (SELECT FROM access.context() x WHERE x.is_command_line) THEN
        RETURN NULL;
    END IF;
    RETURN access.require_caller(
        CASE p_kind
            WHEN 'approval_limit' THEN ARRAY['approval_limit.set']
            WHEN 'api_client' THEN ARRAY['api_client.manage']
            WHEN 'api_client_secret' THEN ARRAY['api_client.manage']
            WHEN 'exchange_rate' THEN ARRAY['exchange_rate.record']
            WHEN 'payment_rate' THEN ARRAY['disbursement.pay']
            WHEN 'payment_date' THEN ARRAY['disbursement.pay']
            WHEN 'consent_basis' THEN
                ARRAY['consent.record', 'referral.accept', 'case.reopen', 'service_referral.make']
            ELSE ARRAY['user.manage'] END,
        access.change_requester_roles(p_kind));
END
$$;
COMMENT ON FUNCTION access.require_change_requester(text) IS
    'Returns the caller of the current access, or NULL for the command line. Raises an error unless the caller may request '
    'changes of this kind.';

CREATE FUNCTION access.withdraw_pending_changes(p_kind text, p_target uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    caller constant uuid := access.require_change_requester(p_kind);
BEGIN
    UPDATE public.pending_changes
       SET version = version + 1,
           status = CASE WHEN expires_at > clock_timestamp() THEN 'withdrawn' ELSE 'expired' END,
           decided_by_id = CASE WHEN expires_at > clock_timestamp() THEN caller END,
           decided_at = CASE WHEN expires_at > clock_timestamp() THEN clock_timestamp() END
     WHERE kind = p_kind AND coalesce(person_id, record_id) = p_target AND status = 'pending';
END
$$;
COMMENT ON FUNCTION access.withdraw_pending_changes(text, uuid) IS
    'Withdraws the pending change of a kind for a person or record, because a newer request replaces it.';

CREATE FUNCTION access.request_change(p_kind text, p_person uuid, p_record uuid, p_payload jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    requester constant uuid := access.require_change_requester(p_kind);
    change uuid;
BEGIN
    SELECT c.id INTO change FROM public.pending_changes c
     WHERE c.kind = p_kind AND c.payload = p_payload AND c.requested_by_id IS NOT DISTINCT FROM requester
       AND c.status = 'pending' AND c.person_id IS NOT DISTINCT FROM p_person AND c.record_id IS NOT DISTINCT FROM p_record
       AND c.expires_at > clock_timestamp();
    IF FOUND THEN
        RETURN change;
    END IF;
    PERFORM access.withdraw_pending_changes(p_kind, coalesce(p_person, p_record));
    INSERT INTO public.pending_changes
        (id, created_at, version, kind, requested_by_id, person_id, record_id, payload, expires_at, status)
    VALUES (gen_random_uuid(), clock_timestamp(), 1, p_kind, requester, p_person, p_record, p_payload,
            clock_timestamp() + interval '72 hours', 'pending')
    RETURNING id INTO change;
    RETURN change;
END
$$;
COMMENT ON FUNCTION access.request_change(text, uuid, uuid, jsonb) IS
    'Stores a change that needs the confirmation of a second person within 72 hours, and returns its id. It replaces the '
    'pending change of the same kind for the same person or record. An equal pending change of the caller is returned '
    'instead.';

CREATE FUNCTION access.close_change(p_id uuid, p_status text, p_reason text) RETURNS public.pending_changes
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    change public.pending_changes;
    caller uuid;
BEGIN
    SELECT * INTO change FROM public.pending_changes WHERE id = p_id FOR NO KEY UPDATE;
    IF p_status = 'withdrawn' THEN
        caller := access.require_caller('{pending_change.withdraw}', access.change_requester_roles(change.kind));
    ELSE
        caller := access.require_caller(
            '{pending_change.decide}', '{data_protection_officer,programme_manager}');
    END IF;
    PERFORM access.require_second_person(
        (change.requested_by_id IS NOT DISTINCT FROM caller) <> (p_status = 'withdrawn') OR change.person_id = caller);
    IF change.status IS DISTINCT FROM 'pending' OR change.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'the change is not pending' USING ERRCODE = 'check_violation', CONSTRAINT = 'pending';
    END IF;
    UPDATE public.pending_changes
       SET status = p_status, decided_by_id = caller, decided_at = clock_timestamp(), reason = p_reason
     WHERE id = p_id RETURNING * INTO change;
    RETURN change;
END
$$;
COMMENT ON FUNCTION access.close_change(uuid, text, text) IS
    'Confirms, rejects or withdraws a pending change. Only its requester can withdraw it. Only a data protection officer or '
    'programme manager who is neither the requester nor the person concerned can confirm or reject it.';

CREATE FUNCTION access.grant_rights(p_change public.pending_changes, p_activation bytea) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    granted constant text[] := ARRAY (SELECT jsonb_array_elements_text(p_change.payload -> 'roles'));
    needs_activation boolean;
BEGIN
    SELECT granted <> '{}' AND (u.activation_digest IS NOT NULL OR NOT u.roles && access.confirmed_roles())
      INTO needs_activation FROM public.users u WHERE u.id = p_change.person_id FOR NO KEY UPDATE;
    UPDATE public.users
       SET version = version + 1,
           roles = ARRAY (SELECT DISTINCT r.role FROM unnest(roles || granted) AS r (role) ORDER BY r.role),
           activation_digest = CASE WHEN needs_activation THEN p_activation ELSE activation_digest END,
           activation_expires_at =
               CASE WHEN needs_activation THEN clock_timestamp() + interval '7 days' ELSE activation_expires_at END
     WHERE id = p_change.person_id AND is_active;
    INSERT INTO public.team_members (team_id, user_id, is_supervisor)
    SELECT t.id::uuid, p_change.person_id, true
      FROM jsonb_array_elements_text(p_change.payload -> 'supervised_team_ids') AS t (id)
        ON CONFLICT (team_id, user_id) DO UPDATE SET is_supervisor = true;
    RETURN needs_activation;
END
$$;
COMMENT ON FUNCTION access.grant_rights(pending_changes, bytea) IS
    'Adds the roles and supervised teams of a confirmed change to an active user. The first roles that need a confirmation '
    'have no effect until the user enters the activation code, which only the second person knows.';

CREATE FUNCTION access.apply_change(p_change public.pending_changes, p_activation bytea) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    content constant jsonb := p_change.payload;
BEGIN
    CASE p_change.kind
    WHEN 'rights' THEN
        RETURN access.grant_rights(p_change, p_activation);
    WHEN 'reactivation' THEN
        UPDATE public.users SET version = version + 1, is_active = true WHERE id = p_change.person_id;
    WHEN 'password_reset' THEN
        UPDATE public.users
           SET version = version + 1, password_hash = content ->> 'password_hash',
               initial_password_expires_at = clock_timestamp() + interval '3 days',
               (totp_encrypted, totp_confirmed_at, totp_last_step) = (
                   SELECT totp_encrypted, totp_confirmed_at, totp_last_step
                    WHERE NOT (content ->> 'remove_second_factor')::boolean),
               activation_digest = CASE WHEN roles && access.confirmed_roles() THEN p_activation END,
               activation_expires_at = clock_timestamp() + interval '7 days'
         WHERE id = p_change.person_id;
        RETURN (SELECT u.activation_digest IS NOT NULL FROM public.users u WHERE u.id = p_change.person_id);
    WHEN 'approval_limit' THEN
        INSERT INTO public.approval_limits
            (id, created_at, version, role, act, currency, amount, starts_on, set_by_id)
        VALUES (gen_random_uuid(), clock_timestamp(), 1, content ->> 'role', content ->> 'act',
                content ->> 'currency', (content ->> 'amount')::bigint, (content ->> 'starts_on')::date,
                p_change.requested_by_id);
    WHEN 'exchange_rate' THEN
        INSERT INTO public.exchange_rates
            (id, created_at, version, "on", riel_hundredths, source, recorded_by_id, confirmed_by_id)
        VALUES (gen_random_uuid(), clock_timestamp(), 1, (content ->> 'on')::date,
                (content ->> 'riel_hundredths')::bigint, content ->> 'source', p_change.requested_by_id,
                p_change.decided_by_id);
    WHEN 'api_client' THEN
        UPDATE public.api_clients
           SET version = version + 1,
               scopes = ARRAY (SELECT jsonb_array_elements_text(content -> 'scopes')),
               public_key = content ->> 'public_key', is_active = (content ->> 'is_active')::boolean
         WHERE id = p_change.record_id;
    WHEN 'consent_basis' THEN
        PERFORM access.confirm_consent_basis(p_change.record_id, p_change.decided_by_id);
    WHEN 'api_client_secret' THEN
        INSERT INTO public.api_client_secrets (id, client_id, digest, created_at)
        VALUES ((content ->> 'id')::uuid, p_change.record_id, decode(content ->> 'digest', 'hex'), clock_timestamp());
    ELSE
        NULL;  -- the service of the kind writes the change, in the transaction of the confirmation
    END CASE;
    RETURN false;
END
$$;
COMMENT ON FUNCTION access.apply_change(pending_changes, bytea) IS
    'Makes a confirmed change of an account, an approval limit, an exchange rate, an API client or a legal basis, and returns '
    'whether the person concerned must enter the activation code.';

CREATE FUNCTION access.confirm_change(p_id uuid, p_activation bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    change constant public.pending_changes := access.close_change(p_id, 'confirmed', NULL);
BEGIN
    IF change.requested_by_id IS NOT NULL THEN
        PERFORM FROM public.users u
          WHERE u.id = change.requested_by_id AND u.is_active
            AND u.roles && access.change_requester_roles(change.kind) FOR SHARE;
        PERFORM access.require_second_person(NOT FOUND);
    END IF;
    RETURN access.apply_change(change, p_activation);
END
$$;
COMMENT ON FUNCTION access.confirm_change(uuid, bytea) IS
    'Confirms and makes a pending change, for the second person, if the requester may still request it. p_activation is the '
    'digest of a new activation code. Returns whether the person concerned must enter the code.';

CREATE FUNCTION access.reject_change(p_id uuid, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$ BEGIN PERFORM access.close_change(p_id, 'rejected', p_reason); END $$;
COMMENT ON FUNCTION access.reject_change(uuid, text) IS 'Rejects a pending change, for the second person.';

CREATE FUNCTION access.withdraw_change(p_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$ BEGIN PERFORM access.close_change(p_id, 'withdrawn', NULL); END $$;
COMMENT ON FUNCTION access.withdraw_change(uuid) IS 'Withdraws a pending change, for its requester.';

REVOKE ALL ON FUNCTION
    access.change_requester_roles(text), access.require_change_requester(text), access.withdraw_pending_changes(text, uuid),
    access.request_change(text, uuid, uuid, jsonb), access.close_change(uuid, text, text),
    access.grant_rights(pending_changes, bytea), access.apply_change(pending_changes, bytea),
    access.confirm_change(uuid, bytea), access.reject_change(uuid, text), access.withdraw_change(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.withdraw_pending_changes(text, uuid), access.request_change(text, uuid, uuid, jsonb),
    access.confirm_change(uuid, bytea), access.reject_change(uuid, text), access.withdraw_change(uuid)
    TO firststep_api;
GRANT EXECUTE ON FUNCTION
    access.withdraw_pending_changes(text, uuid), access.request_change(text, uuid, uuid, jsonb) TO firststep_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;
