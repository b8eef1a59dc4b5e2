"""What a success carries beside its body: headers, and links to what can be done next."""

from typing import Any

from app.http.openapi.operations import Operation

HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "The id of this request, the caller's own or ours; it stands in the logs too.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
    "ETag": {
        "description": "The version of what is answered: send a record's back as If-Match, to change it.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[^"]+"$'},
    },
    "Location": {
        "description": "Where the new record is read.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'Where the next page is (`rel="next"`); absent on the last one.',
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true`: the request was answered before, this is that answer again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Cache-Control": {"description": "How long caches may keep the answer.", "schema": {"type": "string"}},
    "Set-Cookie": {
        "description": "`__Host-refresh`: the refresh token, or its end.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which another try may succeed.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "RateLimit": {
        "description": "How many requests are left, and for how long.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "How many requests a minute there are.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "How to prove who is asking.", "schema": {"type": "string"}},
}
"""Every response header that the contract speaks of."""

_MEANINGS = {"200": "Done.", "201": "Written down.", "204": "Done; there is nothing to tell."}


def complete(operation: Operation, told: dict[str, Any], everything: list[Operation]) -> None:
    """Complete the success in an operation's responses."""
    (status, success), *_ = told["responses"].items()
    success["description"] = _meaning(operation, status)
    success["headers"] = {name: _reference(name) for name in _headers(operation, status)}
    if next_steps := _links(operation, status, everything):
        success["links"] = next_steps
    if operation.is_cacheable:
        told["responses"]["304"] = {
            "description": "What you hold (If-None-Match) is current.",
            "headers": {name: _reference(name) for name in ("X-Request-Id", "ETag", "Cache-Control")},
        }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}


def _meaning(operation: Operation, status: str) -> str:
    if operation.method == "GET":
        return "Part of the list." if operation.answers_page else "What was asked for."
    return _MEANINGS.get(status, "Done.")


def _headers(operation: Operation, status: str) -> list[str]:
    names = ["X-Request-Id"]
    names += ["ETag"] if operation.answers_record or operation.is_cacheable else []
    names += ["Location"] if status == "201" and operation.collection else []
    names += ["Link"] if operation.answers_page else []
    names += ["Idempotent-Replayed"] if operation.method == "POST" and operation.door else []
    names += ["Cache-Control"] if operation.is_cacheable else []
    names += ["Set-Cookie"] if operation.takes_cookie else []
    return names


def _links(operation: Operation, status: str, everything: list[Operation]) -> dict[str, Any]:
    """Lead from a new record, or one that was read, to everything that can be done to it; from an act to reading."""
    if operation.collection is None:
        return {}
    next_steps = [other for other in everything if other is not operation and _is_about(other, operation)]
    if status != "201" and operation.method != "GET":
        next_steps = [other for other in next_steps if other.method == "GET" and other.answers_record]
    return {other.id: _link(other) for other in next_steps}


def _is_about(other: Operation, operation: Operation) -> bool:
    head, brace, tail = other.path.partition("{")
    return bool(brace) and head == f"/v1/{operation.collection}/" and "{" not in tail


def _link(other: Operation) -> dict[str, Any]:
    name = other.path.partition("{")[2].partition("}")[0]
    version = {"header.If-Match": "$response.header.ETag"} if other.always_asks_version else {}
    return {"operationId": other.id, "parameters": {f"path.{name}": "$response.body#/id", **version}}
