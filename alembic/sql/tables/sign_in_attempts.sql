-- Failed sign-ins, for throttling. access.delete_expired_rows() deletes expired rows.

GRANT SELECT, INSERT, DELETE ON sign_in_attempts TO firststep_api;
GRANT UPDATE (failures, last_at, blocked_until) ON sign_in_attempts TO firststep_api;
GRANT SELECT (last_at) ON sign_in_attempts TO firststep_gate;
GRANT DELETE ON sign_in_attempts TO firststep_gate;
