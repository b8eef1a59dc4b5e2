-- Position up to which access.raise_alerts() has searched the access log. Only functions of firststep_gate use it.

GRANT SELECT, UPDATE ON access_log_scans TO firststep_gate;

INSERT INTO access_log_scans (name, scanned_xid, unassigned_xid, scanned_at, since)
VALUES ('alerts', '0', '0', clock_timestamp(), clock_timestamp());
