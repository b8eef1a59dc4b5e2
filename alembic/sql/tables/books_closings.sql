-- Closings of the books of the assistance fund: the day up to which no ledger transaction can be added. Append-only.

GRANT SELECT, INSERT ON books_closings TO firststep_api;
GRANT SELECT (id) ON books_closings TO firststep_gate;

-- A closing takes the advisory lock ledger.books in exclusive mode, and a ledger transaction takes it in shared mode.
-- No transaction can therefore be added to a period while it is being closed.
CREATE FUNCTION ledger.validate_closing() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.books'));
    IF NEW.until <= (SELECT max(b.until) FROM public.books_closings b) THEN
        RAISE EXCEPTION 'the books are closed for that day'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_closed';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.validate_closing() IS
    'Waits for ledger transactions in progress, and raises an error if the day of the new closing is not after the '
    'last closing.';

CREATE TRIGGER validate_closing BEFORE INSERT ON books_closings FOR EACH ROW
    EXECUTE FUNCTION ledger.validate_closing();
COMMENT ON TRIGGER validate_closing ON books_closings IS
    'Makes a closing wait for ledger transactions in progress, and rejects it if its day is not after the last '
    'closing.';

CREATE TRIGGER prevent_update_and_delete BEFORE UPDATE OR DELETE ON books_closings FOR EACH ROW
    EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_update_and_delete ON books_closings IS 'Rejects UPDATE and DELETE.';

CREATE TRIGGER prevent_truncate BEFORE TRUNCATE ON books_closings EXECUTE FUNCTION access.prevent_change();
COMMENT ON TRIGGER prevent_truncate ON books_closings IS 'Rejects TRUNCATE.';

CREATE TRIGGER validate_change BEFORE INSERT ON books_closings FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON books_closings IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';
