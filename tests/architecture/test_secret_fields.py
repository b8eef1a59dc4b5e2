"""Every field of a response that contains a secret is marked, so that it is neither stored nor repeated.

Each test names a fault that makes it fail.
"""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.http.openapi.operations import Operation, list_operations
from app.schemas.shown_once import SECRET_EXTENSION

SECRET_NAME = re.compile(
    r"(^|_)(password|passphrase|secret|token|credential|private_key|provisioning_uri|recovery_code|otp|pin"
    r"|(enrol|enrolment|activation|reset|one_time|login)_(code|key|link|url))s?$"
)
SECRET_DESCRIPTION = re.compile(
    r"shown (only )?once|only in this response|returned once|not (be )?shown again|null in a repeated response",
    re.IGNORECASE,
)
"""A secret is found by the name of its field, or by a description which states that it is not repeated."""
NOT_SECRET = {"ApiClient.secrets", "ApiClientWithSecret.secrets"}
"""Fields with the name of a secret and without one: these contain the id and the time of each secret."""


def list_properties(
    schemas: dict[str, Any], node: Any, owner: str, *, is_top: bool = True
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield `Schema.field`, its schema, and whether it is a field of the response itself, for all fields below a node."""
    if isinstance(node, list):
        for item in node:
            yield from list_properties(schemas, item, owner, is_top=is_top)
        return
    if not isinstance(node, dict):
        return
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        yield from list_properties(schemas, schemas[name], name, is_top=is_top)
    for alternatives in ("anyOf", "oneOf", "allOf"):
        yield from list_properties(schemas, node.get(alternatives, []), owner, is_top=is_top)
    for field, inner in node.get("properties", {}).items():
        yield f"{owner}.{field}", inner, is_top
        yield from list_properties(schemas, inner, owner, is_top=False)
    yield from list_properties(schemas, node.get("items"), owner, is_top=False)
    yield from list_properties(schemas, node.get("additionalProperties"), owner, is_top=False)


def list_response_fields(app: FastAPI) -> Iterator[tuple[Operation, str, dict[str, Any], bool]]:
    """Yield every field of every successful JSON response."""
    document = app.openapi()
    for operation in list_operations(app):
        described = document["paths"][operation.path][operation.method.lower()]
        success = next(iter(described["responses"].values()))
        for media in success.get("content", {}).values():
            for field in list_properties(
                document["components"]["schemas"], media.get("schema"), operation.id
            ):
                yield operation, *field


def is_nullable(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


def test_secrets_in_responses_are_marked(app: FastAPI) -> None:
    # Catches: `initial_password` is `str | None` without `ShownOnce`; a field `backup_secret` in a list of a response.
    fields = list(list_response_fields(app))
    unmarked = {
        name
        for _, name, schema, _ in fields
        if SECRET_EXTENSION not in schema
        and (
            SECRET_NAME.search(name.partition(".")[2])
            or SECRET_DESCRIPTION.search(schema.get("description", ""))
        )
    }
    assert unmarked - NOT_SECRET == set()
    assert len({name for _, name, schema, _ in fields if SECRET_EXTENSION in schema}) >= 8


def test_stored_responses_can_omit_their_secrets(app: FastAPI) -> None:
    # Catches: `recovery_codes` is not nullable; an operation with a guard returns UserAccessToken.
    marked = [field for field in list_response_fields(app) if SECRET_EXTENSION in field[2]]
    for operation, name, schema, is_top in marked:
        assert is_top, f"{name} is not a field of the response itself, so `remove_secrets` does not find it"
        if operation.guard is None:
            assert schema[SECRET_EXTENSION] == "token", (
                f"{operation.id} returns {name} without authentication"
            )
        else:
            assert (schema[SECRET_EXTENSION], is_nullable(schema)) == ("shown-once", True), name
