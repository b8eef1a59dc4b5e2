-- Assignment periods: who led which case in which team. access.record_case_periods() fills the table.

ALTER TABLE assignment_periods ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON assignment_periods TO firststep_gate;
GRANT UPDATE (ended_at, child_id) ON assignment_periods TO firststep_gate;
GRANT SELECT (case_id, began_at, ended_at, child_id, team_id, lead_worker_id) ON assignment_periods TO firststep_reports;

CREATE POLICY gate_role_can_access ON assignment_periods TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_access ON assignment_periods IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY reports_can_count ON assignment_periods FOR SELECT TO firststep_reports
    USING (EXISTS (SELECT FROM access.context() x WHERE access.can_count(x)));
COMMENT ON POLICY reports_can_count ON assignment_periods IS
    'A report can count the rows. Reports join them with cases, whose policy limits them to the teams of the caller.';

ALTER TABLE assignment_periods ADD CONSTRAINT ck_assignment_periods_ends_later CHECK (ended_at > began_at);
COMMENT ON CONSTRAINT ck_assignment_periods_ends_later ON assignment_periods IS 'A period ends after it begins.';

ALTER TABLE assignment_periods ADD CONSTRAINT ck_assignment_periods_without_gap CHECK (previous_ended_at = began_at);
COMMENT ON CONSTRAINT ck_assignment_periods_without_gap ON assignment_periods IS
    'A period begins when the previous one ends. With the unique and foreign keys, the periods of a case have no gaps and '
    'no overlaps.';
