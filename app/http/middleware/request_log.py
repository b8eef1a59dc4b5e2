"""The structured log: one JSON object a line on stdout, and nothing in it that could name a child.

Only keys of an allow-list are written, only plain values, and of an exception only its type and where it was raised:
its message may quote a record. Records of the standard library's loggers lose their arguments for the same reason.
"""

import json
import logging
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO
from uuid import UUID

import structlog

ALLOWED: Final = frozenset({
    *("timestamp", "level", "event", "logger", "request_id", "method", "route", "status", "duration_ms", "bytes"),
    *("error", "causes", "frames", "dropped", "where"),
    *("mode", "host", "port", "workers", "version", "revision", "path", "pid"),
    *("job", "seconds", "count", "attempt", "next_attempt_at", "event_id", "delivery_id", "webhook_id", "client_id"),
    *("tree_size", "leaves", "key_id", "table", "partition", "pool_size"),
})  # fmt: skip
"""Keys that may be written. Every one is technical; a new one is a decision about privacy."""

LONGEST = 300
"""Characters of one logged text."""

MOST_FRAMES = 20

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)

logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_Event = MutableMapping[str, Any]


def configure_logging(level: int = logging.INFO) -> None:
    """Send every log of this process through the allow-list. Start uvicorn with `log_config=None`."""
    structlog.configure(
        processors=[
            _add_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _reduce_exception,
            keep_allowed,
            structlog.processors.JSONRenderer(serializer=one_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _redirect_standard_library(level)


def keep_allowed(_logger: Any, _method: str, event: _Event) -> _Event:
    """Drop what the allow-list does not name, and count it as `dropped`."""
    kept: _Event = {key: _plain(value) for key, value in event.items() if key in ALLOWED}
    if len(kept) < len(event):
        kept["dropped"] = len(event) - len(kept)
    return kept


def one_line(event: Mapping[str, Any], **_options: Any) -> str:
    """Write `event` as ASCII JSON: every control or line-breaking character is escaped (ASVS V16.4.1)."""
    return json.dumps(event, separators=(",", ":"), default=_plain).replace("\x7f", "\\u007f")


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return what may be logged of `error`: its type, its causes' types, `file:line` of its frames."""
    return {
        "error": _type_name(error),
        "causes": [_type_name(cause) for cause in _causes(error)],
        "frames": _frames(error.__traceback__),
    }


def write_access_line(
    request_id: str, scope: Mapping[str, Any], status: int, seconds: float, size: int
) -> None:
    """Write the line of one request; past structlog, for it is written once per request."""
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    line = (
        f'{{"timestamp":"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}","level":"info","event":"request",'
        f'"request_id":"{request_id}","method":"{method}","route":{_quoted(route_template(scope))},'
        f'"status":{status},"duration_ms":{seconds * 1000:.1f},"bytes":{size}}}\n'
    )
    with suppress(OSError, ValueError):  # a closed stdout must not fail the request
        sys.stdout.write(line)
        sys.stdout.flush()


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Return the template the path matched, such as `/v1/cases/{id}`, never the path itself."""
    template = getattr(scope.get("route"), "path", None)
    return template if isinstance(template, str) else None


@lru_cache(maxsize=1024)
def _quoted(text: str | None) -> str:
    return json.dumps(text)


def _plain(value: Any) -> Any:
    """Return `value` where it is plain, the name of its type where it is not."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | UUID):
        return str(value)[:LONGEST]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:MOST_FRAMES]]
    return type(value).__qualname__


def _add_request_id(_logger: Any, _method: str, event: _Event) -> _Event:
    if (request_id := current_request_id.get()) is not None:
        event.setdefault("request_id", request_id)
    return event


def _reduce_exception(_logger: Any, _method: str, event: _Event) -> _Event:
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    error = given if isinstance(given, BaseException) else None
    if given and error is None:
        error = given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    if error is not None:
        event.update(describe_exception(error))
    return event


def _type_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    cause = error.__cause__ or error.__context__
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def _frames(trace: TracebackType | None) -> list[str]:
    places = [
        f"{'/'.join(PurePath(f.f_code.co_filename).parts[-3:])}:{n}" for f, n in traceback.walk_tb(trace)
    ]
    return places[-MOST_FRAMES:]


class _Bridge(logging.Handler):
    """Writes the standard library's records through structlog, without their arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`: its template's first line, for later lines and arguments may quote values."""
        error = record.exc_info[1] if record.exc_info else None
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__
        details = describe_exception(error) if error else {}
        logger.log(record.levelno, template.partition("\n")[0], logger=record.name, **details)


def _redirect_standard_library(level: int) -> None:
    logging.basicConfig(handlers=[_Bridge()], level=level, force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        standard = logging.getLogger(name)
        standard.handlers.clear()
        standard.propagate = name != "uvicorn.access"  # the access line is ours
    warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log where a warning arose; its text may quote a value (Pydantic's serializer does)."""
    del message, file, line
    place = "/".join(PurePath(filename).parts[-3:])
    logger.warning("warning", error=category.__qualname__, where=f"{place}:{lineno}")
