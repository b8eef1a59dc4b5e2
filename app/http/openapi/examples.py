"""Build examples of successful responses from the schemas of the OpenAPI document.

The values come from `example_values.json`, by `Schema`, or else by `Schema.field`, or else by field. Enums, ids, dates
and numbers without an entry get a value of their type. A text field without an entry is an error, so that no example
contains a placeholder.
"""

import json
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from app.http.json_body import JSON

_VALUES = Path(__file__).parent / "example_values.json"
_DATE = "2026-03-02"
_DEFAULT_KEY = "sleep"
"""Example key of an object with arbitrary keys, such as the answers to a questionnaire."""
_TIME = "2026-03-02T02:30:00Z"
_TYPES: dict[str, set[type]] = {
    "string": {str}, "integer": {int}, "number": {int, float}, "boolean": {bool}, "null": {type(None)},
}  # fmt: skip
_FORMATS = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "date-time": re.compile(r"\d{4}-\d{2}-\d{2}T.*Z"),
    "uuid": re.compile(r"[0-9a-f-]{36}"),
}


@cache
def load_example_values() -> dict[str, Any]:
    """Return the content of `example_values.json`."""
    values: dict[str, Any] = json.loads(_VALUES.read_bytes())
    return values


def add_response_examples(document: dict[str, Any]) -> None:
    """Add an example to every successful JSON response, as a reference to `components.examples`."""
    schemas = document["components"]["schemas"]
    names: set[str] = set()
    for item in document["paths"].values():
        for operation in item.values():
            success = next(iter(operation["responses"].values()))
            media = success.get("content", {}).get(JSON)
            if media:
                component_names = _component_names(media["schema"])
                names |= component_names
                media["examples"] = {
                    name: {"$ref": f"#/components/examples/{name}"} for name in sorted(component_names)
                }
    document["components"]["examples"] = {
        name: {"summary": _summary(schemas[name], name), "value": ExampleBuilder(schemas).build(name)}
        for name in sorted(names)
    }


def _component_names(schema: dict[str, Any]) -> set[str]:
    alternatives = schema.get("anyOf", schema.get("oneOf", [schema]))
    return {alternative["$ref"].rpartition("/")[2] for alternative in alternatives}


def _summary(schema: dict[str, Any], name: str) -> str:
    return str(schema.get("description") or name).partition("\n")[0]


class ExampleBuilder:
    """Builds an example for a component schema."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def build(self, name: str) -> Any:
        """Return an example of the component schema `name`."""
        schema = self._schemas[name]
        if name in load_example_values():
            return load_example_values()[name]
        if "properties" not in schema:
            return self._value(schema, name, name)
        return {field: self._field(name, field, inner) for field, inner in schema["properties"].items()}

    def _field(self, owner: str, field: str, schema: dict[str, Any]) -> Any:
        """Return the value from the file if it has the type of the field, or else a value of that type."""
        values = load_example_values()
        is_list = schema.get("type") == "array"
        for key in (f"{owner}.{field}", field):
            if key in values and self._fits(values[key], schema["items"] if is_list else schema):
                return [values[key]] if is_list else values[key]
        return self._value(schema, owner, field)

    def _value(self, schema: dict[str, Any], owner: str, field: str) -> Any:
        if "$ref" in schema:
            return self.build(schema["$ref"].rpartition("/")[2])
        for alternatives in ("anyOf", "oneOf"):
            if alternatives in schema:
                return self._field(owner, field, schema[alternatives][0])
        if schema.get("type") == "object":
            return self._object(schema, owner, field)
        if schema.get("type") == "array":
            return [self._field(owner, field, schema["items"])] * schema.get("minItems", 1)
        return _scalar(schema, owner, field)

    def _object(self, schema: dict[str, Any], owner: str, field: str) -> Any:
        if "properties" in schema:
            return {name: self._field(owner, name, inner) for name, inner in schema["properties"].items()}
        values = schema.get("additionalProperties")
        if not isinstance(values, dict):
            return {}
        keys = schema.get("propertyNames", {})
        key = _DEFAULT_KEY if "pattern" in keys or not keys else self._value(keys, owner, field)
        return {key: self._field(owner, field, values)}

    def _fits(self, value: Any, schema: dict[str, Any]) -> bool:
        """Return whether a value from the file has the type that `schema` requires."""
        if "$ref" in schema:
            return self._fits(value, self._schemas[schema["$ref"].rpartition("/")[2]])
        for alternatives in ("anyOf", "oneOf"):
            if alternatives in schema:
                return any(self._fits(value, alternative) for alternative in schema[alternatives])
        if "enum" in schema:
            return value in schema["enum"]
        if "type" not in schema and "const" not in schema:  # any value
            return True
        kind = _TYPES.get(schema.get("type", ""))
        pattern = _FORMATS.get(schema.get("format", ""))
        return (
            kind is not None and type(value) in kind and (pattern is None or bool(pattern.fullmatch(value)))
        )


def _scalar(schema: dict[str, Any], owner: str, field: str) -> Any:
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if schema.get("type") in {"integer", "number"}:
        return schema.get("minimum", 1)
    return False if schema.get("type") == "boolean" else _text(schema, owner, field)


def _text(schema: dict[str, Any], owner: str, field: str) -> str:
    match schema.get("format"):
        case "uuid":
            return _uuid(owner, field)
        case "date":
            return _DATE
        case "date-time":
            return _TIME
    raise LookupError(f"example_values.json has no value for {owner}.{field}")


def _uuid(owner: str, field: str) -> str:
    """Return an example id: the same for `Case.id`, `CaseSummary.id` and every `case_id`."""
    if field == "id":
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", owner).lower().removesuffix("_summary")
        field = f"{name}_id"
    return example_id(field)


def example_id(field: str) -> str:
    """Return the example id of a field or path parameter such as `case_id`."""
    return str(UUID(bytes=sha256(field.encode()).digest()[:16], version=4))
