-- The schemas that hold functions, and which database roles reach them. Tables are in schema public.

CREATE SCHEMA access;
COMMENT ON SCHEMA access IS
    'Functions that resolve the caller and answer questions of row policies, and the trigger functions of the '
    'tables.';
GRANT USAGE ON SCHEMA access TO firststep_owner, firststep_api, firststep_gate;

CREATE SCHEMA ledger;
COMMENT ON SCHEMA ledger IS 'Functions that keep the double-entry ledger of the assistance fund consistent.';
GRANT USAGE ON SCHEMA ledger TO firststep_api;

GRANT USAGE ON SCHEMA public TO firststep_api, firststep_gate, firststep_reports;
