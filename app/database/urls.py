"""Database URLs, one per role. This module does not import SQLAlchemy, so that the command line starts quickly."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from app.config import Settings
from app.errors import Unavailable


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The URLs of the database, one for each database role."""

    owner: str
    api: str
    reports: str

    def save(self, path: Path) -> None:
        """Write the URLs, which contain passwords, to a file that only its owner can read."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "DatabaseUrls":
        """Read the file written by `save`.

        Raises:
            Unavailable: the file does not exist, because the database has not been created.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise Unavailable("The database does not exist yet. Create it with `run` or `migrate`.") from None


def replace_role(url: str, role: str, password: str) -> str:
    """Return the URL of the same database for another role."""
    parts = urlsplit(to_driver_url(url))
    host = parts.netloc.rpartition("@")[2]
    return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{host}{_path_and_query(url)}"


def is_same_database(url: str, other: str) -> bool:
    """Return whether two URLs address the same database, regardless of role and password."""
    return replace_role(url, "", "") == replace_role(other, "", "")


def to_driver_url(url: str) -> str:
    """Return the URL in the form that asyncpg and psql accept."""
    return "postgresql://" + url.partition("://")[2]


def to_sqlalchemy_url(url: str) -> str:
    """Return the URL in the form that SQLAlchemy accepts, with the driver asyncpg."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


def _path_and_query(url: str) -> str:
    parts = urlsplit(to_driver_url(url))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def get_api_url(settings: Settings) -> str:
    """Return the URL of the database role that serves requests."""
    if settings.api_database_url is not None:
        return settings.api_database_url.get_secret_value()
    return DatabaseUrls.load(settings.home / "database.json").api


def get_owner_url(settings: Settings) -> str:
    """Return the URL of the owner role, which runs migrations, key rotations and rebuilds of the search tokens."""
    if settings.owner_database_url is not None:
        return settings.owner_database_url.get_secret_value()
    return DatabaseUrls.load(settings.home / "database.json").owner
