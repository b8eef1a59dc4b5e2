"""The structured log: one JSON object per line on stdout, without personal data.

Only keys of an allow-list are written, and only simple values such as numbers and strings. Of an exception, only the
type and the stack frames are written, because its message may contain values of a record. For the same reason, the
arguments of log records of the standard library are dropped.
"""

import json
import logging
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO, cast
from uuid import UUID

import structlog

ALLOWED: Final = frozenset({
    *("timestamp", "level", "event", "logger", "request_id", "method", "route", "status", "duration_ms", "bytes"),
    *("error", "causes", "frames", "dropped", "where"),
    *("mode", "host", "port", "workers", "version", "revision", "path", "pid"),
    *("job", "seconds", "count", "attempt", "next_attempt_at", "event_id", "delivery_id", "webhook_id", "client_id"),
    *("process", "signal", "exit_status", "reason"),
    *("tree_size", "leaves", "key_id", "table", "partition", "pool_size"),
})  # fmt: skip
"""The keys that may be written. They contain technical data only. Consider privacy before adding a key."""

MAX_TEXT_LENGTH = 300
"""Maximum number of characters of a logged string."""

MAX_FRAMES = 20

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)

logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_Event = MutableMapping[str, Any]


def configure_logging(level: int = logging.INFO) -> None:
    """Write all log records of this process as JSON, through the allow-list. Run uvicorn with `log_config=None`."""
    structlog.configure(
        processors=[
            _add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _reduce_exception,
            remove_unknown_keys,
            structlog.processors.JSONRenderer(serializer=serialize_event),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Output())),
        cache_logger_on_first_use=False,
    )
    _redirect_standard_library(level)


class _Output:
    """Standard output. A reader that has closed it, or a full disk, must not end the process that logs."""

    @staticmethod
    def write(text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.write(text)

    @staticmethod
    def flush() -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()


def remove_unknown_keys(_logger: Any, _method: str, event: _Event) -> _Event:
    """Remove keys that are not in the allow-list, and add their number as `dropped`."""
    allowed_fields: _Event = {key: _to_loggable(value) for key, value in event.items() if key in ALLOWED}
    if len(allowed_fields) < len(event):
        allowed_fields["dropped"] = len(event) - len(allowed_fields)
    return allowed_fields


def serialize_event(event: Mapping[str, Any], **_options: Any) -> str:
    """Serialize `event` as ASCII JSON, which escapes control characters and line breaks (ASVS V16.4.1)."""
    return json.dumps(event, separators=(",", ":"), default=_to_loggable).replace("\x7f", "\\u007f")


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return the loggable facts of `error`: its type, the types of its causes, and `file:line` of its frames."""
    return {
        "error": _type_name(error),
        "causes": [_type_name(cause) for cause in _causes(error)],
        "frames": _frames(error.__traceback__),
    }


def _to_loggable(value: Any) -> Any:
    """Return a simple value, shortened if it is long. Of any other value, return the name of its type."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | UUID):
        return str(value)[:MAX_TEXT_LENGTH]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_to_loggable(item) for item in value[:MAX_FRAMES]]
    return type(value).__qualname__


def _add_request_id(_logger: Any, _method: str, event: _Event) -> _Event:
    if (request_id := current_request_id.get()) is not None:
        event.setdefault("request_id", request_id)
    return event


def _reduce_exception(_logger: Any, _method: str, event: _Event) -> _Event:
    exc_info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = exc_info if isinstance(exc_info, BaseException) else None
    if exc_info and error is None:
        error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1]
    if error is not None:
        event.update(describe_exception(error))
    return event


def _type_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    visited = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in visited:
        yield cause
        visited.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def _frames(trace: TracebackType | None) -> list[str]:
    places = [
        f"{'/'.join(PurePath(f.f_code.co_filename).parts[-3:])}:{n}" for f, n in traceback.walk_tb(trace)
    ]
    return places[-MAX_FRAMES:]


class StandardLibraryHandler(logging.Handler):
    """Writes log records of the standard library through structlog, without their arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the first line of the message template. Its other lines and the arguments may contain values."""
        error = record.exc_info[1] if record.exc_info else None
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__
        details = describe_exception(error) if error else {}
        logger.log(record.levelno, template.partition("\n")[0], logger=record.name, **details)


def _redirect_standard_library(level: int) -> None:
    logging.basicConfig(handlers=[StandardLibraryHandler()], level=level, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        standard = logging.getLogger(name)
        standard.handlers.clear()
        standard.setLevel(logging.NOTSET)
        standard.propagate = name != "uvicorn.access"  # RequestLog replaces uvicorn's access log
    warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log only the location of a warning, because its text may contain values, as warnings of Pydantic do."""
    del message, file, line
    place = "/".join(PurePath(filename).parts[-3:])
    logger.warning("warning", error=category.__qualname__, where=f"{place}:{lineno}")
