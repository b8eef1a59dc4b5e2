"""Builds the app; nothing else."""

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
from app.http import problem_details as error_handlers
from app.http.middleware import request_log as logs
from app.http.middleware import stack as middleware
from app.http.openapi import docs_pages as documentation
from app.http.openapi.document import describe
from app.routers import documents, mount
from app.schemas.validation_faults import VALIDATION_MESSAGES
from app.server import cleanup as tidying

TITLE = "First Step"
OPENAPI_FILE = Path(__file__).parent.parent / "openapi" / "openapi.json"
"""The description of the API as it is checked in; `make test` holds it against the code."""
GC_THRESHOLDS = (20_000, 20, 20)
"""Objects made before the youngest are looked through, and how often the older ones are."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Connect before the first request, and end with the process that started us."""
    chosen = get_settings()
    logs.configure_logging()
    get_vault()
    database = Database(get_api_url(chosen), pool_size=chosen.pool_size)
    await database.open()
    app.state.database = database
    gc.freeze()  # what was imported stays: no need to look through it again with every thousand requests
    gc.set_threshold(*GC_THRESHOLDS)
    background = [
        asyncio.create_task(work) for work in (_exit_with_parent(), tidying.run_periodic_cleanup(database))
    ]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await database.close()


async def _exit_with_parent() -> None:
    """Stop when the supervisor was killed: an orphan would keep the port from the next start."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody sends an event when a parent is killed
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
    error_handlers.install(app, VALIDATION_MESSAGES)
    documentation.install(app, get_settings(), contract=OPENAPI_FILE)
    middleware.install(app, get_settings(), uploads=documents.UPLOAD_LIMITS)
    return app
