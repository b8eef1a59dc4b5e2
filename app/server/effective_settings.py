"""The settings of this process with their sources, for operators. Secrets are masked."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from app.config import Settings
from app.database.urls import get_url_path, load_url
from app.errors import Unavailable
from app.setting_types import is_password_encoded

MASK = "***"
FILE_SETTINGS = {
    "owner_database_url": "owner",
    "api_database_url": "api",
    "reports_database_url": "reports",
}
"""Settings for which the set-up writes a file, and the role of the file."""


class EffectiveSetting(NamedTuple):
    """A setting with the value that a process uses."""

    variable: str
    value: object
    """A JSON value; None if the setting has no value."""
    source: str
    """`environment`, `default`, or the path of a file."""


def list_effective_settings(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> list[EffectiveSetting]:
    """Return every setting, in the order of `app.config.Settings`."""
    given = {name.upper() for name, value in environment.items() if value}
    return [_get_effective_setting(settings, name, given) for name in Settings.model_fields]


def _get_effective_setting(settings: Settings, name: str, given: set[str]) -> EffectiveSetting:
    variables = ["PORT", "FIRSTSTEP_PORT"] if name == "port" else [f"FIRSTSTEP_{name.upper()}"]
    variable = next((variable for variable in variables if variable in given), None)
    value = getattr(settings, name)
    if variable is None and name in FILE_SETTINGS and (saved := _load_saved_url(settings, name)):
        return EffectiveSetting(variables[0], mask_password(saved[1]), str(saved[0]))
    if isinstance(value, SecretStr):
        value = mask_password(value.get_secret_value()) if name.endswith("_url") else MASK
    return EffectiveSetting(
        variable or variables[0], to_jsonable_python(value), "environment" if variable else "default"
    )


def _load_saved_url(settings: Settings, name: str) -> tuple[Path, str] | None:
    """Return the file and the URL of a role that the set-up has created, or None."""
    if settings.database_url is None and not settings.uses_embedded_server:
        return None
    role = FILE_SETTINGS[name]
    try:
        return get_url_path(settings.home, role), load_url(settings.home, role)
    except (Unavailable, OSError):
        return None  # not created yet, or this user must not read it


def mask_password(url: str) -> str:
    """Return a URL without its password and its query, or only the mask if the URL does not show where the password ends."""
    try:
        parts = urlsplit(url)
        user, host = parts.username, parts.netloc.rpartition("@")[2]
    except ValueError:
        return MASK
    if not is_password_encoded(parts):
        return MASK
    return f"{parts.scheme}://{f'{user}:{MASK}@' if user else ''}{host}{parts.path}"
