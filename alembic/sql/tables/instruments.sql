-- Questionnaires and their versions. No data about a child: permissions of the API decide who uses it.

GRANT SELECT, INSERT, UPDATE ON instruments TO firststep_api;
