-- The numbers from which access.raise_alerts() raises an alert. The table has one row. The set-up, which has the password
-- of the table owner, writes the settings of the operator into it. The API role can neither read nor change it.

GRANT SELECT ON alert_thresholds TO firststep_gate;

ALTER TABLE alert_thresholds ADD CONSTRAINT ck_alert_thresholds_name CHECK (name = 'log');
COMMENT ON CONSTRAINT ck_alert_thresholds_name ON alert_thresholds IS 'The table has one row.';

ALTER TABLE alert_thresholds ADD CONSTRAINT ck_alert_thresholds_positive CHECK (
    children_per_day > 0 AND children_per_day_of_manager > 0 AND matches_per_day > 0);
COMMENT ON CONSTRAINT ck_alert_thresholds_positive ON alert_thresholds IS 'A threshold is at least 1.';

INSERT INTO alert_thresholds (name, children_per_day, children_per_day_of_manager, matches_per_day)
VALUES ('log', 50, 200, 10);
