"""The command `run`: set up the database in a separate process, and replace this process by the one that serves.

The URL of an administrator or of the owner role stays in the environment of the set-up process, which ends before the
server accepts requests. The serving process starts with an environment that does not contain it.
"""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from app.config import Settings
from app.errors import Conflict
from app.server.child_processes import STOP_SIGNALS
from app.server.installation import acquire_home_lock, is_set_up_by_run

PORT_WAIT_SECONDS = 5.0
"""Seconds to wait for the port, because the workers of a killed server release it with a delay."""
SET_UP_VARIABLES = frozenset(
    {"FIRSTSTEP_DATABASE_URL", "FIRSTSTEP_OWNER_DATABASE_URL", "FIRSTSTEP_BACKUP_DATABASE_URL"}
)
"""Variables that the serving process never has."""
ADMIN_VARIABLES = frozenset({"PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE"})
"""Variables with which `FIRSTSTEP_DATABASE_URL` can omit the password. The URLs of the created roles are complete."""


class Address(NamedTuple):
    """An address to listen on, with the names of its settings."""

    host_setting: str
    host: str
    port_setting: str
    port: int


def launch_server(settings: Settings) -> NoReturn:
    """Start the set-up if `run` is responsible for it, then continue as the serving process.

    Raises:
        Conflict: the port is in use, another process uses the same home directory, or the URL of the owner or for backups
            is set.
    """
    for name, command in (("OWNER", "migrate"), ("BACKUP", "backup")):
        if getattr(settings, f"{name.lower()}_database_url") is not None:
            variable = f"FIRSTSTEP_{name}_DATABASE_URL"
            raise Conflict(
                f"`run` must not have {variable}. Use it for `{command}` only, and remove it for `run`."
            )
    sockets = {"--socket": _bind_socket(Address("FIRSTSTEP_HOST", settings.host, "PORT", settings.port))}
    if settings.metrics_port is not None:
        names = ("FIRSTSTEP_METRICS_HOST", "FIRSTSTEP_METRICS_PORT")
        address = Address(names[0], settings.metrics_host, names[1], settings.metrics_port)
        sockets["--metrics-socket"] = _bind_socket(address)
    lock = acquire_home_lock(settings.home)  # the lock belongs to this process and survives the exec
    # Stop signals stay blocked until the set-up and the serving process handle them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    arguments = ["serve"]
    for option, listener in sockets.items():
        arguments += [option, str(listener.fileno())]
    if is_set_up_by_run(settings):
        arguments += ["--set-up", str(_start_set_up())]
    if settings.uses_embedded_server:
        arguments.append("--embedded")
    for descriptor in (lock.fileno(), *(listener.fileno() for listener in sockets.values())):
        os.set_inheritable(descriptor, True)
    sys.stdout.flush()
    os.execve(sys.executable, _build_command(*arguments), build_serving_environment(settings, os.environ))  # noqa: S606 - this program


def build_serving_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the serving process, without the credentials of the set-up."""
    excluded = SET_UP_VARIABLES | (ADMIN_VARIABLES if is_set_up_by_run(settings) else frozenset())
    return {name: value for name, value in environment.items() if name.upper() not in excluded}


def _start_set_up() -> int:
    """Start the set-up process, which keeps the environment of this process. Return its process id."""
    return subprocess.Popen(_build_command("set-up")).pid  # noqa: S603 - this program


def _build_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


def _bind_socket(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            listener.bind((address.host, address.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                listener.close()
                raise Conflict(_describe_bind_error(error, address)) from None
            time.sleep(0.2)
        else:
            return listener


def _describe_bind_error(error: OSError, address: Address) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {address.port} is used by another program. Set {address.port_setting} to a free port."
    if error.errno == errno.EACCES:
        return f"This user must not listen on port {address.port}. Set {address.port_setting} to a port above 1023."
    return f"{address.host_setting} is {address.host}, which is not an address of this machine."
