"""Describe errors that an operator can correct, in one sentence instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.config import InvalidSettings
from app.errors import FirstStepError
from app.structured_log import configure_logging, describe_exception, logger

DESCRIBED_SQLSTATE_CLASSES = frozenset({"08", "25", "28", "3D", "42", "53", "54", "55", "57", "58"})
"""Classes of errors about connections, privileges, objects and resources. Messages of others can contain values."""


def describe_operator_error(error: BaseException) -> str | None:
    """Return sentences about the first known error among an exception and its causes, or None for an unknown one.

    Each sentence is a line.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, InvalidSettings):
            return "\n".join(cause.problems)
        if isinstance(cause, FirstStepError):
            return _describe_faults(cause) or cause.detail or cause.titles["en"]
        if isinstance(cause, asyncpg.PostgresError):
            return _describe_postgres_error(cause)
        if isinstance(cause, OSError):
            return _describe_os_error(cause)
        cause = cause.__cause__ or cause.__context__
    return None


def _describe_faults(error: FirstStepError) -> str:
    return " ".join(
        f"{fault.pointer.strip('/')}: {fault.detail}" if fault.pointer else fault.detail
        for fault in error.faults
    )


@contextmanager
def log_failure(process: str) -> Iterator[None]:
    """Write the reason why a process failed to the structured log, one entry per sentence, and raise the error again."""
    try:
        yield
    except Exception as error:
        configure_logging()
        for reason in describe_failure(error).splitlines():
            logger.error("process_failed", process=process, reason=reason)
        raise


def describe_failure(error: BaseException) -> str:
    """Return a sentence about why a process failed: the known error, or else its type and place."""
    if sentence := describe_operator_error(error):
        return sentence
    description = describe_exception(error)
    frames = description["frames"]
    return f"It raised {description['error']}{f' in {frames[-1]}' if frames else ''}."


def _describe_postgres_error(error: asyncpg.PostgresError) -> str:
    sqlstate = str(error.sqlstate)
    if sqlstate[:2] in DESCRIBED_SQLSTATE_CLASSES:
        return f"PostgreSQL rejected a statement: {error.args[0] if error.args else sqlstate}."
    return f"PostgreSQL rejected a statement (SQLSTATE {sqlstate}). Its log contains the reason."


def _describe_os_error(error: OSError) -> str:
    reason = error.strerror or "the operation failed"
    return f"{error.filename}: {reason}." if error.filename else f"{reason[0].upper()}{reason[1:]}."
