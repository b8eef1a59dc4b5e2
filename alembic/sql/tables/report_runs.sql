-- Reports that are computed in the background for the user who requested them. Contains no data about a child, so the
-- permissions of the API alone control its use. access.delete_expired_rows() deletes runs after 30 days.

GRANT SELECT, INSERT ON report_runs TO firststep_api;
GRANT UPDATE (version, status, done, failure, finished_at, reports) ON report_runs TO firststep_api;
GRANT SELECT, DELETE ON report_runs TO firststep_gate;

ALTER TABLE report_runs ADD CONSTRAINT ck_report_runs_period CHECK (last_day >= first_day);
COMMENT ON CONSTRAINT ck_report_runs_period ON report_runs IS 'A period does not end before it begins.';

ALTER TABLE report_runs ADD CONSTRAINT ck_report_runs_status CHECK (
    status IN ('queued', 'running', 'finished', 'failed')
    AND (finished_at IS NOT NULL) = (status IN ('finished', 'failed'))
    AND (failure IS NOT NULL) = (status = 'failed')
);
COMMENT ON CONSTRAINT ck_report_runs_status ON report_runs IS
    'A finished or failed run has the time of its end, and a failed run the reason.';
