-- The contexts of open access events: the scope of the caller, computed once when the event is created. Row policies read
-- it through access.context(). The API role cannot forge a row: only functions of firststep_gate can write contexts and
-- access events.
--
-- The table is UNLOGGED, because a context is useful for 60 seconds only. After a crash of the server the table is empty,
-- and requests that were in progress fail.

ALTER TABLE access_contexts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON access_contexts TO firststep_gate;

CREATE POLICY gate_role_can_access ON access_contexts TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate_role_can_access ON access_contexts IS 'Functions owned by firststep_gate can access all rows.';
