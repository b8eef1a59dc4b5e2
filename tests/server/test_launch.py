"""The environment of the processes that serve requests, and the line that `run` prints."""

from app.config import Settings
from app.server.launch import build_serving_environment
from app.server.serve import describe_address

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


def test_documentation_address_is_printed_only_if_it_is_served() -> None:
    # Catches: the line with `/docs`, which answers 404, for an installation with `FIRSTSTEP_DOCS=false`.
    served = Settings(public_url="https://api.example.org", docs=True)
    assert "documentation: https://api.example.org/docs" in describe_address(served)
    hidden = Settings(public_url="https://api.example.org", docs=False)
    assert describe_address(hidden) == "First Step runs on https://api.example.org  ·  stop with Ctrl-C"
