-- The database roles of First Step. Run this file once, as a role that can create roles, inside the database of
-- First Step; `python -m app.cli migrate` runs it if it is given such a URL. Passwords are set separately.
--
--   firststep_owner    owns the tables and runs migrations; row-level security is forced on it too
--   firststep_api      the API: reads and writes the rows that its open access shows; cannot change log entries
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
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO firststep_owner;

ALTER ROLE firststep_api SET statement_timeout = '15s';
ALTER ROLE firststep_api SET lock_timeout = '5s';
ALTER ROLE firststep_api SET idle_in_transaction_session_timeout = '30s';
