"""Builds the application."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Route

from app import structured_log
from app.access.session_store import register_session_key
from app.access.vault import get_vault
from app.config import Settings, get_settings
from app.database.engine import Database
from app.database.pool_usage import record_pools
from app.database.urls import get_api_url, get_reports_url
from app.http import problem_details
from app.http.middleware import stack as middleware
from app.http.openapi import docs_pages
from app.http.openapi.document import describe
from app.measurements import Measurements
from app.routers import documents, mount, reports
from app.schemas.fault_messages import VALIDATION_MESSAGES
from app.server.child_processes import exit_with_parent

TITLE = "First Step"
OPENAPI_FILE = Path(__file__).parent.parent / "openapi" / "openapi.json"
"""The committed OpenAPI document; `make test` compares it with the code."""
GC_THRESHOLDS = (20_000, 20, 20)
"""Collect the youngest generation less often than by default, because requests create few reference cycles."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the database before the first request, and close it at the end."""
    try:
        app.state.database = database = await _open_database()
    except Exception as error:
        app.state.startup_error = error  # the supervisor reports it; uvicorn would print a traceback and end
        raise
    gc.freeze()  # Imported objects live as long as the process, so the collector need not traverse them.
    gc.set_threshold(*GC_THRESHOLDS)
    background = [asyncio.create_task(exit_with_parent())]
    if (measurements := app.state.measurements) is not None:
        background.append(asyncio.create_task(record_pools(measurements, database)))
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await database.close()


async def _open_database() -> Database:
    settings = get_settings()
    structured_log.configure_logging()
    get_vault()
    database = Database(
        get_api_url(settings), pool_size=settings.pool_size, reports_url=get_reports_url(settings)
    )
    await database.open()
    await register_session_key(database)
    return database


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title=TITLE, version="1", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan,
        separate_input_output_schemas=False,
    )  # fmt: skip
    mount(app)
    describe(app)
    problem_details.install(app, VALIDATION_MESSAGES)
    settings = get_settings()
    docs_pages.install(app, settings, contract=OPENAPI_FILE)
    app.state.measurements = measurements = _create_measurements(app, settings)
    middleware.install(
        app,
        settings,
        uploads=documents.UPLOAD_LIMITS,
        seconds_by_prefix=reports.SECONDS_BY_PREFIX,
        measurements=measurements,
    )
    return app


def _create_measurements(app: FastAPI, settings: Settings) -> Measurements | None:
    """Return the measurements of the endpoints of an application, or None if the metrics are off."""
    if settings.metrics_port is None:
        return None
    operations = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    heads = {("HEAD", path) for method, path in operations if method == "GET"}
    return Measurements(sorted(operations | heads), settings.workers)
