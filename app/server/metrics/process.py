"""The metrics process: `GET /metrics` for Prometheus, on a separate port.

The port needs no authentication. It listens on 127.0.0.1 unless the operator chooses another address.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, make_asgi_app

from app.config import get_settings
from app.database.urls import get_api_url
from app.measurements import Measurements
from app.server.child_processes import exit_with_parent
from app.server.http_protocol import LimitedHttpProtocol
from app.server.metrics.database_figures import DatabaseFigureCache
from app.server.metrics.prometheus import MetricCollector
from app.structured_log import configure_logging

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class MetricsApplication:
    """The ASGI application of the metrics process."""

    def __init__(self, measurements: Measurements, database_url: str) -> None:
        """Serve the measurements of all processes, and the figures of a database."""
        self._measurements = measurements
        self._figures = DatabaseFigureCache(database_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD of /metrics, and nothing else."""
        if scope["path"] != "/metrics" or scope["method"] not in {"GET", "HEAD"}:
            await _send_not_found(send)
            return
        registry = CollectorRegistry(auto_describe=False)
        registry.register(MetricCollector(self._measurements, await self._figures.get()))
        await make_asgi_app(registry)(_keep_compression(scope), receive, send)


def _keep_compression(scope: Scope) -> Scope:
    """Return the scope without the query, and without headers other than a plain `Accept-Encoding`.

    The library fails with some values of `Accept`, and returns no metrics if the query names some.
    """
    headers = [
        (name, value) for name, value in scope["headers"] if name == b"accept-encoding" and value.isascii()
    ]
    return {**scope, "headers": headers, "query_string": b""}


async def _send_not_found(send: Send) -> None:
    body = b"The metrics are at GET /metrics.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def run_metrics_process(server_socket: socket.socket, measurements: Measurements) -> None:
    """Serve the metrics until a stop signal arrives or the supervisor is gone."""
    configure_logging()
    application = MetricsApplication(measurements, get_api_url(get_settings()))
    parent_watch = asyncio.create_task(exit_with_parent())
    config = uvicorn.Config(
        application,
        lifespan="off",
        http=LimitedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    try:
        await uvicorn.Server(config).serve(sockets=[server_socket])
    finally:
        parent_watch.cancel()
