-- Agencies: First Step itself, partners, providers, authorities and donors.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT ON agencies TO firststep_api;
GRANT UPDATE (version, name, kind, is_active) ON agencies TO firststep_api;
GRANT SELECT (id, is_active) ON agencies TO firststep_gate;

CREATE FUNCTION access.prevent_activation_of_clients() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.api_clients c
                WHERE c.agency_id = NEW.id AND c.is_active AND 'referrals' = ANY (c.scopes)) THEN
        RAISE EXCEPTION 'the agency has active API clients with the scope referrals' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_activation_of_clients() IS
    'Raises an error if an agency that becomes active has an active API client with the scope referrals.';

CREATE TRIGGER prevent_activation_of_clients BEFORE UPDATE OF is_active ON agencies FOR EACH ROW
    WHEN (NEW.is_active AND NOT OLD.is_active) EXECUTE FUNCTION access.prevent_activation_of_clients();
COMMENT ON TRIGGER prevent_activation_of_clients ON agencies IS
    'Rejects the activation of an agency with an active API client for referrals: a second person must confirm the '
    'activation of the client.';
