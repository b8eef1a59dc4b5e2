"""Fixtures of the tests of backups: a workbench with an installation, and one backup of it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.config import Settings
from app.server.backup.create import BackupPaths
from app.server.backup.manifest import Manifest
from tests.support.backups import BackupBench
from tests.support.database_cluster import Cluster


@pytest.fixture(scope="package")
async def bench(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackupBench]:
    bench = BackupBench(cluster, tmp_path_factory.mktemp("backups"))
    yield bench
    await bench.drop_databases()


@pytest.fixture(scope="package")
async def source(bench: BackupBench) -> Settings:
    """The settings of an installation with the organisation of the tests."""
    return await bench.create_source("backup_source")


@pytest.fixture(scope="package")
async def backup(bench: BackupBench, source: Settings) -> tuple[BackupPaths, Manifest]:
    """A backup of the installation. Tests that change it copy it."""
    return await bench.back_up(source, "backup")


@pytest.fixture
def copied_backup(backup: tuple[BackupPaths, Manifest], tmp_path: Path) -> BackupPaths:
    """A copy of the backup, which a test can damage."""
    paths, _ = backup
    shutil.copytree(paths.directory, tmp_path / "backup")
    shutil.copy(paths.keys, tmp_path / "backup.keys")
    return BackupPaths.choose(tmp_path / "backup", None)
