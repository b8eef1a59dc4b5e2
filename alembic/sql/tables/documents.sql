-- Documents of a case. The API never changes them, except that it can mark one as entered in error.

ALTER TABLE documents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON documents TO firststep_api;
GRANT UPDATE (version, updated_at, entered_in_error_at, entered_in_error_by_id, entered_in_error_reason_encrypted) ON documents
    TO firststep_api;
GRANT SELECT (
    id, child_id, case_id, kind, tier, media_type, about_kind, about_id, amount, currency, content_digest,
    entered_in_error_at
) ON documents TO firststep_gate;

CREATE POLICY gate_role_can_read ON documents FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON documents IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_by_tier ON documents FOR SELECT TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id) OFFSET 0)
    );
COMMENT ON POLICY visible_by_tier ON documents IS
    'A row is visible if its case is visible and the caller can read its tier (see access.can_read_tier()).';

CREATE POLICY insert_by_tier ON documents FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id))
        AND EXISTS (SELECT FROM public.cases c
                     WHERE c.id = documents.case_id AND c.child_id = documents.child_id)
    );
COMMENT ON POLICY insert_by_tier ON documents IS
    'A row can be inserted if its case is visible and has the same child_id, and the caller can read its tier. '
    'Restrictive policies limit this to staff of the case.';

CREATE POLICY author_is_caller ON documents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (author_id = (SELECT x.caller_id FROM access.context() x));
COMMENT ON POLICY author_is_caller ON documents IS 'author_id of a new row must be the caller.';

CREATE POLICY update_by_tier ON documents FOR UPDATE TO firststep_api, firststep_owner
    USING (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id))
    )
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id
                   AND access.can_read_tier(x, c, documents.tier, documents.author_id))
    );
COMMENT ON POLICY update_by_tier ON documents IS
    'A row can be updated if its case is visible and the caller can read its tier, before and after the change. '
    'Restrictive policies limit this to staff of the case.';

CREATE POLICY case_staff_can_insert ON documents AS RESTRICTIVE FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_insert ON documents IS
    'Only staff of the case can insert a row. A caller with break-glass access can see the case, but not write to it.';

CREATE POLICY case_staff_can_update ON documents AS RESTRICTIVE FOR UPDATE TO firststep_api
    USING (true)
    WITH CHECK (
        EXISTS (SELECT FROM public.cases c, access.context() x
                 WHERE c.id = documents.case_id AND access.is_case_staff(x, c))
    );
COMMENT ON POLICY case_staff_can_update ON documents IS
    'Only staff of the case can update a row (WITH CHECK). USING is true because it also filters SELECT FOR SHARE, '
    'which must find the row for a break-glass reader.';

CREATE POLICY custodian_can_access ON documents TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON documents IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';

CREATE TRIGGER validate_change BEFORE UPDATE ON documents FOR EACH ROW
    WHEN (current_user = 'firststep_api') EXECUTE FUNCTION access.validate_change();
COMMENT ON TRIGGER validate_change ON documents IS
    'Rejects an older version, a user id other than the caller''s, and a time in the future.';

CREATE TRIGGER protect_entered_in_error BEFORE UPDATE ON documents FOR EACH ROW
    WHEN (current_user = 'firststep_api'
          AND (OLD.entered_in_error_at IS NOT NULL OR NEW.entered_in_error_at IS NOT NULL))
    EXECUTE FUNCTION access.protect_entered_in_error('author_id');
COMMENT ON TRIGGER protect_entered_in_error ON documents IS
    'Rejects a mark as entered in error together with another change or by a person who may not set it, and changes of a '
    'marked row.';

ALTER TABLE documents ADD CONSTRAINT ck_documents_amount CHECK (
    (amount IS NULL) = (currency IS NULL) AND amount > 0 AND currency IN ('USD', 'KHR')
);
COMMENT ON CONSTRAINT ck_documents_amount ON documents IS
    'The amount on a receipt or quotation is positive and has a currency.';

ALTER TABLE documents ADD CONSTRAINT ck_documents_content_digest CHECK (
    (content_digest IS NOT NULL) = (kind IN ('receipt', 'acknowledgement'))
    AND (content_digest IS NULL OR length(content_digest) = 32)
);
COMMENT ON CONSTRAINT ck_documents_content_digest ON documents IS
    'A receipt or acknowledgement, and no other document, has the keyed digest of its file (see access.find_payments_of_receipts()).';
