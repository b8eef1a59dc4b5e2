"""The OpenAPI 3.1 document, told again in 3.0: the packaged Swagger UI (4.15.5) refuses to draw 3.1.

Only for the page at /docs. The contract is the 3.1 document; what 3.0 cannot say is left out here.
"""

from collections.abc import Mapping
from typing import Any, Final

VERSION = "3.0.3"

_NAMED: Final = frozenset({
    *("properties", "schemas", "$defs", "responses", "content", "headers", "parameters", "requestBodies"),
    *("callbacks", "links", "securitySchemes", "paths"),
})  # fmt: skip
"""Members whose keys are names somebody chose, not keywords."""

_VERBATIM: Final = frozenset({"example", "default", "enum", "const", "examples", "mapping", "security"})
"""Members that hold values, not schemas."""

_UNKNOWN_IN_3_0: Final = frozenset({
    *("webhooks", "jsonSchemaDialect", "$schema", "$id", "$comment", "prefixItems", "contains", "propertyNames"),
    *("patternProperties", "unevaluatedProperties", "dependentSchemas", "contentMediaType", "contentEncoding"),
})  # fmt: skip


def retell(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the 3.1 `document` as a 3.0 one."""
    return {**_object(document), "openapi": VERSION}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value


def _object(node: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: _member(key, value) for key, value in node.items() if key not in _UNKNOWN_IN_3_0}
    return _with_single_type(_with_nullable_choice(_with_examples(_with_bounds(told))))


def _member(key: str, value: Any) -> Any:
    if key in _VERBATIM:
        return value
    if key in _NAMED and isinstance(value, Mapping):
        return {name: _value(item) for name, item in value.items()}
    return _value(value)


def _with_bounds(node: dict[str, Any]) -> dict[str, Any]:
    """Tell an exclusive bound as 3.0 does: a bound, and a flag."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        limit = node.get(exclusive)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            node |= {bound: limit, exclusive: True}
    return node


def _with_examples(node: dict[str, Any]) -> dict[str, Any]:
    """Tell a list of examples as the first one, and a constant as a choice of one."""
    if isinstance(node.get("examples"), list):
        examples = node.pop("examples")
        node |= {"example": examples[0]} if examples else {}
    if "const" in node and not isinstance(node["const"], Mapping):
        node["enum"] = [node.pop("const")]
    return node


def _with_nullable_choice(node: dict[str, Any]) -> dict[str, Any]:
    """Tell "this or null" as a nullable this."""
    for choice in ("anyOf", "oneOf"):
        options = node.get(choice)
        if not isinstance(options, list):
            continue
        real = [option for option in options if not _is_null(option)]
        if len(real) == len(options):
            continue
        node["nullable"] = True
        node[choice] = real
        if len(real) == 1:
            del node[choice]
            node |= {"allOf": real} if "$ref" in real[0] else {**real[0], **node}
    return node


def _is_null(option: Any) -> bool:
    return isinstance(option, Mapping) and option.get("type") is None and bool(option.get("nullable"))


def _with_single_type(node: dict[str, Any]) -> dict[str, Any]:
    """Tell `null` among the types as nullable; of several other types 3.0 can tell none."""
    types = node.get("type")
    if types == "null":
        del node["type"]
        node["nullable"] = True
    elif isinstance(types, list):
        real = [name for name in types if name != "null"]
        node |= {"nullable": True} if len(real) < len(types) else {}
        node |= {"type": real[0]} if len(real) == 1 else {}
        if len(real) != 1:
            del node["type"]
    return node
