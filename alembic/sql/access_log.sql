-- The log never forgets: no UPDATE, DELETE or TRUNCATE by anybody, monthly partitions by the time inside the id.

CREATE FUNCTION access.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;

-- The smallest version 7 id of a moment.
CREATE FUNCTION access.first_id(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$ SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

-- Make sure that this month and the next `p_months` have their partitions.
CREATE FUNCTION access.prepare_partitions(p_months integer DEFAULT 18) RETURNS integer
LANGUAGE plpgsql SET search_path = '' SET client_min_messages = warning
AS $$
DECLARE
    parent text;
    month timestamptz;
    part text;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['access_events', 'access_entries'] LOOP
        FOR i IN 0..p_months LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => i);
            part := format('%s_%s', parent, to_char(month AT TIME ZONE 'UTC', 'YYYY_MM'));
            CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)', part, parent,
                           access.first_id(month), access.first_id(month + interval '1 month'));
            EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON public.%I
                            EXECUTE FUNCTION access.refuse_change()', part);
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- Nothing is lost should nobody prepare a month in time.
CREATE TABLE access_events_default PARTITION OF access_events DEFAULT;
CREATE TABLE access_entries_default PARTITION OF access_entries DEFAULT;
SELECT access.prepare_partitions();

DO $$
DECLARE
    log text;
BEGIN
    FOREACH log IN ARRAY ARRAY['access_events', 'access_entries'] LOOP
        EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON %I
                        FOR EACH ROW EXECUTE FUNCTION access.refuse_change()', log);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I EXECUTE FUNCTION access.refuse_change()', log);
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I
                        EXECUTE FUNCTION access.refuse_change()', log || '_default');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', log);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', log || '_default');
    END LOOP;
END
$$;

-- The gate reads events to say who is asking, and writes them.
CREATE POLICY gate ON access_events TO firststep_gate USING (true) WITH CHECK (true);
CREATE POLICY gate ON access_entries TO firststep_gate USING (true) WITH CHECK (true);

-- A request writes what it showed. The transaction and the moment are the database's to say.
GRANT INSERT (event_id, child_id, case_id, record_kind, record_id, outcome, status) ON access_entries TO firststep_api;
CREATE POLICY written_by_requests ON access_entries FOR INSERT TO firststep_api, firststep_owner WITH CHECK (true);

-- Read by the data protection officer, and per child by a supervisor of that child.
GRANT SELECT ON access_events, access_entries TO firststep_api;
CREATE POLICY readers ON access_entries FOR SELECT TO firststep_api, firststep_owner USING (
    (SELECT access.reads_the_log())
    OR (child_id IS NOT NULL AND cardinality((SELECT access.supervised_teams())) > 0
        AND EXISTS (SELECT FROM public.cases c WHERE c.child_id = access_entries.child_id))
);
CREATE POLICY readers ON access_events FOR SELECT TO firststep_api, firststep_owner USING (
    (SELECT access.reads_the_log())
    OR (cardinality((SELECT access.supervised_teams())) > 0
        AND EXISTS (SELECT FROM public.access_entries x WHERE x.event_id = access_events.id))
);
