"""Read and write files that only their owner can read. Writes are atomic and survive a power failure."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def read_private_file(path: Path, max_bytes: int) -> tuple[bytes, tuple[int, ...]]:
    """Return the content of a file and its signature (see `get_file_signature`).

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is not a regular file, is accessible to group or others, or is too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_size > max_bytes:
            raise ValueError
        return file.read(), get_file_signature(status)


def get_file_signature(status: os.stat_result) -> tuple[int, ...]:
    """Return the inode, modification time and size of a file. They differ after `replace_file`."""
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def replace_file(path: Path, text: str) -> None:
    """Replace the content of a file atomically."""
    _write_temporary_file(path, text).replace(path)
    sync_directory(path.parent)


def create_file(path: Path, text: str) -> None:
    """Create a file atomically.

    Raises:
        FileExistsError: the path exists.
    """
    temporary = _write_temporary_file(path, text)
    try:
        path.hardlink_to(temporary)  # atomic; fails if the path exists
    finally:
        temporary.unlink()
    sync_directory(path.parent)


def create_file_if_absent(path: Path, text: str) -> None:
    """Create a file atomically. An existing file is not changed."""
    with suppress(FileExistsError):
        create_file(path, text)


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes. The lock is on a separate file, because `path` itself is replaced.

    The file is private, because every user who can open a file can lock it.
    """
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_temporary_file(path: Path, text: str) -> Path:
    """Write the text to a private file in the directory of `path`, so that it can be renamed atomically."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        Path(name).unlink()  # for example, the disk is full
        raise
    return Path(name)


def sync_directory(directory: Path) -> None:
    """Sync a directory, so that a rename or link survives a power failure."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
