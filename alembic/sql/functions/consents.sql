-- The consent register of a child. Gates read all of it, including the entries of earlier cases that the caller cannot see.
--
-- A gate and a change of the register take the same lock. A refusal or withdrawal is therefore committed before a gate reads
-- the register, or waits until the act behind the gate is committed.

GRANT CREATE ON SCHEMA access TO firststep_gate;
SET LOCAL ROLE firststep_gate;

CREATE FUNCTION access.lock_consent_register(p_child uuid) RETURNS void LANGUAGE sql SET search_path = ''
AS $$ SELECT pg_advisory_xact_lock(hashtextextended(concat('consents of ', p_child), 0)) $$;
COMMENT ON FUNCTION access.lock_consent_register(uuid) IS
    'Locks the consent register of a child until the transaction ends.';

CREATE FUNCTION access.list_consent_register(p_child uuid)
RETURNS TABLE (
    id uuid, case_id uuid, given_by text[], status text, given_on date, created_at timestamptz, scope text[],
    recipient_agency_id uuid, valid_until date, basis_without_consent text, is_basis_confirmed boolean,
    has_alternative_reason boolean, withdrawn_at timestamptz, withdrawn_givers text[], is_entered_in_error boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
BEGIN
    IF NOT coalesce(context.is_staff AND (context.act = 'referral.accept'
                                          OR access.can_read_case_of_child(context, p_child)), false) THEN
        RETURN;
    END IF;
    PERFORM access.lock_consent_register(p_child);
    RETURN QUERY
    SELECT c.id, c.case_id, c.given_by, c.status::text, c.given_on, c.created_at, c.scope, c.recipient_agency_id,
           c.valid_until, c.basis_without_consent::text, c.basis_confirmed_at IS NOT NULL,
           c.alternative_giver_reason_encrypted IS NOT NULL, c.withdrawn_at, c.withdrawn_givers,
           c.entered_in_error_at IS NOT NULL
      FROM public.consents c
     WHERE c.child_id = p_child;
END
$$;
COMMENT ON FUNCTION access.list_consent_register(uuid) IS
    'Locks the consent register of a child, and returns its entries of all cases without their texts. Returns nothing unless '
    'the caller can read a case of the child, or accepts a referral: a gate then finds no consent.';

CREATE FUNCTION access.confirm_consent_basis(p_consent uuid, p_caller uuid) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.consents
       SET version = version + 1, basis_confirmed_at = clock_timestamp(), basis_confirmed_by_id = p_caller
     WHERE id = p_consent AND basis_confirmed_at IS NULL AND withdrawn_at IS NULL AND entered_in_error_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the legal basis cannot be confirmed' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;
COMMENT ON FUNCTION access.confirm_consent_basis(uuid, uuid) IS
    'Marks a legal basis of the consent register as confirmed by a second person. Raises an error if it was withdrawn, '
    'confirmed before or entered in error.';

CREATE FUNCTION access.supersede_basis_confirmation(p_consent uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    context constant public.access_contexts := (SELECT x FROM access.context() x);
BEGIN
    UPDATE public.pending_changes p
       SET version = p.version + 1, status = 'superseded', decided_by_id = context.caller_id,
           decided_at = clock_timestamp()
      FROM public.consents e JOIN public.cases c ON c.id = e.case_id
     WHERE p.kind = 'consent_basis' AND p.record_id = p_consent AND p.status = 'pending'
       AND p.expires_at > clock_timestamp() AND e.id = p_consent
       AND context.act IN ('consent.withdraw', 'record.enter_in_error', 'referral.detach')
       AND access.can_read_case(context, c.id, c.team_id, c.lead_worker_id);
END
$$;
COMMENT ON FUNCTION access.supersede_basis_confirmation(uuid) IS
    'Marks the pending request to confirm a legal basis as superseded, when its entry is withdrawn or entered in error. '
    'Has no effect unless the current request withdraws or marks an entry, and the caller can read the case.';

REVOKE ALL ON FUNCTION
    access.lock_consent_register(uuid), access.list_consent_register(uuid), access.confirm_consent_basis(uuid, uuid),
    access.supersede_basis_confirmation(uuid)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    access.lock_consent_register(uuid), access.list_consent_register(uuid), access.supersede_basis_confirmation(uuid)
    TO firststep_api;

RESET ROLE;
REVOKE CREATE ON SCHEMA access FROM firststep_gate;

CREATE FUNCTION access.lock_consent_register() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM access.lock_consent_register(NEW.child_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.lock_consent_register() IS
    'Locks the consent register of the child before an entry is added or changed.';
