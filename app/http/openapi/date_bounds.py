"""Adds the bounds of dates to the descriptions of fields and parameters."""

from collections.abc import Iterator
from typing import Any


def describe_date_bounds(document: dict[str, Any]) -> None:
    """Append the first and the last day of each bounded date to its description.

    The keywords of `app.schemas.dates` are inside the alternatives of an optional field, where readers miss them.
    """
    for holder, schema in _iter_described(document):
        bounds = _find_bounds(schema)
        if bounds and "description" in holder:
            holder["description"] = f"{holder['description'].rstrip('.')}. {_build_sentence(bounds)}"


def _iter_described(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each field and parameter with its schema."""
    for schema in document["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            yield field, field
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                yield parameter, parameter.get("schema", {})


def _find_bounds(schema: dict[str, Any]) -> dict[str, Any] | None:
    options: list[dict[str, Any]] = [schema, *schema.get("anyOf", ())]
    return next((option for option in options if "formatMinimum" in option), None)


def _build_sentence(bounds: dict[str, Any]) -> str:
    latest = bounds.get("formatMaximum") or bounds["x-formatMaximum"]
    return f"Accepted values: {bounds['formatMinimum']} to {latest}."
