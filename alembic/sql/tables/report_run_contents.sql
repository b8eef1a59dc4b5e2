-- The encrypted files of report runs. They contain figures and no data about a child, so the permissions of the API alone
-- control their use. access.delete_expired_rows() deletes them 24 hours after the end of the run.

GRANT SELECT, INSERT ON report_run_contents TO firststep_api;
GRANT SELECT (id), DELETE ON report_run_contents TO firststep_gate;
