-- Background jobs: work that the job process does after a transaction has committed, and periodic maintenance.
-- Contains no data about a child, so the permissions of the API alone control its use. access.delete_expired_rows()
-- deletes finished jobs.

GRANT SELECT, INSERT ON jobs TO firststep_api;
GRANT UPDATE (run_after, attempts, leased_until, last_error, finished_at, failed_at) ON jobs TO firststep_api;
GRANT SELECT (finished_at), DELETE ON jobs TO firststep_gate;
