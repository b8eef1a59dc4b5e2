"""The environment and the open files of the processes that serve requests."""

from app.config import Settings
from app.server.launch import build_serving_environment

ENVIRONMENT = {
    "PATH": "/bin",
    "FIRSTSTEP_DATABASE_URL": "postgresql://postgres:superuser-password@/x",
    "firststep_owner_database_url": "postgresql://o:owner-password@/x",
    "FIRSTSTEP_API_DATABASE_URL": "postgresql://a:api-password@/x",
    "PGPASSWORD": "superuser-password",
}


def test_serving_environment_contains_no_credentials_of_the_set_up() -> None:
    # Catches: names compared with case, although the settings ignore it.
    kept = build_serving_environment(
        Settings(database_url=ENVIRONMENT["FIRSTSTEP_DATABASE_URL"]), ENVIRONMENT
    )
    assert set(kept) == {"PATH", "FIRSTSTEP_API_DATABASE_URL"}


def test_serving_environment_keeps_client_settings_for_configured_roles() -> None:
    kept = build_serving_environment(
        Settings(api_database_url=ENVIRONMENT["FIRSTSTEP_API_DATABASE_URL"]), ENVIRONMENT
    )
    assert set(kept) == {"PATH", "FIRSTSTEP_API_DATABASE_URL", "PGPASSWORD"}
