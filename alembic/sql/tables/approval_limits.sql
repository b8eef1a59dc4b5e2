-- The amounts up to which a role can approve or pay disbursements. Append-only: a changed limit is a new row with the
-- day from which it applies.

GRANT SELECT ON approval_limits TO firststep_api;
GRANT SELECT, INSERT ON approval_limits TO firststep_gate;

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON approval_limits FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON approval_limits IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON approval_limits EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON approval_limits IS 'Rejects TRUNCATE.';

ALTER TABLE approval_limits ADD CONSTRAINT ck_approval_limits_currency CHECK (currency IN ('USD', 'KHR'));
