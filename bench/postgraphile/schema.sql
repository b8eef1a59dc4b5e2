-- Roles, row policies and defaults for PostGraphile in the database of `plain`. The owner of the tables, the role of
-- `plain`, bypasses the policies. The claims of the token are settings of the transaction (pgSettings).

CREATE ROLE postgraphile_caller NOLOGIN;
CREATE ROLE postgraphile_login LOGIN NOINHERIT IN ROLE postgraphile_caller;

GRANT SELECT ON cases, children, referrals TO postgraphile_caller;
GRANT INSERT (external_id, urgency, concern, child, caregiver, referrer, consent, services_already_given)
    ON referrals TO postgraphile_caller;
GRANT INSERT (user_id, action, record_id) ON audit_log TO postgraphile_caller;
GRANT USAGE ON SEQUENCE audit_log_id_seq TO postgraphile_caller;
COMMENT ON TABLE audit_log IS '@behavior -*';

ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE children ENABLE ROW LEVEL SECURITY;
ALTER TABLE referrals ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;

-- The subqueries are evaluated once per statement.
CREATE POLICY own_or_supervised ON cases FOR SELECT TO postgraphile_caller USING (
    lead_worker_id = (SELECT current_setting('jwt.claims.sub')::uuid)
    OR co_worker_ids @> ARRAY[(SELECT current_setting('jwt.claims.sub')::uuid)]
    OR (
        (SELECT current_setting('jwt.claims.role')) = 'supervisor'
        AND team_id = (SELECT nullif(current_setting('jwt.claims.team_id', true), '')::uuid)
    )
);

CREATE POLICY visible_with_case ON children FOR SELECT TO postgraphile_caller
    USING (EXISTS (SELECT FROM cases WHERE cases.child_id = children.id));

CREATE POLICY own_agency ON referrals TO postgraphile_caller
    USING (agency_id = (SELECT nullif(current_setting('jwt.claims.agency_id', true), '')::uuid));

CREATE POLICY own_rows ON audit_log FOR INSERT TO postgraphile_caller
    WITH CHECK (user_id = (SELECT current_setting('jwt.claims.sub')::uuid));

-- `plain` computes these values in Python.
ALTER TABLE audit_log ALTER COLUMN at SET DEFAULT now();
ALTER TABLE referrals
    ALTER COLUMN id SET DEFAULT gen_random_uuid(),
    ALTER COLUMN tracking_number SET DEFAULT 'R-' || upper(left(gen_random_uuid()::text, 8)),
    ALTER COLUMN status SET DEFAULT 'received',
    ALTER COLUMN received_at SET DEFAULT now(),
    ALTER COLUMN updated_at SET DEFAULT now(),
    ALTER COLUMN agency_id SET DEFAULT nullif(current_setting('jwt.claims.agency_id', true), '')::uuid;

CREATE FUNCTION log_referral() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (user_id, action, record_id)
    VALUES (current_setting('jwt.claims.sub')::uuid, 'referral.create', NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER log_referral AFTER INSERT ON referrals
    FOR EACH ROW WHEN (CURRENT_USER = 'postgraphile_caller') EXECUTE FUNCTION log_referral();
