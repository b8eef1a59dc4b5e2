-- Failed sign-ins, for throttling. Expired rows are deleted by access.delete_expired_rows().

GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempts TO firststep_api;
GRANT SELECT (last_at) ON sign_in_attempts TO firststep_gate;
GRANT DELETE ON sign_in_attempts TO firststep_gate;
