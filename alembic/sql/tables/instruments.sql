-- Scored questionnaires and their editions.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON instruments TO firststep_api;
