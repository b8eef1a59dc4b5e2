"""Builds the application."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from app.access.vault import get_vault
from app.config import get_settings
from app.database.engine import Database
from app.database.urls import get_api_url
from app.http import problem_details
from app.http.middleware import request_log
from app.http.middleware import stack as middleware
from app.http.openapi import docs_pages
from app.http.openapi.document import describe
from app.routers import documents, mount
from app.schemas.fault_messages import VALIDATION_MESSAGES
from app.server import cleanup

TITLE = "First Step"
OPENAPI_FILE = Path(__file__).parent.parent / "openapi" / "openapi.json"
"""The committed OpenAPI document; `make test` compares it with the code."""
GC_THRESHOLDS = (20_000, 20, 20)
"""Collect the youngest generation less often than by default, because requests create few reference cycles."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the database before the first request, run the background tasks, and close everything at the end."""
    settings = get_settings()
    request_log.configure_logging()
    get_vault()
    database = Database(get_api_url(settings), pool_size=settings.pool_size)
    await database.open()
    app.state.database = database
    gc.freeze()  # Imported objects live as long as the process, so the collector need not traverse them.
    gc.set_threshold(*GC_THRESHOLDS)
    background = [
        asyncio.create_task(work) for work in (_exit_with_parent(), cleanup.run_periodic_cleanup(database))
    ]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await database.close()


async def _exit_with_parent() -> None:
    """Exit when the supervisor is killed. A worker without it would block the port for the next start."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel sends no event when a parent is killed
        await asyncio.sleep(0.5)
    os._exit(1)


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI(
        title=TITLE, version="1", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan,
        separate_input_output_schemas=False,
    )  # fmt: skip
    mount(app)
    describe(app)
    problem_details.install(app, VALIDATION_MESSAGES)
    docs_pages.install(app, get_settings(), contract=OPENAPI_FILE)
    middleware.install(app, get_settings(), uploads=documents.UPLOAD_LIMITS)
    return app
