-- Targets: how long work may wait, and how far ahead a date is announced. The agenda, lists and reports use the same
-- targets. Contains no data about a child.

GRANT SELECT ON targets TO firststep_api, firststep_gate, firststep_reports;

ALTER TABLE targets ADD CONSTRAINT ck_targets_hours CHECK (hours > 0);
COMMENT ON CONSTRAINT ck_targets_hours ON targets IS 'A target is a positive time.';
