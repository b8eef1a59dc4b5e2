-- Client assertions that were used, so that each works once. Expired rows are deleted by access.delete_expired_rows().

GRANT SELECT, INSERT, UPDATE, DELETE ON used_assertions TO firststep_api;
GRANT SELECT (expires_at) ON used_assertions TO firststep_gate;
GRANT DELETE ON used_assertions TO firststep_gate;
