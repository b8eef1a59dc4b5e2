"""Types of settings. The message of each error completes a sentence that begins with the name of the variable."""

import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,45}\])(?::[0-9]{1,5})?"
)
"""An origin in the form that browsers send."""
ROLE_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,30}")
URL_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
CREDENTIALS = frozenset({"user", "password", "sslpassword"})
"""Parameters of a query that would become part of the command line of `pg_dump`."""


def _parse_json_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        items = json.loads(value)
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError("must be a JSON list of texts, for example '[\"https://app.example.org\"]'")
    return items


def _validate_origin(origin: str) -> str:
    if not ORIGIN.fullmatch(origin):
        raise ValueError("must contain exact origins such as https://app.example.org, without a path")
    return origin


def _validate_network(network: str) -> str:
    try:
        ip_network(network, strict=False)
    except ValueError:
        raise ValueError("must contain addresses or networks such as 10.0.0.0/8") from None
    return network


def _validate_public_url(url: str) -> str:
    if not ORIGIN.fullmatch(url):
        raise ValueError(
            "must be a URL such as https://api.example.org, without a path and a slash at the end"
        )
    return url


def is_password_encoded(parts: SplitResult) -> bool:
    """Return whether no special character of a password ends the part of the URL that contains the password."""
    return "@" not in parts.path + parts.query + parts.fragment


def _validate_database_url(url: SecretStr) -> SecretStr:
    """Check the parts of a URL. The message does not quote it, because it contains a password."""
    try:
        parts = urlsplit(url.get_secret_value())
        is_valid = (
            parts.scheme in URL_SCHEMES
            and parts.path.strip("/")
            and (parts.port or 1)
            and is_password_encoded(parts)
            and CREDENTIALS.isdisjoint(parse_qs(parts.query, keep_blank_values=True))
        )
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(
            "must be a URL such as postgresql://role:password@host/database; encode special characters of the "
            "password as %XX"
        )
    return url


def _validate_role_prefix(prefix: str) -> str:
    if not ROLE_PREFIX.fullmatch(prefix):
        raise ValueError("must begin with a letter and contain lower-case letters, digits and _ only")
    return prefix


def _validate_readable_file(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError:
        raise ValueError(f"must be the path of a file that this user can read, and {path} is not") from None
    return path


Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_validate_origin)], ...], NoDecode, BeforeValidator(_parse_json_list)
]
Networks = Annotated[
    tuple[Annotated[str, AfterValidator(_validate_network)], ...], NoDecode, BeforeValidator(_parse_json_list)
]
PublicUrl = Annotated[str, AfterValidator(_validate_public_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_validate_database_url)]
RolePrefix = Annotated[str, AfterValidator(_validate_role_prefix)]
ReadableFile = Annotated[Path, AfterValidator(_validate_readable_file)]
PositiveInt = Annotated[int, Field(gt=0)]
