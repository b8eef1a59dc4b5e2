-- The database roles of First Step. Run once by somebody who may create roles, inside the database that
-- First Step is to use; `firststep migrate` runs it by itself where it is given such a URL.
-- Passwords are set apart from this file.
--
--   firststep_owner    owns the tables, runs migrations, nothing else; row security is forced on it too
--   firststep_api      the API: reads and writes rows, only those an opened access shows; cannot touch the log's past
--   firststep_reports  reporting views without identities
--   firststep_gate     nobody logs in as it: owns the few functions that row policies ask who is asking

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
-- To hand functions over to the gate; never to inherit what the gate may see, or row security would not bind the owner.
GRANT firststep_gate TO firststep_owner WITH INHERIT FALSE, SET TRUE;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO firststep_owner;

ALTER ROLE firststep_api SET statement_timeout = '15s';
ALTER ROLE firststep_api SET lock_timeout = '5s';
ALTER ROLE firststep_api SET idle_in_transaction_session_timeout = '30s';
