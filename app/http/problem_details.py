"""Error responses: problem details (RFC 9457).

A problem names rules and fields. It never contains a value of the request or of a record, a query string or a stack
trace.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from app import structured_log
from app.errors import (
    AlreadyExists,
    BodyTooLarge,
    FirstStepError,
    Forbidden,
    GateRefused,
    InvalidInput,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    TimedOut,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from app.fault_codes import FaultCode
from app.schemas.fault_messages import translate_detail
from app.schemas.validation_faults import convert_validation_errors

TYPE_PREFIX = "urn:firststep:problem:"
MEDIA_TYPE = "application/problem+json"
LANGUAGES = ("en", "km")

MAX_INSTANCE_LENGTH = 512
"""Maximum length of the path in `instance`, in characters."""

_PASSED_HEADERS: Final = ("allow", "www-authenticate", "retry-after", "connection")
_BODYLESS = frozenset({204, 205, 304})
_BY_STATUS: Final[dict[int, type[FirstStepError]]] = {
    error.status: error
    for error in (
        *(
            MalformedRequest,
            Unauthenticated,
            Forbidden,
            NotFound,
            MethodNotAllowed,
            BodyTooLarge,
            UnsupportedMediaType,
        ),
        *(TooManyRequests, FirstStepError, Unavailable, TimedOut),
    )
}


def build_problem_response(
    error: FirstStepError, *, scope: Scope, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the problem response for `error`. The title is in the client's preferred language."""
    language = get_preferred_language(_header(scope, b"accept-language"))
    title = error.titles.get(language, error.titles["en"])
    members = {
        **_members(TYPE_PREFIX + error.kind, title, error.status, scope),
        "detail": error.detail or error.titles["en"],
        **_faults(error, language),
        **_existing_record(error),
    }
    return _response(members, language, {**_error_headers(error), **(headers or {})})


def build_error_response(error: Exception, scope: Scope) -> Response:
    """Return the response for any exception. An unexpected exception is logged and gets a 500."""
    if isinstance(error, FirstStepError):
        return build_problem_response(error, scope=scope)
    if isinstance(error, RequestValidationError):
        sentences = getattr(getattr(scope.get("app"), "state", None), "fault_sentences", None)
        return build_problem_response(
            InvalidInput(convert_validation_errors(error.errors(), error.body, sentences)), scope=scope
        )
    if isinstance(error, HTTPException):
        return _build_http_response(error, scope)
    structured_log.logger.error("unexpected_error", **structured_log.describe_exception(error))
    return build_problem_response(FirstStepError(), scope=scope)


def install(app: FastAPI, sentences: Mapping[FaultCode, str] | None = None) -> None:
    """Register exception handlers, so that every exception becomes a problem response.

    `sentences` are the messages for the fault codes of schema validators (`PydanticCustomError`). A code without a
    sentence gets a general message, because Pydantic's message may contain the input.
    """
    app.state.fault_sentences = dict(sentences or {})
    for kind in (FirstStepError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _handle)


def get_preferred_language(accept_language: str) -> str:
    """Return the language that an Accept-Language header (RFC 9110, 12.5.4) prefers: `km` or `en`, by default `en`."""
    best, best_weight = "en", 0.0
    for choice in accept_language[:500].split(","):
        tag, _, parameter = choice.partition(";")
        language = tag.strip().lower().partition("-")[0].replace("*", "en")
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


async def _handle(request: Request, error: Exception) -> Response:
    return build_error_response(error, request.scope)


def _build_http_response(error: HTTPException, scope: Scope) -> Response:
    """Return the response for an exception of Starlette or FastAPI. Its message is dropped: it may contain input."""
    headers_by_name = {name.lower(): value for name, value in (error.headers or {}).items()}
    headers: dict[str, str] = {
        name: headers_by_name[name] for name in _PASSED_HEADERS if name in headers_by_name
    }
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = _allowed_methods(scope) or headers.get("allow", "")
    if error.status_code < HTTPStatus.BAD_REQUEST or error.status_code in _BODYLESS:
        return Response(status_code=error.status_code, headers=headers_by_name)
    if kind := _BY_STATUS.get(error.status_code):
        return build_problem_response(kind(), scope=scope, headers=headers)
    return _blank_problem(error.status_code, scope, headers)


def _blank_problem(status: int, scope: Scope, headers: Mapping[str, str]) -> Response:
    """Return the problem of type `about:blank` (RFC 9457), for a status without a problem class."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown error"
    return _response({**_members("about:blank", phrase, status, scope), "detail": phrase}, "en", headers)


def _allowed_methods(scope: Scope) -> str:
    """Return all methods of the path. Starlette returns only those of the first matching route."""
    methods: set[str] = set()
    for route in scope["app"].routes if "app" in scope else ():
        if isinstance(route, Route) and route.path_regex.match(scope["path"]):
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _members(kind: str, title: str, status: int, scope: Scope) -> dict[str, Any]:
    path = quote(scope["path"], safe="/:@!$&'()*+,;=~", errors="replace")
    return {
        "type": kind,
        "title": title,
        "status": status,
        "detail": title,
        "instance": path[:MAX_INSTANCE_LENGTH],
        "request_id": scope.get("state", {}).get("request_id"),
    }


def _faults(error: FirstStepError, language: str) -> dict[str, Any]:
    faults = [
        {
            "pointer": fault.pointer,
            "code": fault.code,
            "params": fault.params,
            "detail": translate_detail(fault, language),
        }
        for fault in error.faults
    ]
    if isinstance(error, GateRefused):
        return {"unmet": faults}
    return {"errors": faults} if faults or isinstance(error, InvalidInput | MalformedRequest) else {}


def _existing_record(error: FirstStepError) -> dict[str, Any]:
    return {"id": str(error.record_id)} if isinstance(error, AlreadyExists) and error.record_id else {}


def _error_headers(error: FirstStepError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, AlreadyExists) and error.location is not None:
        headers["location"] = error.location
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return headers


def _response(members: Mapping[str, Any], language: str, headers: Mapping[str, str]) -> Response:
    defaults = {"cache-control": "no-store", "content-language": language, "vary": "Accept-Language"}
    content = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, members["status"], {**defaults, **headers}, media_type=MEDIA_TYPE)


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
