"""Restart the embedded PostgreSQL server when it has ended."""

import time

from app.database.embedded import EmbeddedServer
from app.errors import Unavailable
from app.structured_log import logger

CHECK_INTERVAL_SECONDS = 1.0


class DatabaseRestart:
    """Starts the embedded server again if its process is gone. The workers then replace their connections."""

    def __init__(self, server: EmbeddedServer) -> None:
        """Begin with a server that runs."""
        self._server = server
        self._next_check_at = 0.0
        self._is_failing = False

    def __call__(self) -> None:
        """Check the server, at most once per interval. A failed restart is logged once and repeated."""
        if time.monotonic() < self._next_check_at:
            return
        self._next_check_at = time.monotonic() + CHECK_INTERVAL_SECONDS
        if not self._server.has_live_process():
            self._restart()

    def _restart(self) -> None:
        started = time.monotonic()
        try:
            self._server.start_existing()
        except (Unavailable, OSError) as error:
            if not self._is_failing:
                logger.error("database_restart_failed", reason=str(error))
            self._is_failing = True
        else:
            logger.warning("database_restarted", seconds=round(time.monotonic() - started, 1))
            self._is_failing = False
