-- Staff accounts.
-- Contains no data about a child, so the permissions of the API and the functions in functions/accounts.sql control its use.

-- The privilege to change the version is needed to lock a row. Only functions of firststep_gate change the other columns.
GRANT SELECT, UPDATE (version) ON users TO firststep_api;
GRANT SELECT, INSERT, UPDATE ON users TO firststep_gate;
GRANT SELECT (id, is_active) ON users TO firststep_reports;

ALTER TABLE users ADD CONSTRAINT ck_users_email_key CHECK (email_key <> '');
COMMENT ON CONSTRAINT ck_users_email_key ON users IS
    'The folded email address is not empty. The application computes it.';

ALTER TABLE users ADD CONSTRAINT ck_users_roles CHECK (
    roles <@ ARRAY['social_worker', 'supervisor', 'programme_manager', 'finance_officer', 'me_officer',
                   'data_protection_officer', 'administrator']
    AND NOT ('administrator' = ANY (roles)
             AND roles && ARRAY['social_worker', 'supervisor', 'programme_manager', 'finance_officer',
                                'data_protection_officer']));
COMMENT ON CONSTRAINT ck_users_roles ON users IS
    'The roles are known, and an administrator has no role with access to data of children or to money.';
