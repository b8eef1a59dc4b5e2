"""Reading the passphrase from a file."""

from pathlib import Path

import pytest

from app.errors import Conflict
from app.server.backup.passphrase import choose_passphrase, read_passphrase


def write_private(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def test_passphrase_is_the_first_line_of_a_private_file(tmp_path: Path) -> None:
    file = write_private(tmp_path / "passphrase", "seven green boats ១២\r\nnot this\n".encode())
    assert read_passphrase(file) == choose_passphrase(file, None) == "seven green boats ១២"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "contains no passphrase"),
        (b"\nsecond line", "contains no passphrase"),
        (b"\xff\xfe", "chmod 600"),
    ],
)
def test_file_without_a_passphrase_is_explained(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(Conflict, match=message):
        read_passphrase(write_private(tmp_path / "passphrase", content))


def test_file_that_others_can_read_is_rejected(tmp_path: Path) -> None:
    file = write_private(tmp_path / "passphrase", b"seven green boats on the lake")
    file.chmod(0o640)
    with pytest.raises(Conflict, match="chmod 600"):
        read_passphrase(file)
    with pytest.raises(Conflict, match="does not exist"):
        read_passphrase(tmp_path / "absent")


@pytest.mark.parametrize("weak", ["short", "password123456", "aaaaaaaaaaaaaaaa"])
def test_weak_passphrase_is_rejected_for_a_new_copy(tmp_path: Path, weak: str) -> None:
    with pytest.raises(Conflict, match="too weak"):
        choose_passphrase(write_private(tmp_path / "passphrase", weak.encode()), None)


def test_passphrase_cannot_be_typed_without_a_terminal() -> None:
    with pytest.raises(Conflict, match="--passphrase-file"):
        read_passphrase(None)
