-- Status periods: when a case entered and left each status. access.record_case_periods() fills the table.

ALTER TABLE status_periods ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON status_periods TO firststep_gate;
GRANT UPDATE (ended_at, child_id) ON status_periods TO firststep_gate;
GRANT SELECT (case_id, began_at, ended_at, child_id, status) ON status_periods TO firststep_reports;

CREATE POLICY gate_role_can_access ON status_periods TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON status_periods IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY reports_can_count ON status_periods FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON status_periods IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';

ALTER TABLE status_periods ADD CONSTRAINT ck_status_periods_ends_later CHECK (ended_at > began_at);
COMMENT ON CONSTRAINT ck_status_periods_ends_later ON status_periods IS 'A period ends after it begins.';

ALTER TABLE status_periods ADD CONSTRAINT ck_status_periods_without_gap CHECK (previous_ended_at = began_at);
COMMENT ON CONSTRAINT ck_status_periods_without_gap ON status_periods IS
    'A period begins when the previous one ends. With the unique and foreign keys, the periods of a case have no gaps and '
    'no overlaps.';

ALTER TABLE status_periods ADD CONSTRAINT ck_status_periods_status CHECK (
    status IN ('assessment', 'planning', 'active', 'exiting', 'closed')
);
