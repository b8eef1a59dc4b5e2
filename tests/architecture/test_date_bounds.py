"""Every date and time that a request can contain has bounds.

Catches: `PlainDate` as the type of `valid_until` of a consent, of the query parameter `from` of the timeline, and of
a day in the path of a statement.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).parent.parent.parent / "openapi" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(CONTRACT.read_text())
DATE_FORMATS = {"date", "date-time"}
NESTED_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
NESTED_SCHEMAS = ("items", "additionalProperties", "propertyNames")
LAST_BOUNDS = {"formatMaximum", "x-formatMaximum"}


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


def iter_request_dates() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of a date in a request body or a parameter."""
    seen: set[str] = set()
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                place = f"{method} {path} {parameter.get('name')}"
                yield from iter_dates(parameter.get("schema"), place, seen)
            for media in operation.get("requestBody", {}).get("content", {}).values():
                yield from iter_dates(media["schema"], f"{method} {path}", seen)


def test_every_date_of_a_request_has_bounds() -> None:
    dates = list(iter_request_dates())
    assert len(dates) > 70
    unbounded = [
        place for place, schema in dates if "formatMinimum" not in schema or not LAST_BOUNDS & {*schema}
    ]
    assert unbounded == []


def test_bounds_of_a_date_are_part_of_its_description() -> None:
    fields = DOCUMENT["components"]["schemas"]["ConsentCreate"]["properties"]
    assert fields["valid_until"]["description"].endswith("From 2000-01-01 to today + 15 years.")
    parameters = DOCUMENT["paths"]["/v1/cases/{case_id}/timeline"]["get"]["parameters"]
    [since] = [parameter for parameter in parameters if parameter.get("name") == "from"]
    assert since["description"].endswith("From 1900-01-01 to 2199-12-31.")
