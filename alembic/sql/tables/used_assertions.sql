-- Ids of client assertions, so that each is accepted once. access.delete_expired_rows() deletes expired rows.

GRANT SELECT, INSERT ON used_assertions TO firststep_api;
GRANT SELECT (expires_at) ON used_assertions TO firststep_gate;
GRANT DELETE ON used_assertions TO firststep_gate;
