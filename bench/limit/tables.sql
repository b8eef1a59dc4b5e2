-- Tables of the program `limit`.
--
-- bench/limit/database.py runs the SQL files of this folder, as the administrator role, in a copy of the benchmark
-- database. Rows are copied into the schema `bench`, and the schemas of First Step are dropped. Changes of the tables,
-- policies and indexes of First Step therefore do not change the costs of this program.

CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO firststep_api, firststep_owner;
GRANT USAGE, CREATE ON SCHEMA bench TO firststep_gate;
ALTER DATABASE limit_program SET search_path = bench;
SET search_path = bench;

-- Callers: the session of a token, and the roles and teams of its user or API client.

CREATE TABLE sessions AS SELECT id, user_id, client_id, ends_at, revoked_at FROM public.sessions;
CREATE TABLE users AS SELECT id, roles, is_active FROM public.users;
CREATE TABLE teams AS SELECT id FROM public.teams;
CREATE TABLE team_members AS SELECT team_id, user_id, is_supervisor FROM public.team_members;
CREATE TABLE agencies AS SELECT id, is_active FROM public.agencies;
CREATE TABLE api_clients AS SELECT id, agency_id, scopes, is_active FROM public.api_clients;
ALTER TABLE sessions ADD PRIMARY KEY (id);
ALTER TABLE users ADD PRIMARY KEY (id);
ALTER TABLE teams ADD PRIMARY KEY (id);
ALTER TABLE team_members ADD PRIMARY KEY (user_id, team_id);
ALTER TABLE agencies ADD PRIMARY KEY (id);
ALTER TABLE api_clients ADD PRIMARY KEY (id);

-- Children and cases. The program only reads these tables.

CREATE TABLE children AS SELECT id, sex, identity_encrypted FROM public.children;
CREATE TABLE cases AS
    SELECT id, created_at, version, number, child_id, kind, status, team_id, lead_worker_id, referral_id,
           previous_case_id, opened_on, closed_on, next_review_on, extended_until, close_reason, age_at_referral_min,
           age_at_referral_max, province_code, updated_at, content_encrypted
      FROM public.cases;
CREATE TABLE case_workers AS SELECT case_id, user_id, child_id FROM public.case_workers;
CREATE TABLE case_links AS SELECT id, child_id, linked_child_id FROM public.case_links;
CREATE TABLE break_glass AS SELECT id, case_id, user_id, expires_at FROM public.break_glass;
ALTER TABLE children ADD PRIMARY KEY (id);
ALTER TABLE cases ADD PRIMARY KEY (id);
ALTER TABLE case_workers ADD PRIMARY KEY (case_id, user_id);
CREATE INDEX ON cases (child_id);
CREATE INDEX ON cases (created_at DESC, id DESC);
CREATE INDEX ON cases (team_id, created_at DESC, id DESC);
CREATE INDEX ON cases (lead_worker_id, created_at DESC, id DESC);
CREATE INDEX ON case_workers (user_id);
CREATE INDEX ON case_links (child_id);
CREATE INDEX ON case_links (linked_child_id);
CREATE INDEX ON break_glass (user_id);

-- Referrals with their search tokens, and stored responses. Each insert maintains the constraints and indexes that
-- First Step has.

CREATE TABLE referrals (
    id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    version integer NOT NULL,
    child_id uuid REFERENCES children,
    case_id uuid REFERENCES cases,
    agency_id uuid REFERENCES agencies,
    received_by_id uuid REFERENCES users,
    handed_to_id uuid REFERENCES users,
    team_id uuid REFERENCES teams,
    external_id text,
    tracking_number text NOT NULL UNIQUE,
    source text NOT NULL,
    urgency text NOT NULL,
    concern_kind text NOT NULL,
    status text NOT NULL CHECK (
        status IN ('received', 'acknowledged', 'information_requested', 'accepted', 'declined', 'withdrawn')
    ),
    received_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    decided_at timestamptz,
    decided_by_id uuid REFERENCES users,
    decline_reason_code text,
    province_code text,
    content_encrypted bytea NOT NULL,
    outcome_encrypted bytea
);
INSERT INTO referrals (
    id, created_at, version, child_id, case_id, agency_id, received_by_id, handed_to_id, team_id, external_id,
    tracking_number, source, urgency, concern_kind, status, received_at, updated_at, province_code, content_encrypted
)
SELECT id, created_at, version, child_id, case_id, agency_id, received_by_id, handed_to_id, team_id, external_id,
       tracking_number, source, urgency, concern_kind, status, received_at, updated_at, province_code, content_encrypted
  FROM public.referrals;
CREATE INDEX ON referrals (case_id);
CREATE INDEX ON referrals (child_id);
CREATE INDEX ON referrals (handed_to_id);
CREATE INDEX ON referrals (received_by_id);
CREATE INDEX ON referrals (received_at DESC, id DESC);
CREATE INDEX ON referrals (team_id, status);
CREATE UNIQUE INDEX ON referrals (agency_id, external_id);

CREATE TABLE name_tokens (
    owner_id uuid, token integer, kind text, child_id uuid, PRIMARY KEY (owner_id, token, kind)
);
INSERT INTO name_tokens SELECT owner_id, token, kind, child_id FROM public.name_tokens;
CREATE INDEX ON name_tokens (token, kind);

CREATE TABLE idempotency_records (
    principal_id uuid,
    key_digest bytea,
    id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    stored_at timestamptz NOT NULL,
    response_encrypted bytea NOT NULL,
    PRIMARY KEY (principal_id, key_digest)
);
CREATE INDEX ON idempotency_records (stored_at);

-- The access log. It has one partition, because the costs of an insert do not depend on their number.

CREATE TABLE access_events (
    id uuid PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL,
    actor_id uuid NOT NULL,
    session_id uuid NOT NULL,
    token_id uuid NOT NULL,
    roles text[] NOT NULL,
    agency_id uuid,
    supervised_team_ids uuid[] NOT NULL,
    act text NOT NULL,
    request_id text NOT NULL,
    address inet NOT NULL
) PARTITION BY RANGE (id);
CREATE TABLE access_events_all PARTITION OF access_events FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
CREATE INDEX ON access_events (actor_id, id);
CREATE INDEX ON access_events (request_id);

CREATE TABLE access_entries (
    event_id uuid,
    n smallint,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    child_id uuid,
    case_id uuid,
    record_kind text,
    record_id uuid,
    outcome text NOT NULL,
    status smallint NOT NULL,
    PRIMARY KEY (event_id, n)
) PARTITION BY RANGE (event_id);
CREATE TABLE access_entries_all PARTITION OF access_entries FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
CREATE INDEX ON access_entries (child_id, event_id);

CREATE FUNCTION prevent_change() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER prevent_change BEFORE UPDATE OR DELETE ON access_events FOR EACH ROW EXECUTE FUNCTION prevent_change();
CREATE TRIGGER prevent_change BEFORE UPDATE OR DELETE ON access_entries FOR EACH ROW EXECUTE FUNCTION prevent_change();

-- One row for each event: everything that row policies need to know about its caller. The transaction of the event
-- inserts it. The table is unlogged, because an event is valid for 60 seconds only.

CREATE UNLOGGED TABLE contexts (
    event_id uuid PRIMARY KEY,
    secret_digest bytea NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    caller_id uuid,
    agency_id uuid,
    worker_id uuid,
    team_ids uuid[] NOT NULL,
    sees_all boolean NOT NULL,
    case_ids uuid[] NOT NULL,
    walled_case_ids uuid[] NOT NULL
);
COMMENT ON TABLE contexts IS 'The scope of the caller of an access event. Deleted after two minutes.';
COMMENT ON COLUMN contexts.caller_id IS 'The user or API client; NULL if its session has ended.';
COMMENT ON COLUMN contexts.agency_id IS 'The agency of a partner system, otherwise NULL.';
COMMENT ON COLUMN contexts.worker_id IS 'The user, if it is a social worker or supervisor, otherwise NULL.';
COMMENT ON COLUMN contexts.team_ids IS 'The teams that the caller supervises.';
COMMENT ON COLUMN contexts.sees_all IS 'Whether the caller is a programme manager.';
COMMENT ON COLUMN contexts.case_ids IS 'The cases that the caller co-works on or has break-glass access to.';
COMMENT ON COLUMN contexts.walled_case_ids IS 'The cases that the conflict wall hides from the caller.';

DROP SCHEMA public, access, ledger CASCADE;
