-- An answer kept for a retry is for the principal who got it, and for nobody else.

ALTER TABLE kept_answers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON kept_answers TO firststep_api;
CREATE POLICY own ON kept_answers TO firststep_api, firststep_owner
    USING (principal_id = (SELECT access.actor_id()));
