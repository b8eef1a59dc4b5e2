-- Up to which amount a role approves or pays. Append-only: a new limit starts on a day.

GRANT SELECT, INSERT ON approval_limits TO firststep_api;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON approval_limits FOR EACH ROW
    EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_changed ON approval_limits IS 'Rows are never updated or deleted.';

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON approval_limits EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON approval_limits IS 'The table is never truncated.';

ALTER TABLE approval_limits ADD CONSTRAINT ck_approval_limits_currency CHECK (currency IN ('USD', 'KHR'));
