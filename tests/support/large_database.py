"""A database with 100,000 cases, and requests to it whose plans are recorded."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
from fastapi import FastAPI

from app.database.embedded import ADMIN_ROLE
from app.database.engine import Database
from app.models.record import new_id
from bench.environment import GeneratedRecords
from bench.growth.generate import GrowthSize, create_structure, generate_rows
from bench.growth.records import load_generated_records
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.query_plans import (
    LARGE_TABLES_QUERY,
    PLAN_COUNTS_QUERY,
    RECORDING_SETTINGS,
    RESET_STATISTICS_QUERY,
    ReadRows,
    count_read_rows,
)
from tests.support.scenario import AuthenticatedClient, access_token_of

NAME = "large"
SIZE = GrowthSize(
    100_000,
    event_count=1,
    session_count=0,
    history_count=0,
    entry_count=5_000,
    has_referral_tokens=False,
    seed_count=4_000,
)
"""Few records per case, so that the rows are generated in about half a minute."""
WARM_UP_COUNT = 7
"""PostgreSQL decides after five executions whether it keeps the plan of a statement."""
REPEAT_COUNT = 10


@dataclass(frozen=True, slots=True)
class LargeDatabase:
    """The large database, and clients of its users."""

    http: httpx.AsyncClient
    generated: GeneratedRecords
    admin: asyncpg.Connection
    log: Path
    large_tables: set[str]

    def get_client(self, name: str) -> AuthenticatedClient:
        """Return the client of a generated caller (`worker`, `supervisor`, `api_client`) or of a user of the tests."""
        token = getattr(self.generated.tokens, name, None) or access_token_of(name)
        return AuthenticatedClient(name, self.http, token)

    async def record_rows(self, name: str, path: str, body: Mapping[str, object] | None = None) -> ReadRows:
        """Send a request several times, and return the rows that the last one reads."""
        await self._warm_up(name, path, body)
        offset = self.log.stat().st_size
        await self._send(name, path, body)
        with self.log.open() as file:
            file.seek(offset)
            return count_read_rows(file.read(), self.large_tables)

    async def count_plans(
        self, name: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, int]:
        """Send a request repeatedly, and return how often its statements are planned after the warm-up."""
        await self._warm_up(name, path, body)
        await self.admin.execute(RESET_STATISTICS_QUERY)
        for _ in range(REPEAT_COUNT):
            await self._send(name, path, body)
        return dict(await self.admin.fetch(PLAN_COUNTS_QUERY))

    async def _warm_up(self, name: str, path: str, body: Mapping[str, object] | None) -> None:
        for _ in range(WARM_UP_COUNT):
            await self._send(name, path, body)

    async def _send(self, name: str, path: str, body: Mapping[str, object] | None) -> None:
        client = self.get_client(name)
        if body is None:
            response = await client.get(path)
        else:
            key = new_id().hex
            response = await client.post(path, {**body, "external_id": key}, key=key)
        assert response.is_success, response.text


@asynccontextmanager
async def open_large_database(cluster: Cluster, app: FastAPI) -> AsyncIterator[LargeDatabase]:
    """Generate the database, connect the application to it, and drop the database at the end."""
    urls = await cluster.clone(NAME)
    admin_url = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, NAME)
    admin = await asyncpg.connect(admin_url)
    database = Database(urls.api, pool_size=1)
    try:
        await create_structure(admin, SIZE)
        await generate_rows(admin_url, SIZE, lambda _: None)
        await admin.execute("CREATE EXTENSION pg_stat_statements")
        for setting, value in RECORDING_SETTINGS.items():
            await admin.execute(f"ALTER DATABASE {NAME} SET {setting} = '{value}'")
        generated = await load_generated_records(admin, SIZE)
        large_tables = {row[0] for row in await admin.fetch(LARGE_TABLES_QUERY)}
        await database.open()
        app.state.database = database
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield LargeDatabase(http, generated, admin, cluster.server.log_file, large_tables)
    finally:
        await database.close()
        await admin.close()
        await cluster.drop(NAME)
