"""The refusals of every operation, told once as components and referred to by status."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from app.errors import FirstStepError
from app.http.json_body import WRITES
from app.http.openapi.docs_pages import problem_kinds
from app.http.openapi.operations import Operation
from app.http.problem_details import MEDIA_TYPE, TYPE_PREFIX

SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "title": "Problem",
        "description": "Why a request did not succeed (RFC 9457). Never holds a value of a record.",
        "required": ["type", "title", "status", "detail", "instance", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "The kind of problem; never changes."},
            "title": {"type": "string", "description": "The kind in words, in the language asked for."},
            "status": {"type": "integer", "description": "The HTTP status.", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What it was this time."},
            "instance": {"type": "string", "description": "The path that was asked for."},
            "request_id": {"type": "string", "description": "The X-Request-Id, to be quoted when asking us."},
            "errors": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/ProblemFault"},
                "description": "What is wrong with the input, place by place.",
            },
            "unmet": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/ProblemFault"},
                "description": "The conditions of a step that are not met yet, one by one.",
            },
        },
    },
    "ProblemFault": {
        "type": "object",
        "title": "ProblemFault",
        "description": "One thing that is wrong.",
        "required": ["pointer", "code", "detail"],
        "additionalProperties": False,
        "properties": {
            "pointer": {
                "type": ["string", "null"],
                "description": "Where in the body (RFC 6901), or `query:limit`, `header:If-Match`.",
            },
            "code": {"type": "string", "description": "The rule, as a stable code."},
            "detail": {"type": "string", "description": "The rule in words."},
        },
    },
}

_HEADERS: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
    504: ("Retry-After",),
}


def statuses(operation: Operation) -> list[int]:
    """Return every status with which an operation may refuse."""
    found = {400, 422, 429, 500, 503, 504}
    if operation.door is not None:
        found |= {401, 403}
        found |= {409} if operation.method != "GET" else set()
        found |= (
            {404} if operation.method == "POST" else set()
        )  # a retry whose first answer is out of sight now
    if operation.names_record:
        found |= {404}
    if operation.method in WRITES:
        found |= {413, 415}
    if operation.asks_version:
        found |= {412, 428}
    return sorted(found | _of_sign_in(operation))


def _of_sign_in(operation: Operation) -> set[int]:
    found: set[int] = {403} if operation.asks_script else set()
    return found | ({401} if operation.takes_cookie else set())


def refusals(operation: Operation) -> dict[str, Any]:
    """Return the refusals of an operation, as references to the components."""
    told: dict[str, Any] = {str(status): _reference(status) for status in statuses(operation)}
    if operation.takes_form:
        for status in ("415", "422"):
            told.pop(status)
        told |= {"400": _oauth("The request"), "401": _oauth("The client's proof")}
    return dict(sorted(told.items()))


def components() -> dict[str, Any]:
    """Return a response for each status with which anything may be refused."""
    return {name: _response(status, kinds) for status, (name, kinds) in _by_status().items()}


def _reference(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_by_status()[status][0]}"}


def _by_status() -> dict[int, tuple[str, list[type[FirstStepError]]]]:
    """Return for each status the component's name, after the first of its kinds, and the kinds."""
    found: dict[int, tuple[str, list[type[FirstStepError]]]] = {}
    for kind in _kinds():
        name = "Failure" if kind is FirstStepError else kind.__name__
        found.setdefault(kind.status, (name, []))[1].append(kind)
    return dict(sorted(found.items()))


def _kinds() -> Iterator[type[FirstStepError]]:
    """Yield the kinds of the family; one that something else adds for itself never reaches a caller."""
    return (kind for kind in problem_kinds() if kind.__module__ == FirstStepError.__module__)


def _response(status: int, kinds: list[type[FirstStepError]]) -> dict[str, Any]:
    meanings = [f"- `{kind.kind}`: {cleandoc(kind.__doc__ or '').partition(chr(10))[0]}" for kind in kinds]
    return {
        "description": "\n".join([f"{kinds[0].titles['en']}.", "", *meanings]),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _names(status)},
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {kind.kind: {"value": _example(kind)} for kind in kinds},
            }
        },
    }


def _names(status: int) -> tuple[str, ...]:
    return ("X-Request-Id", *_HEADERS.get(status, ()))


def _example(kind: type[FirstStepError]) -> dict[str, Any]:
    fault = {"pointer": "/concern/summary", "code": "missing", "detail": "This field is required."}
    unmet = {"pointer": "/lead_worker_id", "code": "lead_worker_missing", "detail": "Name a lead worker."}
    further = {"invalid-input": {"errors": [fault]}, "gate-refused": {"unmet": [unmet]}}
    return {
        "type": TYPE_PREFIX + kind.kind,
        "title": kind.titles["en"],
        "status": kind.status,
        "detail": kind.titles["en"],
        "instance": "/v1/referrals",
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
        **further.get(kind.kind, {}),
    }


def _oauth(what: str) -> dict[str, Any]:
    return {
        "description": f"{what} is refused, as RFC 6749 words it; `problem+json` where it cannot be read at all.",
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/OAuthErrorResponse"}},
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    }
