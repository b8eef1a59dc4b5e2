"""Database URLs, one per role. This module does not import SQLAlchemy, so that the command line starts quickly."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from app.config import Settings
from app.errors import Unavailable


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """The URLs of the database, one for each database role."""

    owner: str
    api: str
    reports: str

    def save(self, home: Path) -> None:
        """Write each URL, which contains a password, to a separate file that only its owner can read."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for role, url in asdict(self).items():
            path = get_url_path(home, role)
            temporary = path.with_suffix(".new")
            temporary.unlink(missing_ok=True)
            temporary.touch(mode=0o600)
            temporary.write_text(f"{url}\n")
            temporary.replace(path)

    @classmethod
    def load(cls, home: Path) -> "DatabaseUrls":
        """Read the files written by `save`.

        Raises:
            Unavailable: a file does not exist, because the database has not been created.
        """
        return cls(*(load_url(home, field.name) for field in fields(cls)))


def get_url_path(home: Path, role: str) -> Path:
    """Return the path of the file with the URL of a role: `owner`, `api` or `reports`."""
    return home / f"{role}.url"


def load_url(home: Path, role: str) -> str:
    """Read the URL of one role. The process needs no permission to read the files of the other roles.

    Raises:
        Unavailable: the file does not exist, because the database has not been created, or it contains no URL.
    """
    path = get_url_path(home, role)
    try:
        url = path.read_text().strip()
    except FileNotFoundError:
        raise Unavailable("The database does not exist yet. Create it with `run` or `migrate`.") from None
    if not url.startswith("postgresql://"):
        raise Unavailable(f"{path} contains no URL of a database. Restore it from its copy.")
    return url


def replace_role(url: str, role: str, password: str) -> str:
    """Return the URL of the same database for another role."""
    parts = urlsplit(to_driver_url(url))
    host = parts.netloc.rpartition("@")[2]
    return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{host}{_path_and_query(url)}"


def replace_database(url: str, database: str) -> str:
    """Return the URL of another database of the same server, with the same role."""
    parts = urlsplit(to_driver_url(url))
    query = f"?{parts.query}" if parts.query else ""
    return f"postgresql://{parts.netloc}/{quote(database, safe='')}{query}"


def remove_password(url: str) -> tuple[str, str | None]:
    """Return the URL without its password, and the password."""
    parts = urlsplit(to_driver_url(url))
    user = f"{parts.username}@" if parts.username else ""
    password = None if parts.password is None else unquote(parts.password)
    return f"postgresql://{user}{parts.netloc.rpartition('@')[2]}{_path_and_query(url)}", password


def get_database_name(url: str) -> str:
    """Return the name of the database of a URL. Without one, PostgreSQL uses the name of the role."""
    parts = urlsplit(to_driver_url(url))
    return unquote(parts.path.lstrip("/") or parts.username or "")


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
    return _get_role_url(settings, "api")


def get_reports_url(settings: Settings) -> str:
    """Return the URL of the database role for reports."""
    return _get_role_url(settings, "reports")


def get_owner_url(settings: Settings) -> str:
    """Return the URL of the owner role, which runs migrations, key rotations and rebuilds of the search tokens."""
    return _get_role_url(settings, "owner")


def _get_role_url(settings: Settings, role: str) -> str:
    """Return the URL of a role from the settings, or from its file if the set-up created the roles.

    Raises:
        Unavailable: neither exists.
    """
    variable = f"{role}_database_url"
    if url := getattr(settings, variable):
        return str(url.get_secret_value())
    if settings.database_url is None and not settings.uses_embedded_server:
        raise Unavailable(f"This command needs FIRSTSTEP_{variable.upper()}.")
    return load_url(settings.home, role)
