-- The days up to which the books are closed. Append-only.

GRANT SELECT, INSERT ON books_closings TO firststep_api;

-- Writers take the lock ledger.books shared and a closing takes it exclusively, so that no transaction slips into a
-- period while it is being closed.
CREATE FUNCTION ledger.books_close() RETURNS trigger LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('ledger.books'));
    IF NEW.until <= (SELECT max(b.until) FROM public.books_closings b) THEN
        RAISE EXCEPTION 'the books of that day are closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'books_closed';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.books_close() IS
    'Waits for ledger transactions in progress, and raises an error if the books of that day are already closed.';

CREATE TRIGGER alone BEFORE INSERT ON books_closings FOR EACH ROW EXECUTE FUNCTION ledger.books_close();
COMMENT ON TRIGGER alone ON books_closings IS
    'A closing waits for ledger transactions in progress and ends after the last closing.';

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON books_closings FOR EACH ROW
    EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_changed ON books_closings IS 'Rows are never updated or deleted.';

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON books_closings EXECUTE FUNCTION access.refuse_change();
COMMENT ON TRIGGER never_emptied ON books_closings IS 'The table is never truncated.';
