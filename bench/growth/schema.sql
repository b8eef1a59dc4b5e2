-- Settings and progress of a generated database. Ids are computed from numbers, so that every statement can refer to
-- rows that another statement inserts.

CREATE SCHEMA growth;

CREATE TABLE growth.settings (
    generated_at timestamptz NOT NULL DEFAULT now(),
    checksum text NOT NULL,            -- of the schema and the generator
    case_count integer NOT NULL,
    team_count integer NOT NULL,       -- each team has the same number of cases in a database of any size
    event_count integer NOT NULL,      -- access events of a case
    session_count integer NOT NULL,    -- held support sessions of a case
    history_count integer NOT NULL,    -- history entries of a case
    entry_count integer NOT NULL,      -- access log entries of the child that was read most often
    has_referral_tokens boolean NOT NULL
);

CREATE TABLE growth.finished_steps (
    step text PRIMARY KEY
);

CREATE FUNCTION growth.make_id(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN md5(kind || ' ' || number)::uuid;

-- A ciphertext that no measured request reads. It has the size of a usual one.
CREATE FUNCTION growth.filler(size integer) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN convert_to(repeat('x', size), 'UTF8');

-- The indexes are created after the rows, which needs much less time than to insert rows into large indexes. Foreign
-- keys need the other primary keys.
CREATE TABLE growth.postponed_indexes (
    definition text NOT NULL
);

DO $$
DECLARE
    dropped record;
BEGIN
    FOR dropped IN
        SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS statement,
               replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS definition
          FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
         UNION ALL
        SELECT format('ALTER TABLE name_tokens DROP CONSTRAINT %I', conname),
               format('ALTER TABLE name_tokens ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
          FROM pg_constraint WHERE conrelid = 'name_tokens'::regclass AND contype = 'p'
    LOOP
        INSERT INTO growth.postponed_indexes VALUES (dropped.definition);
        EXECUTE dropped.statement;
    END LOOP;
END
$$;
