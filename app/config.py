"""Every setting, read once from the environment (`FIRSTSTEP_…`, and `PORT`)."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may choose; every default is safe, and `make run` needs none of them."""

    model_config = SettingsConfigDict(env_prefix="FIRSTSTEP_", extra="ignore", populate_by_name=True)

    database_url: SecretStr | None = None
    """An existing PostgreSQL; its user may create roles. None: the embedded server."""

    owner_database_url: SecretStr | None = None
    """Owner role (migrations only), where the roles were made by hand."""

    api_database_url: SecretStr | None = None
    """The API's own role, where the roles were made by hand."""

    reports_database_url: SecretStr | None = None
    """The reports' role, where the roles were made by hand."""

    mode: Literal["demo", "production"] = Field(
        default_factory=lambda known: (
            "production" if known["database_url"] or known["api_database_url"] else "demo"
        )
    )
    """`demo` seeds an invented caseload and writes `var/demo.json`; `production` refuses demo people.
    Default: demo with the embedded server, production with a PostgreSQL of one's own."""

    home: Path = Path("var")
    """Where this installation keeps what it makes: database, keys, demo.json."""

    demo_children: int = Field(default=120, ge=1, le=120)
    """How many children the demonstration invents; with fewer there are still some of every kind."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, validation_alias=AliasChoices("PORT", "FIRSTSTEP_PORT"))
    workers: int = 2
    """Server processes."""

    public_url: str | None = None
    """What clients call this server; the tokens' issuer. Default: http://host:port."""

    allowed_origins: tuple[str, ...] = ()
    """Exact origins of the front end (CORS); a JSON list."""

    trusted_proxies: tuple[str, ...] = ()
    """Peers whose X-Forwarded-For is believed; a JSON list of addresses."""

    docs: bool = True
    """Serve /docs and /openapi.json."""

    pool_size: int = 8
    """Database connections per worker for requests."""

    keys: SecretStr | None = None
    """The key ring itself (JSON), where no file is to hold it; then keys are rotated where it comes from."""

    keys_file: Path | None = None
    """The key ring (encryption, blind indexes, token signing). Default: `home`/keys.json."""

    breached_passwords_file: Path | None = None
    """A longer list of breached passwords, one a line, beside the one shipped."""

    require_mfa: bool | None = None
    """Ask roles that see children for a second factor. Default: except in demo mode."""

    access_token_seconds: int = Field(default=600, gt=0, le=3600)
    refresh_idle_seconds: int = 60 * 60 * 12
    session_seconds: int = 60 * 60 * 24 * 7
    """The absolute end of a sign-in, however often it is refreshed."""
    step_up_seconds: int = 60 * 60
    """How recent a sign-in break-glass asks for."""

    max_body_bytes: int = 1_048_576
    request_seconds: float = 15.0
    requests_per_minute: int = 6000
    """Per principal and worker process."""
    anonymous_requests_per_minute: int = 1200
    """Per address and worker process."""

    @property
    def issuer(self) -> str:
        """The `iss` of every token, and the audience of client assertions."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_mfa_required(self) -> bool:
        """Whether roles that see children must enrol a second factor."""
        return self.mode != "demo" if self.require_mfa is None else self.require_mfa

    @property
    def key_ring_path(self) -> Path:
        """Where the key ring lies."""
        return self.keys_file or self.home / "keys.json"


@cache
def get_settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
