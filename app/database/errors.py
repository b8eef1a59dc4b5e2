"""Translate database errors into application errors, whose messages contain no value of a row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg

from app.database.disk_space import record_full_disk
from app.errors import (
    AlreadyExists,
    Conflict,
    Fault,
    FirstStepError,
    Forbidden,
    InvalidInput,
    NotFound,
    TimedOut,
    Unavailable,
)

DISK_FULL_MESSAGE = "The database has no free disk space. No change was made."
BUSY_MESSAGE = "The database is busy."
UNREACHABLE_MESSAGE = "The database cannot be reached."
TIMEOUT_MESSAGE = "The database did not answer in time. No change was made."
CONTENTION_MESSAGE = "Another request was changing the same records. Please try again."


def _to_unknown_reference(error: asyncpg.ForeignKeyViolationError) -> InvalidInput:
    """Return a validation error for the column of the foreign key, which is named `fk_<table>_<column>`."""
    column = str(error.constraint_name).removeprefix(f"fk_{error.table_name}_")
    return InvalidInput([Fault(f"/{column}", "reference_unknown", "The referenced record does not exist.")])


def _to_disk_full() -> Unavailable:
    """Return a temporary error, and make the server not ready."""
    record_full_disk()
    return Unavailable(DISK_FULL_MESSAGE, retry_after=30)


ERROR_TRANSLATIONS: list[tuple[tuple[type[BaseException], ...], Callable[[], FirstStepError]]] = [
    (
        (asyncpg.UniqueViolationError,),
        lambda: AlreadyExists("A record with this id, or with another unique value of it, already exists."),
    ),
    (
        (asyncpg.SerializationError, asyncpg.DeadlockDetectedError),
        lambda: Conflict(CONTENTION_MESSAGE, retry_after=1),
    ),
    (
        (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError),
        lambda: TimedOut(TIMEOUT_MESSAGE, retry_after=1),
    ),
    (
        # TimeoutError, which is an OSError, means that no connection of a pool became free in time.
        (asyncpg.TooManyConnectionsError, asyncpg.AdminShutdownError, TimeoutError),
        lambda: Unavailable(BUSY_MESSAGE, retry_after=1),
    ),
    ((asyncpg.DiskFullError,), _to_disk_full),
    (
        (asyncpg.InsufficientResourcesError, asyncpg.PostgresIOError),
        lambda: Unavailable(BUSY_MESSAGE, retry_after=5),
    ),
    # The access of the request has expired, or PostgreSQL has restarted since it was opened.
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        lambda: Unavailable(BUSY_MESSAGE, retry_after=1),
    ),
    (
        (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError),
        lambda: Unavailable(UNREACHABLE_MESSAGE, retry_after=5),
    ),
    # asyncpg raises InternalClientError if a message arrives on a connection that is being closed.
    (
        (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError),
        lambda: Unavailable(UNREACHABLE_MESSAGE, retry_after=5),
    ),
]
"""Application error for each exception class of the driver. The module `engine` adds exceptions of SQLAlchemy."""


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Translate database errors raised in the block into application errors.

    Raises:
        AlreadyExists: a unique constraint is violated.
        Conflict: a serialization failure or a deadlock with another transaction.
        Forbidden: the caller lost a permission during the request.
        InvalidInput: a referenced record does not exist.
        NotFound: the row, or the case it belongs to, became invisible to the caller during the request.
        TimedOut: a statement or a lock timed out.
        Unavailable: the database cannot be reached.
    """
    try:
        yield
    except FirstStepError:
        raise
    except Exception as error:
        translated = _translate(error)
        if translated is None:
            raise
        raise translated from error


def _translate(error: BaseException) -> FirstStepError | None:
    """Return the application error for the first known error among an exception and its causes, or None."""
    cause: BaseException | None = error
    while cause is not None:
        if _is_row_security_violation(cause):
            return NotFound()
        if isinstance(cause, asyncpg.ForeignKeyViolationError):
            return _to_unknown_reference(cause)
        if (
            isinstance(cause, asyncpg.InsufficientPrivilegeError)
            and cause.constraint_name == "caller_permission"
        ):
            return Forbidden()
        for exception_classes, create_error in ERROR_TRANSLATIONS:
            if isinstance(cause, exception_classes):
                return create_error()
        cause = cause.__cause__
    return None


def get_violated_constraint(error: BaseException) -> str | None:
    """Return the name of the constraint that a database error reports, or None."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, asyncpg.PostgresError):
            name = cause.constraint_name
            return None if name is None else str(name)
        cause = cause.__cause__
    return None


def _is_row_security_violation(error: BaseException) -> bool:
    """Return whether a row policy rejected a written row, for example because the case was reassigned during the request.

    A missing privilege, which is a programming error, has the same SQLSTATE. The C function that raised the error, which
    PostgreSQL reports, distinguishes the two.
    """
    return (
        isinstance(error, asyncpg.InsufficientPrivilegeError)
        and error.server_source_function == "ExecWithCheckOptions"
    )
