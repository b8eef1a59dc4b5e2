"""The passphrase of the copy of the key ring: from a file, or typed by the operator."""

import getpass
import sys
from pathlib import Path

from app.access.password_strength import check_password_strength
from app.access.private_files import read_private_file
from app.errors import Conflict

MAX_FILE_BYTES = 4096


def choose_passphrase(file: Path | None, breached_file: Path | None) -> str:
    """Return the passphrase for a new copy. A typed one is repeated.

    Raises:
        Conflict: it is too weak or was mistyped, or there is no terminal to type it.
    """
    passphrase = read_passphrase(file)
    if weaknesses := check_password_strength(passphrase, breached_file=breached_file):
        raise Conflict(f"The passphrase is too weak. {weaknesses[0].detail}")
    if file is None and getpass.getpass("Repeat the passphrase: ") != passphrase:
        raise Conflict("The two passphrases differ. Nothing was written.")
    return passphrase


def read_passphrase(file: Path | None) -> str:
    """Return the first line of a file, or the line that the operator types.

    Raises:
        Conflict: the file is missing, empty or readable by others, or there is no terminal to type the passphrase.
    """
    if file is None:
        if not sys.stdin.isatty():
            raise Conflict("Give the passphrase of the key ring with `--passphrase-file`.")
        return getpass.getpass("Passphrase of the key ring: ")
    try:
        content, _ = read_private_file(file, MAX_FILE_BYTES)
        passphrase = content.decode().partition("\n")[0].rstrip("\r")
    except FileNotFoundError:
        raise Conflict(f"The file with the passphrase, {file}, does not exist.") from None
    except (OSError, ValueError):
        raise Conflict(
            f"{file} must be a text file that only its owner can read. Run `chmod 600 {file}`."
        ) from None
    if not passphrase:
        raise Conflict(f"The first line of {file} contains no passphrase.")
    return passphrase
