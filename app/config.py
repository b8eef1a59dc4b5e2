"""Settings of the process, read once from environment variables (`FIRSTSTEP_…` and `PORT`)."""

import difflib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.setting_types import (
    DatabaseUrl,
    Networks,
    Origins,
    PositiveInt,
    PublicUrl,
    ReadableFile,
    RolePrefix,
    is_password_encoded,
)


class Settings(BaseSettings):
    """Settings that an operator can change. Every default is safe, and `make run` needs none of them."""

    model_config = SettingsConfigDict(
        env_prefix="FIRSTSTEP_", extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    database_url: DatabaseUrl | None = None
    """URL of an existing PostgreSQL server. Its user must be able to create roles. Only the set-up uses it."""

    owner_database_url: DatabaseUrl | None = None
    """URL for the owner role (migrations and key commands), if the roles were created manually. `run` rejects it."""

    api_database_url: DatabaseUrl | None = None
    """URL for the API role, if the roles were created manually."""

    reports_database_url: DatabaseUrl | None = None
    """URL for the reports role, if the roles were created manually."""

    backup_database_url: DatabaseUrl | None = None
    """URL for `backup` (a role that bypasses row-level security) and `restore` (a superuser). `run` rejects it."""

    role_prefix: RolePrefix = "firststep"
    """Prefix of the names of the database roles. Installations in one PostgreSQL cluster need different prefixes."""

    mode: Literal["demo", "production"] = "production"
    """`demo` creates an invented caseload and writes `var/demo.json`. `production` refuses a database that contains
    demonstration users. `make run` sets `demo`."""

    home: Path = Path("var")
    """Directory for the files of this installation: database, keys, demo.json."""

    demo_children: int = Field(default=120, ge=1, le=120)
    """Number of children in the demonstration caseload. Smaller caseloads contain every kind of case too."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535, validation_alias=AliasChoices("PORT", "FIRSTSTEP_PORT"))
    workers: int = Field(default=2, ge=1, le=64)
    """Number of server processes."""

    public_url: PublicUrl | None = None
    """URL under which clients reach this server; also the issuer of access tokens. Default: http://host:port."""

    allowed_origins: Origins = ()
    """Exact origins of the front end (CORS), as a JSON list."""

    trusted_proxies: Networks = ()
    """Addresses or networks of proxies whose X-Forwarded-For header is trusted, as a JSON list."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port of `GET /metrics` for Prometheus. None: no metrics. The port has no authentication, so only the monitoring may be
    able to reach it."""

    metrics_host: str = "127.0.0.1"
    """Address of the metrics. In a container, `0.0.0.0` without publishing the port."""

    docs: bool = True
    """Serve /docs and /openapi.json."""

    pool_size: int = Field(default=8, ge=1, le=200)
    """Database connections per worker for requests."""

    keys: SecretStr | None = None
    """The key ring itself (JSON), as an alternative to a file. It is then rotated at its source, not by commands."""

    keys_file: Path | None = None
    """Path of the key ring (encryption, blind indexes, token signing). Default: `home`/keys.json."""

    breached_passwords_file: ReadableFile | None = None
    """Path of an additional list of breached passwords, one per line."""

    require_mfa: bool = False
    """Require a second factor from users in demonstration mode too. Production always requires one."""

    smtp_url: SecretStr | None = None
    """Mail server for notifications without content: `smtps://user:password@host`, `starttls://…`, or `smtp://host`
    without encryption. None: no e-mail is sent."""

    mail_from: str | None = None
    """Sender of e-mails. Required with `smtp_url`."""

    alert_children_per_day: int = Field(default=50, gt=0)
    """Number of children outside their caseload that one person must access on one day to raise an alert. The set-up or
    `migrate` stores this setting and the next two in the database.
    """
    alert_children_per_day_of_manager: int = Field(default=200, gt=0)
    """Threshold for programme managers, who read the cases of all teams."""
    alert_matches_per_day: int = Field(default=10, gt=0)
    """Number of searches for possible duplicates by one person on one day that must find the same child outside their
    caseload to raise an alert.
    """

    access_token_seconds: int = Field(default=600, gt=0, le=3600)
    refresh_idle_seconds: PositiveInt = 60 * 60 * 12
    session_seconds: PositiveInt = 60 * 60 * 24 * 7
    """Absolute lifetime of a session. Refreshes do not extend it."""
    step_up_seconds: PositiveInt = 60 * 60
    """Maximum age of a sign-in for permissions that require a recent sign-in, such as break-glass."""

    max_body_bytes: PositiveInt = 1_048_576
    request_seconds: float = Field(default=15.0, gt=0)
    requests_per_minute: PositiveInt = 6000
    """Limit per authenticated caller and worker process."""
    anonymous_requests_per_minute: PositiveInt = 1200
    """Limit per address and worker process."""

    @field_validator("smtp_url")
    @classmethod
    def validate_smtp_url(cls, url: SecretStr | None) -> SecretStr | None:
        """Check the scheme and the host. A password is not sent over an unencrypted connection."""
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in {"smtp", "smtps", "starttls"} or not parts.hostname:
                raise ValueError("must begin with smtps://, starttls:// or smtp://, followed by a host")
            if not is_password_encoded(parts):
                raise ValueError("must have the special characters of its password encoded as %XX")
            if parts.scheme == "smtp" and parts.password:
                raise ValueError("with a password, must begin with smtps:// or starttls://")
        return url

    @model_validator(mode="after")
    def validate_metrics_port(self) -> Self:
        """Check that the metrics do not use the port of the API, which proxies and clients reach."""
        if self.metrics_port == self.port:
            raise ValueError("FIRSTSTEP_METRICS_PORT must be another port than PORT")
        return self

    @model_validator(mode="after")
    def validate_mail_from(self) -> Self:
        """Check that e-mails have a sender, which is one line with an address."""
        sender = self.mail_from or ""
        if self.smtp_url is not None and ("@" not in sender or not sender.isprintable()):
            raise ValueError("FIRSTSTEP_MAIL_FROM must be an e-mail address if FIRSTSTEP_SMTP_URL is set")
        return self

    @property
    def uses_embedded_server(self) -> bool:
        """Whether the database is the embedded server, because no URL of a database is set."""
        urls = (
            self.database_url,
            self.owner_database_url,
            self.api_database_url,
            self.reports_database_url,
            self.backup_database_url,
        )
        return not any(urls)

    @property
    def issuer(self) -> str:
        """The `iss` claim of access tokens and the required audience of client assertions."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_mfa_required(self) -> bool:
        """Whether every user must enrol a second factor."""
        return self.mode == "production" or self.require_mfa

    @property
    def key_ring_path(self) -> Path:
        """Path of the key ring's file."""
        return self.keys_file or self.home / "keys.json"


class InvalidSettings(Exception):
    """One sentence for each setting that is unknown or has an invalid value. No sentence quotes a value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@cache
def get_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        InvalidSettings: a setting is unknown or has an invalid value.
    """
    problems = list_unknown_settings(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        raise InvalidSettings(problems + [_describe_fault(fault) for fault in error.errors()]) from None
    if problems := problems + list_url_conflicts(settings):
        raise InvalidSettings(problems)
    return settings


def list_unknown_settings(names: Iterable[str]) -> list[str]:
    """Return a sentence for each variable with the prefix `FIRSTSTEP_` that is not a setting."""
    prefix = "FIRSTSTEP_"
    known = [name.upper() for name in Settings.model_fields]
    sentences = []
    for name in sorted(names):
        setting = name.upper().removeprefix(prefix)
        if setting != name.upper() and setting not in known:
            similar = difflib.get_close_matches(setting, known, n=1)
            hint = f"; did you mean {prefix}{similar[0]}?" if similar else "."
            sentences.append(f"Unknown setting {name}{hint}")
    return sentences


def list_url_conflicts(settings: Settings) -> list[str]:
    """Return a sentence if some, but not all, URLs of the database are set."""
    role_urls = (settings.owner_database_url, settings.api_database_url, settings.reports_database_url)
    if settings.database_url is not None and any(role_urls):
        return ["Set either FIRSTSTEP_DATABASE_URL or the URLs of the database roles, not both."]
    if (settings.api_database_url is None) != (settings.reports_database_url is None):
        name = "REPORTS" if settings.reports_database_url is None else "API"
        return [
            f"FIRSTSTEP_{name}_DATABASE_URL is missing. Set the URLs of the API and the reports together."
        ]
    return []


def _describe_fault(fault: ErrorDetails) -> str:
    template = FAULT_PHRASES.get(fault["type"])
    phrase = template.format(**fault.get("ctx", {})) if template else fault["msg"]
    if not fault["loc"]:
        return f"{phrase}."  # the fault concerns several settings, which the phrase names
    name = str(fault["loc"][0])
    variable = name if name.isupper() else f"FIRSTSTEP_{name.upper()}"
    return f"{variable} {phrase}."


FAULT_PHRASES = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "value_error": "{error}",
}
"""The end of the sentence for each type of error of Pydantic."""
