"""Damaged and forged backups are refused before a statement is executed."""

import re

import pytest

from app.config import Settings
from app.errors import Conflict
from app.server.backup.create import BackupPaths
from app.server.backup.manifest import FileFacts, Manifest
from tests.support.backups import BackupBench


def change_manifest(paths: BackupPaths, pattern: str, replacement: str) -> None:
    file = paths.directory / "manifest.json"
    text, count = re.subn(pattern, replacement, file.read_text(), count=1)
    assert count == 1
    file.write_text(text)


async def test_damaged_backup_is_refused(
    bench: BackupBench, source: Settings, copied_backup: BackupPaths
) -> None:
    # Catches: `verify_files`, the checksum, and `verify_code` removed, one after the other.
    dump = copied_backup.directory / "database.dump"
    content, manifest = dump.read_bytes(), (copied_backup.directory / "manifest.json").read_text()
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    for damaged in (content[:-1], bytes(changed)):
        dump.write_bytes(damaged)
        with pytest.raises(Conflict, match=r"database\.dump was cut off or changed"):
            await bench.restore(source, copied_backup)
    dump.unlink()
    with pytest.raises(Conflict, match=r"database\.dump is missing"):
        await bench.restore(source, copied_backup)
    dump.write_bytes(content)
    for pattern, replacement, message in (
        (r'"schema_revision": "\d+"', '"schema_revision": "9999"', "schema revision 9999"),
        (r'"users": \d+', '"users": 12', "was changed after the backup"),
        ('"code": ".', '"code": "é', "is incomplete"),
        ('"database.dump"', '"../database.dump"', "does not list exactly the files"),
        (r'"sha256": "[^"]*",?', "", "is incomplete"),
        (r"(?s).{40}\Z", "", "is incomplete"),
        ("first-step-backup-1", "first-step-backup-2", "a newer version"),
    ):
        change_manifest(copied_backup, pattern, replacement)
        with pytest.raises(Conflict, match=message):
            await bench.restore(source, copied_backup)
        (copied_backup.directory / "manifest.json").write_text(manifest)
    (copied_backup.directory / "manifest.json").unlink()
    for directory in (copied_backup.directory, dump, copied_backup.directory / "absent"):
        with pytest.raises(Conflict, match="is not a complete backup"):
            await bench.restore(source, BackupPaths.choose(directory, None))


@pytest.mark.parametrize("name", [".", "database.dump"])
async def test_backup_that_other_users_can_change_is_refused(
    bench: BackupBench, source: Settings, copied_backup: BackupPaths, name: str
) -> None:
    # Catches: the comparison with WRITABLE_BY_OTHERS removed. The dump could change between its check and its use.
    path = copied_backup.directory / name
    path.chmod(path.stat().st_mode | 0o020)
    with pytest.raises(Conflict, match=r"Other users can change .* Run `chmod go-w "):
        await bench.restore(source, copied_backup)


async def test_dump_that_was_changed_together_with_its_checksum_is_refused(
    bench: BackupBench, source: Settings, copied_backup: BackupPaths
) -> None:
    # Catches: `verify_code` removed. The dump contains statements, which a restore executes as a superuser.
    (copied_backup.directory / "database.dump").write_bytes(b"COPY users TO PROGRAM 'curl'")
    files = {"database.dump": FileFacts.compute(copied_backup.directory / "database.dump")}
    forged = Manifest.load(copied_backup.directory).model_copy(update={"files": files})
    (copied_backup.directory / "manifest.json").write_text(forged.model_dump_json())
    with pytest.raises(Conflict, match="was changed after the backup"):
        await bench.restore(source, copied_backup)
