-- Merges of children: which cases each of them moved, so that they can be moved back (see functions/child_merges.sql).

ALTER TABLE child_merges ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON child_merges TO firststep_gate;
GRANT UPDATE (unmerged_by_id, unmerged_at) ON child_merges TO firststep_gate;

CREATE POLICY gate_role_can_access ON child_merges TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON child_merges IS
    'Functions owned by firststep_gate can access all rows. No other role can, so that a caller cannot move cases.';

ALTER TABLE child_merges ADD CONSTRAINT ck_child_merges_two_children CHECK (kept_child_id <> merged_child_id);
COMMENT ON CONSTRAINT ck_child_merges_two_children ON child_merges IS 'A child is merged into another child.';
