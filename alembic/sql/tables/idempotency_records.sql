-- Stored responses, for retries with the same Idempotency-Key.

ALTER TABLE idempotency_records ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON idempotency_records TO firststep_api;
GRANT SELECT (stored_at) ON idempotency_records TO firststep_gate;
GRANT DELETE ON idempotency_records TO firststep_gate;

CREATE POLICY gate_role_can_access ON idempotency_records TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON idempotency_records IS
    'Functions owned by firststep_gate can access all rows.';

CREATE POLICY principal_can_access ON idempotency_records TO firststep_api, firststep_owner
    USING (principal_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY principal_can_access ON idempotency_records IS
    'A caller can read, insert and delete only the responses stored for its own requests.';

CREATE POLICY custodian_can_access ON idempotency_records TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON idempotency_records IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';
