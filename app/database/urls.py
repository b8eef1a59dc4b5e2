"""Where the database is, once per role. Kept apart from the engine: the command line starts without it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from app.config import Settings
from app.errors import Unavailable


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The database's URLs, one per role: nobody uses a role for another's work."""

    owner: str
    api: str
    reports: str

    def save(self, path: Path) -> None:
        """Write the URLs, with their passwords, for this machine's owner only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "DatabaseUrls":
        """Read what `save` wrote.

        Raises:
            Unavailable: nothing was written: this installation has not been made yet.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise Unavailable("There is no database yet: `run` or `migrate` makes one.") from None


def replace_role(url: str, role: str, password: str) -> str:
    """Return the URL of the same database for another role."""
    parts = urlsplit(to_driver_url(url))
    place = parts.netloc.rpartition("@")[2]
    return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{place}{_path_and_query(url)}"


def is_same_database(url: str, other: str) -> bool:
    """Whether two URLs name the same database, whoever connects."""
    return replace_role(url, "", "") == replace_role(other, "", "")


def to_driver_url(url: str) -> str:
    """Return the form of URL that the driver itself and psql understand."""
    return "postgresql://" + url.partition("://")[2]


def to_sqlalchemy_url(url: str) -> str:
    """Name the driver SQLAlchemy is to use, whatever form of PostgreSQL URL was given."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


def _path_and_query(url: str) -> str:
    parts = urlsplit(to_driver_url(url))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def get_api_url(chosen: Settings) -> str:
    """Return the URL of the API's own database role."""
    if chosen.api_database_url is not None:
        return chosen.api_database_url.get_secret_value()
    return DatabaseUrls.load(chosen.home / "database.json").api


def get_owner_url(chosen: Settings) -> str:
    """Return the URL of the owner role, for work on the command line."""
    if chosen.owner_database_url is not None:
        return chosen.owner_database_url.get_secret_value()
    return DatabaseUrls.load(chosen.home / "database.json").owner
