"""Settings of the process, read once from environment variables (`FIRSTSTEP_…` and `PORT`)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings that an operator can change. Every default is safe, and `make run` needs none of them."""

    model_config = SettingsConfigDict(env_prefix="FIRSTSTEP_", extra="ignore", populate_by_name=True)

    database_url: SecretStr | None = None
    """URL of an existing PostgreSQL server. Its user must be able to create roles. None: the embedded server."""

    owner_database_url: SecretStr | None = None
    """URL for the owner role (migrations and key commands), if the roles were created manually."""

    api_database_url: SecretStr | None = None
    """URL for the API role, if the roles were created manually."""

    reports_database_url: SecretStr | None = None
    """URL for the reports role, if the roles were created manually."""

    mode: Literal["demo", "production"] = Field(
        default_factory=lambda values: (
            "production" if values["database_url"] or values["api_database_url"] else "demo"
        )
    )
    """`demo` creates an invented caseload and writes `var/demo.json`. `production` refuses a database that contains
    demonstration users. Default: `demo` with the embedded server, `production` with an existing PostgreSQL server."""

    home: Path = Path("var")
    """Directory for the files of this installation: database, keys, demo.json."""

    demo_children: int = Field(default=120, ge=1, le=120)
    """Number of children in the demonstration caseload. Smaller caseloads contain every kind of case too."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, validation_alias=AliasChoices("PORT", "FIRSTSTEP_PORT"))
    workers: int = 2
    """Number of server processes."""

    public_url: str | None = None
    """URL under which clients reach this server; also the issuer of access tokens. Default: http://host:port."""

    allowed_origins: tuple[str, ...] = ()
    """Exact origins of the front end (CORS), as a JSON list."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose X-Forwarded-For header is trusted, as a JSON list."""

    docs: bool = True
    """Serve /docs and /openapi.json."""

    pool_size: int = 8
    """Database connections per worker for requests."""

    keys: SecretStr | None = None
    """The key ring itself (JSON), as an alternative to a file. It is then rotated at its source, not by commands."""

    keys_file: Path | None = None
    """Path of the key ring (encryption, blind indexes, token signing). Default: `home`/keys.json."""

    breached_passwords_file: Path | None = None
    """Path of an additional list of breached passwords, one per line."""

    require_mfa: bool | None = None
    """Require a second factor from roles with access to children's data. Default: required except in demo mode."""

    access_token_seconds: int = Field(default=600, gt=0, le=3600)
    refresh_idle_seconds: int = 60 * 60 * 12
    session_seconds: int = 60 * 60 * 24 * 7
    """Absolute lifetime of a session. Refreshes do not extend it."""
    step_up_seconds: int = 60 * 60
    """Maximum age of a sign-in for permissions that require a recent sign-in, such as break-glass."""

    max_body_bytes: int = 1_048_576
    request_seconds: float = 15.0
    requests_per_minute: int = 6000
    """Limit per authenticated caller and worker process."""
    anonymous_requests_per_minute: int = 1200
    """Limit per address and worker process."""

    @property
    def issuer(self) -> str:
        """The `iss` claim of access tokens and the required audience of client assertions."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_mfa_required(self) -> bool:
        """Whether roles with access to children's data must enrol a second factor."""
        return self.mode != "demo" if self.require_mfa is None else self.require_mfa

    @property
    def key_ring_path(self) -> Path:
        """Path of the key ring's file."""
        return self.keys_file or self.home / "keys.json"


@cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
