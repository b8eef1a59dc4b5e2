"""Date schemas of the OpenAPI document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).parent.parent.parent / "openapi" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(CONTRACT.read_text())
DATE_FORMATS = {"date", "date-time"}
NESTED_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
NESTED_SCHEMAS = ("items", "additionalProperties", "propertyNames")


def iter_dates(schema: Any, place: str, seen: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every date schema that a schema contains, with the path of its field."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            seen.add(name)
            yield from iter_dates(DOCUMENT["components"]["schemas"].get(name), name, seen)
        return
    if schema.get("format") in DATE_FORMATS:
        yield place, schema
    for name, field in schema.get("properties", {}).items():
        yield from iter_dates(field, f"{place}.{name}", seen)
    for keyword in NESTED_LISTS:
        for option in schema.get(keyword, ()):
            yield from iter_dates(option, place, seen)
    for keyword in NESTED_SCHEMAS:
        yield from iter_dates(schema.get(keyword), place, seen)
