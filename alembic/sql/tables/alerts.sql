-- Alerts about acts that the data protection officers, or the supervisors of a team, should look at.

ALTER TABLE alerts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON alerts TO firststep_api;
GRANT UPDATE (version, acknowledged_at, acknowledged_by_id, note_encrypted) ON alerts TO firststep_api;
GRANT SELECT, INSERT ON alerts TO firststep_gate;

CREATE FUNCTION access.receives_alert(x public.access_contexts, p_team uuid, p_case uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN p_team IS NULL THEN x.can_read_access_log
            ELSE p_team = ANY (x.supervised_team_ids) AND (p_case = ANY (x.conflict_wall_case_ids)) IS NOT TRUE END;
COMMENT ON FUNCTION access.receives_alert(access_contexts, uuid, uuid) IS
    'Returns whether the caller is a recipient of an alert: a data protection officer if the alert has no team, otherwise '
    'a supervisor of the team, unless the conflict wall hides the case of the alert from the supervisor.';
GRANT EXECUTE ON FUNCTION access.receives_alert(access_contexts, uuid, uuid) TO firststep_api, firststep_owner;

CREATE POLICY gate_role_can_access ON alerts TO firststep_gate USING (true) WITH CHECK (true);
COMMENT ON POLICY gate_role_can_access ON alerts IS 'Functions owned by firststep_gate can access all rows.';

CREATE POLICY visible_to_recipients ON alerts FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE access.receives_alert(x, team_id, case_id)));
COMMENT ON POLICY visible_to_recipients ON alerts IS 'An alert is visible to its recipients.';

CREATE POLICY actor_can_insert ON alerts FOR INSERT TO firststep_api
    WITH CHECK (
        kind = 'break_glass' AND acknowledged_at IS NULL
        AND actor_id = (SELECT x.caller_id FROM access.context() x)
        AND act = (SELECT x.act FROM access.context() x)
    );
COMMENT ON POLICY actor_can_insert ON alerts IS
    'A request can insert alerts about its own caller and act. access.record_matching() inserts the alerts about limits of '
    'matching, and access.raise_alerts() the other kinds.';

CREATE POLICY recipients_can_acknowledge ON alerts FOR UPDATE TO firststep_api
    USING (EXISTS (SELECT FROM access.context() x WHERE access.receives_alert(x, team_id, case_id)))
    WITH CHECK (acknowledged_by_id = (SELECT x.caller_id FROM access.context() x) AND acknowledged_by_id IS DISTINCT FROM actor_id);
COMMENT ON POLICY recipients_can_acknowledge ON alerts IS
    'Recipients can acknowledge an alert with their own name, but not an alert about themselves.';

CREATE POLICY custodian_can_access ON alerts TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON alerts IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE FUNCTION access.prevent_second_acknowledgement() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF current_user <> 'firststep_owner' AND OLD.acknowledged_at IS NOT NULL THEN
        RAISE EXCEPTION 'the alert is acknowledged' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION access.prevent_second_acknowledgement() IS
    'Raises an error if an acknowledged alert changes. The table owner is exempt for key rotations.';
CREATE TRIGGER prevent_second_acknowledgement BEFORE UPDATE ON alerts FOR EACH ROW
    EXECUTE FUNCTION access.prevent_second_acknowledgement();
COMMENT ON TRIGGER prevent_second_acknowledgement ON alerts IS 'An acknowledged alert does not change.';

ALTER TABLE alerts ADD CONSTRAINT ck_alerts_kind CHECK (kind IN (
    'reading_outside_caseload', 'matching_hidden_child', 'matching_limit', 'account_change', 'break_glass'));
COMMENT ON CONSTRAINT ck_alerts_kind ON alerts IS 'The kind is one of the code list `alert_kind`.';

ALTER TABLE alerts ADD CONSTRAINT ck_alerts_acknowledgement CHECK (
    (acknowledged_at IS NULL) = (acknowledged_by_id IS NULL)
    AND (note_encrypted IS NULL OR acknowledged_at IS NOT NULL));
COMMENT ON CONSTRAINT ck_alerts_acknowledgement ON alerts IS
    'An acknowledgement has a time and a person. Only an acknowledged alert can have a note.';

-- A second alert with the same key is not inserted. Without this rule, a request could insert an alert about break-glass
-- access with the key of another alert, and so prevent that alert.
ALTER TABLE alerts ADD CONSTRAINT ck_alerts_key CHECK (starts_with(key, kind || ':'));
COMMENT ON CONSTRAINT ck_alerts_key ON alerts IS
    'The key begins with the kind, so that an alert can prevent only alerts of the same kind.';
