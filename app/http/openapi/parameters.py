"""Header parameters that several operations share, declared once in the OpenAPI document."""

from typing import Any

from app.http.openapi.operations import Operation

PARAMETERS: dict[str, Any] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": (
            "ETag of the record, as last received. The response is 428 if it is missing, and 412 if the record has changed "
            "in the meantime."
        ),
        "schema": {"type": "string", "maxLength": 200},
        "example": '"3"',
    },
    "IfMatchIfExists": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": (
            "The ETag of the version that the caller read, omitted to create the record. 428 if the record exists and the "
            "header is missing, 412 if the record has changed in the meantime."
        ),
        "schema": {"type": "string", "maxLength": 200},
        "example": '"3"',
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "Unique key of the request, for safe retries. Required for API clients, optional for people."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+( +[!-~]+)*$"},
        "example": "3f0c1c4e-9f0b-4b57-8f0e-6f1b7c2d9a10",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "ETag of the copy that the client has. The response is 304 if the copy is current.",
        "schema": {"type": "string", "maxLength": 200},
    },
    "XRequestedWith": {
        "name": "X-Requested-With",
        "in": "header",
        "required": True,
        "description": (
            "Any value. Pages of other sites cannot send this header, so it protects the refresh cookie against "
            "cross-site request forgery. 403 if it is missing."
        ),
        "schema": {"type": "string", "maxLength": 200},
        "example": "XMLHttpRequest",
    },
    "XRequestedWithForCookies": {
        "name": "X-Requested-With",
        "in": "header",
        "required": False,
        "description": (
            "Any value. Required if the request sends the refresh cookie or has no access token: 403 if it is missing. "
            "Pages of other sites cannot send this header, so it protects the refresh cookie against cross-site request "
            "forgery."
        ),
        "schema": {"type": "string", "maxLength": 200},
        "example": "XMLHttpRequest",
    },
}
"""The shared parameters, by their name in `components.parameters`."""


def shared_parameters(operation: Operation) -> list[dict[str, str]]:
    """Return references to the shared parameters of an operation."""
    names = []
    if operation.takes_if_match:
        names.append("IfMatch" if operation.requires_if_match else "IfMatchIfExists")
    if operation.method == "POST" and operation.guard is not None:
        names.append("IdempotencyKey")
    if operation.is_revalidated:
        names.append("IfNoneMatch")
    if operation.takes_requested_with:
        names.append("XRequestedWith" if operation.requires_requested_with else "XRequestedWithForCookies")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]
