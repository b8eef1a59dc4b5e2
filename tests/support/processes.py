"""Inspect running processes through /proc."""

from contextlib import suppress
from pathlib import Path


def list_descendants(pid: int) -> list[int]:
    """List the children of a process and their children."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [process for child in children for process in (child, *list_descendants(child))]


def read_title(pid: int) -> str:
    """Return the command line of a process, which PostgreSQL sets to role and database."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode()


def read_environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_bytes().decode()


def read_open_files(pid: int) -> list[str]:
    return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]


def read_memory(pid: int) -> bytes:
    """Read all writable memory of a process, in which every Python object is."""
    content = []
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            addresses, permissions = line.split()[:2]
            if permissions.startswith("rw"):
                start, end = (int(address, 16) for address in addresses.split("-"))
                memory.seek(start)
                with suppress(OSError):
                    content.append(memory.read(end - start))
    return b"".join(content)
