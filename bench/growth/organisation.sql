-- The organisation: teams with ten workers and a supervisor each, an agency with an API client, a provider, and the
-- partitions of the access log for the past two years.

INSERT INTO agencies (id, created_at, version, name, kind, is_active)
VALUES (growth.make_id('agency', 0), now(), 1, 'Agency of the growth measurement', 'partner', true);

INSERT INTO api_clients (id, created_at, version, agency_id, name, scopes, is_active)
VALUES (growth.make_id('api client', 0), now(), 1, growth.make_id('agency', 0), 'Case system', '{referrals}', true);

INSERT INTO providers (
    id, created_at, version, name, name_key, kind, services, province_codes, is_active, details
)
VALUES (growth.make_id('provider', 0), now(), 1, 'Provincial hospital', 'provincial hospital', 'hospital', '{medical}', '{}', true, '{}');

INSERT INTO teams (id, created_at, version, name, is_active)
SELECT growth.make_id('team', team), now(), 1, 'Growth team ' || team, true
  FROM growth.settings s, generate_series(0, s.team_count - 1) AS team;

INSERT INTO users (id, created_at, version, email, email_key, name, name_key, roles, is_active)
SELECT growth.make_id('worker', worker), now(), 1, 'worker-' || worker || '@growth.example', 'worker-' || worker || '@growth.example', 'Worker ' || worker, 'worker ' || worker,
       '{social_worker}'::text[], true
  FROM growth.settings s, generate_series(0, 10 * s.team_count - 1) AS worker
 UNION ALL
SELECT growth.make_id('supervisor', team), now(), 1, 'supervisor-' || team || '@growth.example',
       'supervisor-' || team || '@growth.example', 'Supervisor ' || team, 'supervisor ' || team,
       '{supervisor}'::text[], true
  FROM growth.settings s, generate_series(0, s.team_count - 1) AS team;

INSERT INTO team_members (team_id, user_id, is_supervisor)
SELECT growth.make_id('team', worker / 10), growth.make_id('worker', worker), false
  FROM growth.settings s, generate_series(0, 10 * s.team_count - 1) AS worker
 UNION ALL
SELECT growth.make_id('team', team), growth.make_id('supervisor', team), true
  FROM growth.settings s, generate_series(0, s.team_count - 1) AS team;

-- access.create_partitions() creates the partitions of this month and the following ones.
DO $$
DECLARE
    parent text;
    month timestamptz;
BEGIN
    FOREACH parent IN ARRAY ARRAY['access_events', 'access_entries'] LOOP
        FOR i IN 1..25 LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - make_interval(months => i);
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                           parent || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM'), parent,
                           access.smallest_uuid7(month), access.smallest_uuid7(month + interval '1 month'));
            IF parent = 'access_entries' THEN
                EXECUTE format('ALTER TABLE public.%I ALTER COLUMN child_id SET (n_distinct = 100),
                                ALTER COLUMN case_id SET (n_distinct = 2), ALTER COLUMN record_id SET (n_distinct = 2)',
                               parent || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM'));
            END IF;
        END LOOP;
    END LOOP;
END
$$;
