-- The schemas that hold functions, and which database roles reach them. Tables are in schema public.

-- PostgreSQL lets every role execute a new function. Here each role needs a separate grant. grant_reasons.toml gives
-- the reason for each privilege on a table or schema.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE firststep_gate;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
RESET ROLE;

CREATE SCHEMA access;
COMMENT ON SCHEMA access IS
    'Functions that resolve the caller and answer questions of row policies, and the trigger functions of the '
    'tables.';
GRANT USAGE ON SCHEMA access TO firststep_owner, firststep_api, firststep_gate, firststep_reports;

CREATE SCHEMA ledger;
COMMENT ON SCHEMA ledger IS 'Functions that keep the double-entry ledger of the assistance fund consistent.';
GRANT USAGE ON SCHEMA ledger TO firststep_api;
