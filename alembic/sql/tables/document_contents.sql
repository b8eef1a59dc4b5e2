-- The encrypted content of documents. It never changes.

ALTER TABLE document_contents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON document_contents TO firststep_api;
GRANT SELECT (id, child_id, case_id, content_encrypted) ON document_contents TO firststep_gate;

CREATE POLICY gate_role_can_read ON document_contents FOR SELECT TO firststep_gate USING (true);
COMMENT ON POLICY gate_role_can_read ON document_contents IS 'Functions owned by firststep_gate can read all rows.';

CREATE POLICY visible_with_document ON document_contents FOR SELECT TO firststep_api, firststep_owner
    USING (EXISTS (SELECT FROM public.documents d WHERE d.id = document_contents.id OFFSET 0));
COMMENT ON POLICY visible_with_document ON document_contents IS
    'The content of a document is visible if the document is visible.';

CREATE POLICY insert_with_document ON document_contents FOR INSERT TO firststep_api
    WITH CHECK (
        EXISTS (SELECT FROM public.documents d
                 WHERE d.id = document_contents.id
                   AND d.case_id = document_contents.case_id AND d.child_id = document_contents.child_id)
    );
COMMENT ON POLICY insert_with_document ON document_contents IS
    'Content can be inserted if its document is visible and has the same case_id and child_id.';

CREATE POLICY custodian_can_access ON document_contents TO firststep_owner
    USING (EXISTS (SELECT FROM access.context() x WHERE x.is_custodian));
COMMENT ON POLICY custodian_can_access ON document_contents IS
    'The table owner can access all rows during a key rotation (see access.open_as_custodian()).';
