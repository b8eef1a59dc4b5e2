-- The caseload standard: one row with the limits and the weights of a case by its risk.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT ON caseload_standards TO firststep_api;
GRANT UPDATE (
    version, cases_per_worker, workers_per_supervisor, weight_high, weight_medium, weight_low, weight_unknown
) ON caseload_standards TO firststep_api;
GRANT SELECT (id) ON caseload_standards TO firststep_gate;
GRANT SELECT (cases_per_worker, workers_per_supervisor, weight_high, weight_medium, weight_low, weight_unknown)
    ON caseload_standards TO firststep_reports;

CREATE TRIGGER validate_change BEFORE UPDATE ON caseload_standards FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON caseload_standards IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

ALTER TABLE caseload_standards ADD CONSTRAINT ck_caseload_standards_positive CHECK (
    cases_per_worker > 0 AND workers_per_supervisor > 0
    AND weight_high > 0 AND weight_medium > 0 AND weight_low > 0 AND weight_unknown > 0
);
COMMENT ON CONSTRAINT ck_caseload_standards_positive ON caseload_standards IS 'Limits and weights are positive.';
