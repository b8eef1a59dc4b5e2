-- Changes of rights and settings that need the confirmation of a second person.

ALTER TABLE pending_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The privilege to change the version is needed to lock a row. Only functions of firststep_gate change the other columns.
GRANT SELECT, UPDATE (version) ON pending_changes TO firststep_api;
GRANT SELECT, INSERT, UPDATE ON pending_changes TO firststep_gate;

ALTER TABLE pending_changes ADD CONSTRAINT ck_pending_changes_kind CHECK (
    kind IN ('rights', 'reactivation', 'password_reset', 'approval_limit', 'exchange_rate', 'payment_rate', 'payment_date',
             'api_client', 'api_client_secret', 'consent_basis'));
COMMENT ON CONSTRAINT ck_pending_changes_kind ON pending_changes IS 'The kinds of changes that need a confirmation.';

-- The list of pending changes decodes every payload. A malformed payload would make the list fail for all callers.
ALTER TABLE pending_changes ADD CONSTRAINT ck_pending_changes_payload CHECK (coalesce(
    CASE kind
    WHEN 'rights' THEN
        person_id IS NOT NULL
        AND jsonb_typeof(payload -> 'roles') = 'array'
        AND payload -> 'roles' <@ '["social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
                                    "data_protection_officer", "administrator"]'
        AND jsonb_typeof(payload -> 'supervised_team_ids') = 'array'
        AND NOT payload @? '$.supervised_team_ids[*] ? (@.type() != "string" || !(@ like_regex "^[0-9a-f-]{36}$"))'
    WHEN 'reactivation' THEN
        person_id IS NOT NULL
    WHEN 'password_reset' THEN
        person_id IS NOT NULL
        AND jsonb_typeof(payload -> 'password_hash') = 'string'
        AND jsonb_typeof(payload -> 'remove_second_factor') = 'boolean'
    WHEN 'approval_limit' THEN
        payload - '{role,act,currency,amount,starts_on}'::text[] = '{}'
        AND jsonb_typeof(payload -> 'role') = 'string'
        AND payload ->> 'act' IN ('approve', 'approve_case_month', 'pay_first', 'pay_first_case_day')
        AND payload ->> 'currency' IN ('KHR', 'USD')
        AND (payload -> 'amount' = 'null'
             OR jsonb_typeof(payload -> 'amount') = 'number' AND payload ->> 'amount' ~ '^[0-9]{1,18}$')
        AND payload ->> 'starts_on' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND (payload ->> 'starts_on')::date IS NOT NULL
    WHEN 'api_client' THEN
        record_id IS NOT NULL
        AND jsonb_typeof(payload -> 'scopes') = 'array' AND payload -> 'scopes' <@ '["referrals", "reports"]'
        AND jsonb_typeof(payload -> 'is_active') = 'boolean'
        AND jsonb_typeof(payload -> 'public_key') IN ('string', 'null')
        AND payload -> 'current' ?& '{scopes,public_key,is_active}'
        AND (payload -> 'current') - '{scopes,public_key,is_active}'::text[] = '{}'
    WHEN 'api_client_secret' THEN
        record_id IS NOT NULL
        AND jsonb_typeof(payload -> 'scopes') = 'array' AND payload -> 'scopes' <@ '["referrals", "reports"]'
        AND jsonb_typeof(payload -> 'is_active') = 'boolean'
        AND payload ->> 'id' ~ '^[0-9a-f-]{36}$' AND payload ->> 'digest' ~ '^([0-9a-f]{2})+$'
    WHEN 'consent_basis' THEN
        record_id IS NOT NULL
        AND payload - '{basis,scope}'::text[] = '{}'
        AND jsonb_typeof(payload -> 'basis') = 'string'
        AND jsonb_typeof(payload -> 'scope') = 'array'
        AND NOT payload @? '$.scope[*] ? (@.type() != "string")'
    WHEN 'payment_date' THEN
        record_id IS NOT NULL
        AND payload - '{paid_on,disbursement_number}'::text[] = '{}'
        AND payload ->> 'paid_on' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND (payload ->> 'paid_on')::date IS NOT NULL
        AND jsonb_typeof(payload -> 'disbursement_number') = 'string'
    ELSE  -- exchange_rate and payment_rate
        (kind = 'payment_rate') = (record_id IS NOT NULL)
        AND payload - '{on,riel_hundredths,source,published_hundredths,disbursement_number}'::text[] = '{}'
        AND payload ->> 'on' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND (payload ->> 'on')::date IS NOT NULL
        AND jsonb_typeof(payload -> 'riel_hundredths') = 'number' AND payload ->> 'riel_hundredths' ~ '^[1-9][0-9]{0,9}$'
        AND jsonb_typeof(payload -> 'source') = 'string'
        AND (payload -> 'published_hundredths' = 'null'
             OR jsonb_typeof(payload -> 'published_hundredths') = 'number'
                AND payload ->> 'published_hundredths' ~ '^[1-9][0-9]{0,9}$')
        AND jsonb_typeof(payload -> 'disbursement_number') = CASE kind WHEN 'payment_rate' THEN 'string' ELSE 'null' END
    END, false));
COMMENT ON CONSTRAINT ck_pending_changes_payload ON pending_changes IS
    'The payload has the fields of its kind, and the change contains the id of the person or record that it concerns.';

ALTER TABLE pending_changes ADD CONSTRAINT ck_pending_changes_status CHECK (
    status IN ('pending', 'confirmed', 'rejected', 'expired', 'withdrawn', 'superseded')
    AND CASE
        WHEN status IN ('confirmed', 'rejected', 'superseded') THEN decided_by_id IS NOT NULL AND decided_at IS NOT NULL
        WHEN status = 'withdrawn' THEN decided_at IS NOT NULL
        ELSE decided_by_id IS NULL AND decided_at IS NULL END);
COMMENT ON CONSTRAINT ck_pending_changes_status ON pending_changes IS
    'The status has a known value. A confirmed, rejected or superseded change has a time and the person who ended it. A '
    'withdrawn change without a person was withdrawn on the command line.';

ALTER TABLE pending_changes ADD CONSTRAINT ck_pending_changes_second_person CHECK (
    status NOT IN ('confirmed', 'rejected') OR (decided_by_id IS DISTINCT FROM requested_by_id
                                                AND decided_by_id IS DISTINCT FROM person_id));
COMMENT ON CONSTRAINT ck_pending_changes_second_person ON pending_changes IS
    'Neither the requester nor the person concerned confirms or rejects a change.';

CREATE POLICY gate_role_can_access ON pending_changes TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON pending_changes IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_people_involved ON pending_changes TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x
                    WHERE x.caller_id IN (requested_by_id, person_id) OR x.can_read_access_log OR x.can_read_all_cases));
COMMENT ON POLICY visible_to_people_involved ON pending_changes IS
    'A change is visible to its requester, to the person concerned, and to those who can confirm it: data protection '
    'officers and programme managers.';
