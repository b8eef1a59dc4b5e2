-- Responses stored for requests that are retried with the same Idempotency-Key.

ALTER TABLE idempotency_records ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON idempotency_records TO firststep_api;
GRANT SELECT (stored_at) ON idempotency_records TO firststep_gate;
GRANT DELETE ON idempotency_records TO firststep_gate;

CREATE POLICY gate_role_can_access ON idempotency_records TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON idempotency_records IS
    'Functions owned by firststep_gate can use all rows.';

CREATE POLICY principal_can_access ON idempotency_records TO firststep_api, firststep_owner
    USING (principal_id = (SELECT access.caller_id()));
COMMENT ON POLICY principal_can_access ON idempotency_records IS
    'A stored response can be read, inserted and deleted only by the caller that it was sent to.';

CREATE POLICY custodian_can_access ON idempotency_records TO firststep_owner USING ((SELECT access.is_custodian()));
COMMENT ON POLICY custodian_can_access ON idempotency_records IS
    'The table owner can use all rows within an access opened as custodian, to re-encrypt them under a new key.';
