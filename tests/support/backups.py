"""An installation in the cluster of the tests that is backed up, and empty databases to restore into."""

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from app.config import Settings, get_settings
from app.database.embedded import ADMIN_ROLE
from app.database.urls import DatabaseUrls, replace_database
from app.server.backup.create import BackupPaths, create_backup
from app.server.backup.manifest import Manifest
from app.server.backup.restore import RestoreRequest, RestoreResult, restore_backup
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.key_rotation import register_key_ring

PASSPHRASE = "seven green boats on the Tonle Sap"
DROP_TEST_OBJECTS_SQL = """
    DROP EVENT TRIGGER IF EXISTS defined;
    DROP EVENT TRIGGER IF EXISTS dropped;
    DROP SCHEMA IF EXISTS pristine CASCADE;
"""
"""Removes from a copy of the template what an installation does not have."""


def refuse_replacement(name: str) -> None:
    raise AssertionError(name)


def refuse_passphrase() -> str:
    raise AssertionError


@dataclass
class BackupBench:
    """Creates databases for backups and restores in the cluster of the tests, and drops them."""

    cluster: Cluster
    directory: Path
    databases: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def build_admin_url(self, database: str) -> str:
        return self.cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, database)

    async def create_source(self, name: str) -> Settings:
        """Create a database with the organisation of the tests, and return its settings."""
        urls = await self.cluster.clone(name)
        self.databases.append(name)
        await self.cluster.execute_as_superuser(DROP_TEST_OBJECTS_SQL, name)
        settings = Settings(
            owner_database_url=SecretStr(urls.owner),
            api_database_url=SecretStr(urls.api),
            reports_database_url=SecretStr(urls.reports),
            backup_database_url=SecretStr(self.build_admin_url(name)),
            keys_file=get_settings().key_ring_path,
            home=self.directory,
        )
        await register_key_ring(settings)
        return settings

    async def create_target(self, name: str, *, with_keys: bool = True) -> Settings:
        """Create an empty database with a home directory, and return its settings."""
        await self.cluster.execute_as_superuser(f'CREATE DATABASE "{name}"')
        self.databases.append(name)
        home = self.directory / name
        urls = self.cluster.urls
        DatabaseUrls(*(replace_database(url, name) for url in (urls.owner, urls.api, urls.reports))).save(
            home
        )
        if with_keys:
            shutil.copy(get_settings().key_ring_path, home / "keys.json")
        return Settings(
            database_url=SecretStr(self.build_admin_url(name)), home=home, mode="demo", require_mfa=False
        )

    async def back_up(self, settings: Settings, name: str) -> tuple[BackupPaths, Manifest]:
        """Back up a database to a directory of the workbench."""
        paths = BackupPaths.choose(self.directory / name, None)
        return paths, await asyncio.to_thread(
            create_backup, settings, paths, PASSPHRASE, self.messages.append
        )

    async def restore(self, settings: Settings, paths: BackupPaths) -> RestoreResult:
        """Restore into an empty database with the key ring of the installation."""
        request = RestoreRequest(paths.directory, paths.keys, refuse_passphrase, refuse_replacement)
        return await self.run_restore(settings, request)

    async def run_restore(self, settings: Settings, request: RestoreRequest) -> RestoreResult:
        return await asyncio.to_thread(restore_backup, settings, request, self.messages.append)

    async def drop_databases(self) -> None:
        """Drop the databases of this workbench, and what restores left of them."""
        connection = await self.cluster.connect("postgres")
        try:
            for prefix in self.databases:
                query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
                for (name,) in await connection.fetch(query, prefix):
                    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        finally:
            await connection.close()


async def list_databases(cluster: Cluster, prefix: str) -> list[str]:
    """Return the names of the databases that begin with a text."""
    connection = await cluster.connect("postgres")
    try:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1"
        return [name for (name,) in await connection.fetch(query, prefix)]
    finally:
        await connection.close()


def list_errors(result: RestoreResult) -> list[str]:
    """Return the messages of failed checks. The server of the tests runs without fsync, so `safety` is not counted."""
    return [
        finding.message
        for finding in result.findings
        if finding.level == "error" and finding.check != "safety"
    ]
