"""The database role of `backup` and `restore`. The processes that serve requests never have its password."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.config import Settings
from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from app.errors import Unavailable
from app.server.installation import DATABASE_NAME, acquire_home_lock, load_admin_password


def get_administrator_url(settings: Settings) -> str:
    """Return the URL of the superuser of the embedded server, or the configured one.

    Raises:
        Unavailable: no URL is set.
    """
    if settings.uses_embedded_server:
        password = load_admin_password(settings.home)
        return EmbeddedServer(settings.home).build_url(ADMIN_ROLE, password, DATABASE_NAME)
    url = settings.backup_database_url or settings.database_url
    if url is None:
        raise Unavailable("This command needs FIRSTSTEP_BACKUP_DATABASE_URL.")
    return url.get_secret_value()


@contextmanager
def run_embedded_server(settings: Settings) -> Iterator[None]:
    """Start the embedded server for the duration of a block, if it is used and does not run.

    Raises:
        Conflict: another process is starting it.
        Unavailable: its database does not exist.
    """
    server = EmbeddedServer(settings.home)
    if not settings.uses_embedded_server:
        yield
        return
    if not (server.data_dir / "PG_VERSION").exists():
        raise Unavailable("The database does not exist yet. Create it with `run` or `migrate`.")
    if server.is_running():
        yield
        return
    with acquire_home_lock(settings.home):
        server.start_existing()
        try:
            yield
        finally:
            server.stop()
