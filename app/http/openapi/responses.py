"""Successful responses of the OpenAPI document: descriptions, headers, and links to related operations."""

from typing import Any

from app.http.openapi.operations import Operation
from app.http.printed_responses import MISSING_CHARACTERS_HEADER
from app.http.responses import SECRETS_OMITTED_HEADER

HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "Id that the server generated for the request. The logs contain it too.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "X-Correlation-Id": {
        "description": "Id that the client sent as X-Correlation-Id or X-Request-Id, if it is valid.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
    "ETag": {
        "description": "Version of the record, or of the response. To change the record, send it as If-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[^"]+"$'},
    },
    "Location": {
        "description": "Path of the new record.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'Path of the next page (`rel="next"`). Absent on the last page.',
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true` if this is the stored response to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    SECRETS_OMITTED_HEADER: {
        "description": "`true` if this is a repeated response in which the secrets are null, because only the first "
        "response contains them.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    MISSING_CHARACTERS_HEADER: {
        "description": "Number of characters that the file shows as a box, because no font of the server has them.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "Cache-Control": {"description": "How long caches may store the response.", "schema": {"type": "string"}},
    "Set-Cookie": {
        "description": "Sets or deletes the cookie `__Host-refresh`, which contains the refresh token.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before retrying.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit": {
        "description": "Number of requests left, and seconds until the full number is available again.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "Number of requests that are allowed per minute.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "The required authentication scheme.", "schema": {"type": "string"}},
}
"""Every response header of the contract, by its name in `components.headers`."""

_CREATED = ("201", "202")
_DESCRIPTIONS = {
    "200": "The operation succeeded.",
    "201": "The record was created.",
    "202": "The record was created. A job completes it.",
    "204": "No content.",
}


def complete_success(operation: Operation, described: dict[str, Any], operations: list[Operation]) -> None:
    """Complete the successful response of an operation, and add 304 if the response can be revalidated."""
    (status, success), *_ = described["responses"].items()
    success["description"] = _description(operation, status)
    success["headers"] = {name: _reference(name) for name in _headers(operation, status)}
    if links := _links(operation, status, operations):
        success["links"] = links
    if operation.is_revalidated:
        names = ["X-Request-Id", "X-Correlation-Id", "ETag"]
        names += ["Cache-Control"] if operation.is_cacheable else []
        described["responses"]["304"] = {
            "description": "The copy that the client has (If-None-Match) is current.",
            "headers": {name: _reference(name) for name in names},
        }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _description(operation: Operation, status: str) -> str:
    if operation.method == "GET":
        return "A page of the list." if operation.returns_list else "The requested resource."
    return _DESCRIPTIONS[status]


def _headers(operation: Operation, status: str) -> list[str]:
    names = ["X-Request-Id", "X-Correlation-Id"]
    names += ["ETag"] if operation.returns_record or operation.is_revalidated else []
    names += ["Location"] if status in _CREATED and operation.collection else []
    names += ["Link"] if operation.returns_list else []
    names += ["Idempotent-Replayed"] if operation.method == "POST" and operation.guard else []
    names += [SECRETS_OMITTED_HEADER] if operation.guard and operation.returns_secrets else []
    names += [MISSING_CHARACTERS_HEADER] if operation.returns_printed_file else []
    names += ["Cache-Control"] if operation.is_cacheable else []
    names += ["Set-Cookie"] if operation.takes_cookie else []
    return names


def _links(operation: Operation, status: str, operations: list[Operation]) -> dict[str, Any]:
    """Return links to the operations on the returned record. The response to an act has only the link to read it."""
    if operation.collection is None:
        return {}
    targets = [other for other in operations if other is not operation and _is_link_target(other, operation)]
    if status not in _CREATED and operation.method != "GET":
        targets = [target for target in targets if target.method == "GET" and target.returns_record]
    return {target.id: _link(target) for target in targets}


def _is_link_target(target: Operation, operation: Operation) -> bool:
    """Return whether the response of `operation` contains the values for the parameters of `target`.

    These are the id, and the ETag if `target` needs one.
    """
    head, brace, tail = target.path.partition("{")
    if not brace or head != f"/v1/{operation.collection}/" or "{" in tail:
        return False
    return not target.requires_if_match or target.collection == operation.collection


def _link(target: Operation) -> dict[str, Any]:
    name = target.path.partition("{")[2].partition("}")[0]
    version = {"header.If-Match": "$response.header.ETag"} if target.requires_if_match else {}
    return {"operationId": target.id, "parameters": {f"path.{name}": "$response.body#/id", **version}}
