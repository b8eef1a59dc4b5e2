"""Mistakes in settings and in the URLs of the database."""

from tests.faults.workbench import Mistake, Workbench


def settings(name: str, sentence: str, *, is_quick: bool = True, **variables: str) -> Mistake:
    """A mistake in a variable. `run` refuses to start before it does anything."""
    environment = {
        variable if variable == "PORT" else f"FIRSTSTEP_{variable}": value
        for variable, value in variables.items()
    }
    return Mistake(name, "run", sentence, environment, is_quick=is_quick)


def api_url(name: str, url: str, sentence: str, *, is_quick: bool = False) -> Mistake:
    """A mistake in the URL of the API role."""
    return Mistake(name, "run", sentence, {"FIRSTSTEP_API_DATABASE_URL": url}, is_quick=is_quick)


def remove_urls(bench: Workbench) -> None:
    for path in bench.home.glob("*.url"):
        path.unlink()


WRONG_SETTINGS = [
    settings("a mistyped variable", "did you mean FIRSTSTEP_REQUIRE_MFA?", REQURE_MFA="true"),
    settings("workers as a word", "FIRSTSTEP_WORKERS must be a whole number.", WORKERS="two"),
    settings("no worker", "FIRSTSTEP_WORKERS must be at least 1.", WORKERS="0"),
    settings("a port as a name", "PORT must be a whole number.", PORT="http"),
    settings("a port that does not exist", "PORT must be at most 65535.", PORT="80000"),
    settings("an unknown mode", "FIRSTSTEP_MODE must be 'demo' or 'production'.", MODE="live"),
    settings("origins without JSON", "must be a JSON list of texts", ALLOWED_ORIGINS="https://a.example"),
    settings(
        "an origin with a path", "must contain exact origins", ALLOWED_ORIGINS='["https://a.example/x"]'
    ),
    settings("a proxy by name", "must contain addresses or networks", TRUSTED_PROXIES='["proxy"]'),
    settings("a public URL with a slash", "without a path and a slash", PUBLIC_URL="https://a.example/"),
    settings(
        "a URL of another database system",
        "must be a URL such as postgresql",
        API_DATABASE_URL="mysql://a:b@c/d",
    ),
    settings("an unencoded password", "encode special characters", API_DATABASE_URL="postgresql://a:p#w@c/d"),
    settings("a missing list of passwords", "must be the path of a file", BREACHED_PASSWORDS_FILE="/absent"),
    settings("a prefix in capitals", "must begin with a letter", ROLE_PREFIX="FSC"),
    settings(
        "a mail server without a sender", "FIRSTSTEP_MAIL_FROM must be", SMTP_URL="smtps://mail.example"
    ),
    settings(
        "the owner's URL for run", "must not have FIRSTSTEP_OWNER_DATABASE_URL", OWNER_DATABASE_URL="{owner}"
    ),
    settings("an administrator beside the roles", "not both", DATABASE_URL="{admin}"),
    settings("no URL of the reports", "FIRSTSTEP_REPORTS_DATABASE_URL is missing", REPORTS_DATABASE_URL=""),
    settings("no URL of the API", "FIRSTSTEP_API_DATABASE_URL is missing", API_DATABASE_URL=""),
    settings("keys that are no JSON", "not valid JSON", KEYS="secret", is_quick=False),
    settings("an address of another machine", "not an address of this machine", HOST="192.0.2.1"),
    settings(
        "a host without an address", "not an address of this machine", HOST="api.invalid", is_quick=False
    ),
]
WRONG_CONNECTIONS = [
    api_url(
        "a wrong password",
        "{api_wrong_password}",
        "rejects the password of the role firststep_api",
        is_quick=True,
    ),
    api_url("an unknown role", "{api_unknown_role}", "rejects the password of the role nobody"),
    api_url("an unknown database", "{api_unknown_database}", "has no database absent"),
    api_url("another socket directory", "postgresql://a:b@/d?host=/nowhere", "no server listens there"),
    api_url("a stopped server", "postgresql://a:b@127.0.0.1:1/d", "no server listens there", is_quick=True),
    api_url("a name without an address", "postgresql://a:b@database.invalid/d", "the name has no address"),
    api_url(
        "the port of another program", "postgresql://a:b@127.0.0.1:{other_port}/d", "PostgreSQL at 127.0.0.1"
    ),
    api_url(
        "a port that never answers",
        "postgresql://a:b@127.0.0.1:{silent_port}/d",
        "did not answer within 10 seconds",
    ),
    api_url("a superuser as the API role", "{admin}", "is a superuser"),
    api_url("the owner as the API role", "{owner}", "owns the tables"),
    api_url("the reports role as the API role", "{reports}", "lacks privileges of the API"),
    api_url("a database without schema", "{empty}", "The database schema is empty. Run `migrate`."),
    Mistake(
        "a wrong password for migrate",
        "migrate",
        "rejects the password",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner_wrong_password}"},
        with_role_urls=False,
    ),
    Mistake(
        "the API role as the owner",
        "migrate",
        "permission denied",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{api}"},
        with_role_urls=False,
    ),
    Mistake(
        "a user who cannot create roles",
        "migrate",
        "permission denied",
        {"FIRSTSTEP_DATABASE_URL": "{limited}", "FIRSTSTEP_ROLE_PREFIX": "other"},
        with_role_urls=False,
        prepare=remove_urls,
    ),
    Mistake(
        "a second home directory",
        "migrate",
        "The database roles exist already",
        {"FIRSTSTEP_DATABASE_URL": "{admin}"},
        with_role_urls=False,
        prepare=remove_urls,
    ),
    Mistake("migrate with the URLs of run", "migrate", "This command needs FIRSTSTEP_OWNER_DATABASE_URL."),
    Mistake(
        "doctor for a stopped server",
        "doctor",
        "no server listens there",
        {"FIRSTSTEP_API_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/d"},
    ),
    Mistake(
        "an administrator's command for a stopped server",
        "users create-admin a@b.example Name",
        "no server listens there",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/d"},
    ),
    Mistake(
        "jobs of a stopped server",
        "jobs list",
        "cannot be reached",
        {"FIRSTSTEP_API_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/d"},
    ),
]
# A command that prints no cause for a wrong password would report that the database is busy.
WRONG_CONNECTIONS += [
    Mistake(
        "a wrong password for the first account",
        "users create-admin a@b.example Name",
        "rejects the password",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner_wrong_password}"},
    ),
    Mistake(
        "a wrong password for jobs",
        "jobs list",
        "rejects the password",
        {"FIRSTSTEP_API_DATABASE_URL": "{api_wrong_password}"},
    ),
    Mistake(
        "a wrong password for keys",
        "keys reencrypt",
        "rejects the password",
        {"FIRSTSTEP_OWNER_DATABASE_URL": "{owner_wrong_password}"},
    ),
]
