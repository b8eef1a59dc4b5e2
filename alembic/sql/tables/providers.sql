-- The directory of service providers.
-- Contains no data about a child, so the permissions of the API alone control its use.

GRANT SELECT, INSERT, UPDATE ON providers TO firststep_api;
