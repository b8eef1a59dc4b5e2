-- The database roles of First Step. Run this file once, as a role that can create roles, inside the database of
-- First Step; `firststep migrate` runs it if it is given such a URL. Passwords are set separately.
--
--   firststep_owner    owns the tables and runs migrations; row-level security is forced on it too
--   firststep_api      the API: reads and writes the rows that its open access event shows; cannot change log entries
--   firststep_reports  reporting without identities
--   firststep_gate     has no login; owns the functions that resolve the caller for row policies

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['firststep_owner', 'firststep_api', 'firststep_reports', 'firststep_gate'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', wanted);
        END IF;
    END LOOP;
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO firststep_owner', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO firststep_api, firststep_reports', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

ALTER ROLE firststep_owner LOGIN;
ALTER ROLE firststep_api LOGIN;
ALTER ROLE firststep_reports LOGIN;
-- firststep_owner can create functions as firststep_gate. It does not inherit the privileges of firststep_gate, because
-- row-level security would then not restrict the owner.
GRANT firststep_gate TO firststep_owner WITH INHERIT FALSE, SET TRUE;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO firststep_owner;
GRANT USAGE ON SCHEMA public TO firststep_api, firststep_gate, firststep_reports;

ALTER ROLE firststep_api SET statement_timeout = '15s';
ALTER ROLE firststep_api SET lock_timeout = '5s';
ALTER ROLE firststep_api SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE firststep_reports SET statement_timeout = '30s';
ALTER ROLE firststep_reports SET lock_timeout = '5s';
ALTER ROLE firststep_reports SET idle_in_transaction_session_timeout = '60s';

-- Row-level security does not apply to statistics: they show how many rows a table has and how many of them changed. A
-- superuser can hide them from the other roles of this database. Monitoring uses the role pg_monitor.
DO $$
DECLARE
    visible_columns text := (
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = 'pg_class'::regclass AND NOT attisdropped
           AND attname NOT IN ('relpages', 'reltuples', 'relallvisible', 'relallfrozen'));
    hidden record;
BEGIN
    IF current_setting('is_superuser') <> 'on' THEN
        RAISE WARNING 'The statistics of this database stay visible to its roles, because only a superuser can hide them.';
        RETURN;
    END IF;
    FOR hidden IN
        SELECT 'SELECT ON' AS privilege, c.oid::regclass::text AS name FROM pg_class c
         WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'v'
           AND (c.relname ~ '^pg_stat' OR c.relname = 'pg_locks')
         UNION ALL
        SELECT 'EXECUTE ON FUNCTION', p.oid::regprocedure::text FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace
           AND (p.proname ~ '^pg_stat_get_'
                OR p.proname IN ('pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size',
                                 'pg_database_size', 'pg_tablespace_size', 'pg_lock_status'))
    LOOP
        EXECUTE format('REVOKE %s %s FROM PUBLIC', hidden.privilege, hidden.name);
        EXECUTE format('GRANT %s %s TO pg_monitor', hidden.privilege, hidden.name);
    END LOOP;
    REVOKE SELECT ON pg_class FROM PUBLIC;
    EXECUTE format('GRANT SELECT (%s) ON pg_class TO PUBLIC', visible_columns);
    GRANT SELECT ON pg_class TO firststep_owner, pg_monitor;
END
$$;

-- Functions that the application does not use, and that a role could misuse: large objects are stored outside the tables
-- and their policies, and one connection could end the other connections of its role.
DO $$
DECLARE
    unused regprocedure;
BEGIN
    IF current_setting('is_superuser') <> 'on' THEN
        RAISE WARNING 'The roles of this database keep unused functions, because only a superuser can revoke them.';
        RETURN;
    END IF;
    FOR unused IN
        SELECT p.oid FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace
           AND (p.proname ~ '^lo_' OR p.proname IN (
                'loread', 'lowrite', 'pg_cancel_backend', 'pg_terminate_backend', 'pg_notify', 'pg_logical_emit_message',
                'pg_export_snapshot', 'pg_log_backend_memory_contexts'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', unused);
    END LOOP;
    GRANT EXECUTE ON FUNCTION pg_cancel_backend(integer), pg_terminate_backend(integer, bigint) TO pg_signal_backend;
END
$$;
