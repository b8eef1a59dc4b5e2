"""The fields of request bodies that contain ids, from the OpenAPI document."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI

from tests.support.endpoints import Endpoint


@cache
def _load_document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def list_body_id_fields(app: FastAPI, endpoint: Endpoint) -> list[str]:
    """Return the JSON pointers of the fields that contain an id. A `-` stands for the items of an array."""
    document = _load_document(app)
    operation = document["paths"][endpoint.path][endpoint.method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return sorted(set(_walk(document["components"]["schemas"], content.get("schema", {}), "", frozenset())))


def _walk(
    components: dict[str, Any], schema: dict[str, Any], pointer: str, parents: frozenset[str]
) -> Iterator[str]:
    if (name := schema.get("$ref", "").rpartition("/")[2]) and name not in parents:
        yield from _walk(components, components[name], pointer, parents | {name})
    if schema.get("format") == "uuid":
        yield pointer
    for keyword in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(keyword, ()):
            yield from _walk(components, choice, pointer, parents)
    if "items" in schema:
        yield from _walk(components, schema["items"], f"{pointer}/-", parents)
    for field, subschema in schema.get("properties", {}).items():
        yield from _walk(components, subschema, f"{pointer}/{field}", parents)


def set_field(payload: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """Return a copy of a payload with a value at a JSON pointer."""
    return {**payload, **_place(payload, pointer.split("/")[1:], value)}


def _place(target: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if step == "-":
        return [_place(target[0] if target else None, rest, value)]
    fields = target if isinstance(target, dict) else {}
    return {**fields, step: _place(fields.get(step), rest, value)}
