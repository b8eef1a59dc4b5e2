"""Error responses of the OpenAPI document: the schemas of problems, and the response components."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from inspect import cleandoc
from typing import Any

from app.errors import (
    AlreadyExists,
    CrossSiteRequest,
    FirstStepError,
    Forbidden,
    GateRefused,
    IdempotencyKeyReused,
    InvalidInput,
    RequestInProgress,
    StepUpRequired,
)
from app.fault_codes import FAULT_CODES
from app.http.json_body import WRITES
from app.http.openapi.docs_pages import list_problem_classes
from app.http.openapi.operations import Operation
from app.http.openapi.problem_examples import (
    DEFAULT_VALIDATION_ERROR,
    UNMET_CONDITIONS,
    VALIDATION_ERRORS,
)
from app.http.problem_details import MEDIA_TYPE, TYPE_PREFIX

SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "title": "Problem",
        "description": "An error (RFC 9457). Contains no value of a record.",
        "required": ["type", "title", "status", "detail", "instance", "request_id"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri",
                "description": "URI that identifies the problem type. It never changes.",
            },
            "title": {"type": "string", "description": "The problem type in the language of the request."},
            "status": {"type": "integer", "description": "The HTTP status.", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "Explanation of this error, in English."},
            "instance": {"type": "string", "description": "Path of the request."},
            "request_id": {
                "type": "string",
                "description": "X-Request-Id of the request. Include it when you ask for support.",
            },
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "Only of `already-exists`: id of the existing record, if the caller can see it. `Location` is its "
                "path, if it has one.",
            },
            "errors": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/ProblemFault"},
                "description": "One item for each invalid field or parameter.",
            },
            "unmet": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/ProblemFault"},
                "description": "Every unmet condition of the act.",
            },
        },
    },
    "FaultCode": {"type": "string", "enum": [*FAULT_CODES]},
    "ProblemFault": {
        "type": "object",
        "title": "ProblemFault",
        "description": "One invalid field, or one unmet condition.",
        "required": ["pointer", "code", "params", "detail"],
        "additionalProperties": False,
        "properties": {
            "pointer": {
                "type": ["string", "null"],
                "description": "JSON pointer into the body (RFC 6901), or a parameter, such as `query:limit` or `header:If-Match`.",
            },
            "code": {
                "$ref": "#/components/schemas/FaultCode",
                "description": "Code of the violated rule. It never changes.",
            },
            "params": {
                "type": "object",
                "description": "Values of the violated rule, such as `max_length`. `allowed` lists the permitted values, or "
                "the permitted names of an unknown parameter.",
                "additionalProperties": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "number"},
                        {"type": "array", "items": {"type": "string"}},
                    ]
                },
            },
            "detail": {
                "type": "string",
                "description": "Explanation of the violated rule. It is in the language of the request for errors of query "
                "parameters, otherwise in English.",
            },
        },
    },
}

_HEADERS: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
    504: ("Retry-After",),
}

GATED_READS = frozenset({"/v1/referrals/{referral_id}/matches"})
"""Paths of the GET operations that can be refused because of an unmet condition."""


def error_statuses(operation: Operation) -> set[int]:
    """Return the error statuses of an operation, derived from its guard, method, path and parameters."""
    statuses = {400, 422, 429, 500, 503, 504}
    if operation.guard is not None:
        statuses |= {401, 403}
        statuses |= {409} if operation.method != "GET" or operation.path in GATED_READS else set()
        # A retry gets 404 if the caller has lost the access to the record of the stored response.
        statuses |= {404} if operation.method == "POST" else set()
    if operation.has_path_parameters:
        statuses |= {404}
    if operation.method in WRITES:
        statuses |= {413, 415}
    if operation.takes_if_match:
        statuses |= {412, 428}
    if operation.takes_requested_with:
        statuses |= {403}
    if operation.takes_cookie:
        statuses |= {401}
    return statuses - {415, 422} if operation.takes_form else statuses


def problem_types(operation: Operation) -> list[str]:
    """Return the problem types of an operation, for `x-problems`."""
    statuses = error_statuses(operation)
    is_guarded = operation.guard is not None
    takes_idempotency_key = is_guarded and operation.method == "POST"
    conditions = {
        Forbidden: is_guarded,
        StepUpRequired: is_guarded,
        CrossSiteRequest: operation.takes_requested_with,
        AlreadyExists: operation.method in WRITES,
        RequestInProgress: takes_idempotency_key,
        IdempotencyKeyReused: takes_idempotency_key,
    }
    return [
        kind.kind
        for kind in _list_public_problem_classes()
        if kind.status in statuses and conditions.get(kind, True)
    ]


def error_responses(operation: Operation) -> dict[str, Any]:
    """Return the error responses of an operation by status, as references to components."""
    responses: dict[str, Any] = {
        str(status): {"$ref": f"#/components/responses/{_component_name(status, operation)}"}
        for status in error_statuses(operation)
    }
    if operation.takes_form:
        responses |= {
            "400": _oauth_error(operation, 400, "The request is invalid", "invalid_request"),
            "401": _oauth_error(operation, 401, "The client could not be authenticated", "invalid_client"),
        }
    return dict(sorted(responses.items()))


def components(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the error responses by component name: one for each status, and for some statuses one for each tag."""
    classes = _group_problem_classes_by_status()
    components_by_name: dict[str, Any] = {}
    for operation in operations:
        for status in error_statuses(operation):
            name = _component_name(status, operation)
            if name not in components_by_name:
                components_by_name[name] = _response(
                    status, classes[status][1], _examples_tag(status, operation)
                )
    return dict(sorted(components_by_name.items()))


def _component_name(status: int, operation: Operation) -> str:
    tag = _examples_tag(status, operation) or ""
    return tag.title().replace("-", "") + _group_problem_classes_by_status()[status][0]


def _examples_tag(status: int, operation: Operation) -> str | None:
    """Return the tag of an operation if the error response has examples for that tag."""
    return operation.tag if status in {404, 409, 422} and operation.tag in VALIDATION_ERRORS else None


def _group_problem_classes_by_status() -> dict[int, tuple[str, list[type[FirstStepError]]]]:
    """Return the name of the response component and the problem classes of each status."""
    classes_by_status: dict[int, tuple[str, list[type[FirstStepError]]]] = {}
    for kind in _list_public_problem_classes():
        name = "Failure" if kind is FirstStepError else kind.__name__
        classes_by_status.setdefault(kind.status, (name, []))[1].append(kind)
    return dict(sorted(classes_by_status.items()))


def _list_public_problem_classes() -> Iterator[type[FirstStepError]]:
    """Yield the problem classes of `app.errors`. Classes of other modules are internal and never sent to a caller."""
    return (kind for kind in list_problem_classes() if kind.__module__ == FirstStepError.__module__)


def _response(status: int, kinds: list[type[FirstStepError]], tag: str | None) -> dict[str, Any]:
    meanings = [f"- `{kind.kind}`: {cleandoc(kind.__doc__ or '').partition(chr(10))[0]}" for kind in kinds]
    examples = {kind.kind: {"value": _example(kind, tag)} for kind in kinds if _has_example(kind, tag)}
    return {
        "description": "\n".join([f"{kinds[0].titles['en']}.", "", *meanings]),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _header_names(status)},
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
    }


def _header_names(status: int) -> tuple[str, ...]:
    return ("X-Request-Id", "X-Correlation-Id", *_HEADERS.get(status, ()))


def _has_example(kind: type[FirstStepError], tag: str | None) -> bool:
    return kind is not GateRefused or tag in UNMET_CONDITIONS


def _example(kind: type[FirstStepError], tag: str | None) -> dict[str, Any]:
    validation_error = VALIDATION_ERRORS.get(tag or "", DEFAULT_VALIDATION_ERROR)
    if kind is InvalidInput:
        return _problem(kind, validation_error.instance) | {"errors": [asdict(validation_error.fault)]}
    unmet_condition = UNMET_CONDITIONS.get(tag or "")
    if kind is GateRefused and unmet_condition is not None:
        return _problem(kind, unmet_condition.instance) | {"unmet": [asdict(unmet_condition.fault)]}
    return _problem(kind, (unmet_condition or validation_error).instance)


def _problem(kind: type[FirstStepError], instance: str) -> dict[str, Any]:
    return {
        "type": TYPE_PREFIX + kind.kind,
        "title": kind.titles["en"],
        "status": kind.status,
        "detail": kind.titles["en"],
        "instance": instance,
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
    }


def _oauth_error(operation: Operation, status: int, meaning: str, code: str) -> dict[str, Any]:
    example = {"error": code, "error_description": f"{meaning}."}
    kinds = _group_problem_classes_by_status()[status][1]
    return {
        "description": f"{meaning} (RFC 6749). `problem+json` if the request could not be read at all.",
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/OAuthErrorResponse"},
                "examples": {code: {"value": example}},
            },
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {kind.kind: {"value": _problem(kind, operation.path)} for kind in kinds},
            },
        },
    }
