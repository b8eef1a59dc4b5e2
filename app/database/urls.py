"""Where the database is, once per role. Kept apart from the engine: the command line starts without it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from app.config import Settings
from app.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Urls:
    """The database's URLs, one per role: nobody uses a role for another's work."""

    owner: str
    api: str
    reports: str

    def save(self, path: Path) -> None:
        """Write the URLs, with their passwords, for this machine's owner only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Urls":
        """Read what `save` wrote.

        Raises:
            Unavailable: nothing was written: this installation has not been made yet.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise Unavailable("There is no database yet: `run` or `migrate` makes one.") from None


def with_role(url: str, role: str, password: str) -> str:
    """Return the URL of the same database for another role."""
    parts = urlsplit(driver_url(url))
    place = parts.netloc.rpartition("@")[2]
    return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{place}{_rest(url)}"


def same_database(url: str, other: str) -> bool:
    """Whether two URLs name the same database, whoever connects."""
    return with_role(url, "", "") == with_role(other, "", "")


def driver_url(url: str) -> str:
    """Return the form of URL that the driver itself and psql understand."""
    return "postgresql://" + url.partition("://")[2]


def dialect_url(url: str) -> str:
    """Name the driver SQLAlchemy is to use, whatever form of PostgreSQL URL was given."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


def _rest(url: str) -> str:
    parts = urlsplit(driver_url(url))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def api_url(chosen: Settings) -> str:
    """Return the URL of the API's own database role."""
    if chosen.api_database_url is not None:
        return chosen.api_database_url.get_secret_value()
    return Urls.load(chosen.home / "database.json").api


def owner_url(chosen: Settings) -> str:
    """Return the URL of the owner role, for work on the command line."""
    if chosen.owner_database_url is not None:
        return chosen.owner_database_url.get_secret_value()
    return Urls.load(chosen.home / "database.json").owner
