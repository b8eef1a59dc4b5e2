-- The revision of the schema, for the readiness check.

GRANT SELECT ON alembic_version TO firststep_api;
