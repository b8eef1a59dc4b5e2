"""The database's errors, translated where they enter; none of them carries a value of a row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg

from app.errors import (
    AlreadyExists,
    Conflict,
    Fault,
    FirstStepError,
    InvalidInput,
    NotFound,
    TimedOut,
    Unavailable,
)

BUSY_MESSAGE = "The database is busy."
UNREACHABLE_MESSAGE = "The database is out of reach."
TIMEOUT_MESSAGE = "The database took too long; nothing was done."
CONTENTION_MESSAGE = "Somebody else was changing the same records; please try again."


def _to_unknown_reference(error: asyncpg.ForeignKeyViolationError) -> InvalidInput:
    """Point at the field: a foreign key is called after its table and column."""
    column = str(error.constraint_name).removeprefix(f"fk_{error.table_name}_")
    return InvalidInput([Fault(f"/{column}", "reference_unknown", "It names nothing.")])


ERROR_TRANSLATIONS: list[tuple[tuple[type[BaseException], ...], Callable[[], FirstStepError]]] = [
    (
        (asyncpg.UniqueViolationError,),
        lambda: AlreadyExists("The id, or another key that must be unique, is taken."),
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
        (asyncpg.TooManyConnectionsError, asyncpg.AdminShutdownError),
        lambda: Unavailable(BUSY_MESSAGE, retry_after=1),
    ),
    (
        (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError),
        lambda: Unavailable(UNREACHABLE_MESSAGE, retry_after=5),
    ),
    # The driver calls it an error of its own where a connection's last words came unasked.
    (
        (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError),
        lambda: Unavailable(UNREACHABLE_MESSAGE, retry_after=5),
    ),
]
"""What PostgreSQL and its driver may say, and what a caller is told; the engine adds what its pool may say."""


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Turn the database's errors into ours.

    Raises:
        AlreadyExists: a unique key is taken.
        Conflict: two transactions wanted the same rows.
        InvalidInput: a reference names nothing.
        NotFound: the row, or the case it belongs to, went out of the actor's sight meanwhile.
        TimedOut: a statement or a lock took too long.
        Unavailable: the database is out of reach.
    """
    try:
        yield
    except FirstStepError:
        raise
    except Exception as error:
        ours = _translate(error)
        if ours is None:
            raise
        raise ours from error


def _translate(error: BaseException) -> FirstStepError | None:
    """Return our error for the first one in the chain of causes that we know."""
    cause: BaseException | None = error
    while cause is not None:
        if _is_row_security_violation(cause):
            return NotFound()
        if isinstance(cause, asyncpg.ForeignKeyViolationError):
            return _to_unknown_reference(cause)
        for kinds, make in ERROR_TRANSLATIONS:
            if isinstance(cause, kinds):
                return make()
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
    """Whether a policy refused a row: somebody gave the case to others between this request's look and its writing.

    PostgreSQL has one code for this and for a missing grant, which is a fault of ours; its source tells them apart.
    """
    return (
        isinstance(error, asyncpg.InsufficientPrivilegeError)
        and error.server_source_function == "ExecWithCheckOptions"
    )
