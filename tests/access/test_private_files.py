"""Files that only their owner can read."""

from pathlib import Path

from app.access.private_files import lock_file


def test_lock_file_is_private(tmp_path: Path) -> None:
    # Catches: `Path.open("a")`, which creates a file that every user of the machine can open, and therefore lock.
    with lock_file(tmp_path / "keys.json"):
        assert (tmp_path / "keys.json.lock").stat().st_mode & 0o777 == 0o600
