-- Which versions of First Step can use this schema.

CREATE FUNCTION access.oldest_compatible_revision() RETURNS text LANGUAGE sql IMMUTABLE
    RETURN '0001';
COMMENT ON FUNCTION access.oldest_compatible_revision() IS
    'The oldest revision whose code can use this schema. A migration that removes or renames something replaces this '
    'function; a migration that only adds something does not.';
REVOKE ALL ON FUNCTION access.oldest_compatible_revision() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access.oldest_compatible_revision() TO firststep_api;
