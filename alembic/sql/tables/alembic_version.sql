-- The revision of the schema, which Alembic writes and the readiness check reads.

GRANT SELECT ON alembic_version TO firststep_api;
