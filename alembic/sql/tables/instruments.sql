-- Questionnaires and their versions. No data about a child: the permissions of the API decide on its use.

GRANT SELECT, INSERT, UPDATE ON instruments TO firststep_api;
