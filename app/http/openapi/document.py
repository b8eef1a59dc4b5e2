"""Build the OpenAPI document: FastAPI's document, completed with the parts that its routes do not declare."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.access.permissions import Permission
from app.http.json_body import JSON
from app.http.openapi import descriptions, problems, responses
from app.http.openapi.date_bounds import describe_date_bounds
from app.http.openapi.examples import add_response_examples
from app.http.openapi.operations import Operation, list_operations
from app.http.openapi.parameters import PARAMETERS, shared_parameters
from app.http.openapi.security import SECURITY_SCHEMES, get_security_schemes
from app.schemas.documentation import PATH_PARAMETER_DESCRIPTIONS, load_examples

_REPLACED_SCHEMAS = ("HTTPValidationError", "ValidationError")
"""Schemas of FastAPI's own error responses, which this API does not return."""


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` return the completed document. Call this after all routers are included."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI documents this way of extending the document


def _document(app: FastAPI) -> dict[str, Any]:
    operations = list(list_operations(app))
    used_tags = {tag for operation in operations for tag in operation.route.tags}
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=descriptions.DESCRIPTION,
        servers=[{"url": "/"}],
        tags=descriptions.tags(used_tags),
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    for operation in operations:
        _complete(document["paths"][operation.path][operation.method.lower()], operation, operations)
    _complete_components(document["components"], operations)
    describe_date_bounds(document)
    add_response_examples(document)
    return document


def _complete(described: dict[str, Any], operation: Operation, operations: list[Operation]) -> None:
    described["security"] = get_security_schemes(operation)
    descriptions.add_permission(operation, described)
    described["x-problems"] = problems.problem_types(operation)
    described["responses"].pop("422", None)
    responses.complete_success(operation, described, operations)
    described["responses"] = dict(
        sorted((described["responses"] | problems.error_responses(operation)).items())
    )
    _complete_parameters(described, operation)
    _complete_body(described, operation)
    _title_alternatives(described["responses"], operation)


def _complete_parameters(described: dict[str, Any], operation: Operation) -> None:
    for parameter in described.get("parameters", []):
        _complete_parameter(parameter)
    if shared := shared_parameters(operation):
        described["parameters"] = [*described.get("parameters", []), *shared]


def _complete_parameter(parameter: dict[str, Any]) -> None:
    schema = parameter["schema"] = _remove_null(parameter["schema"])
    schema.pop("title", None)
    parameter["description"] = (
        parameter.get("description")
        or schema.get("description")
        or PATH_PARAMETER_DESCRIPTIONS.get(parameter["name"])
        or parameter["name"]
    )
    schema.pop("description", None)
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}


def _remove_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove the alternative `null` of an optional parameter. A URL or header cannot contain it."""
    options: list[dict[str, Any]] = [
        option for option in schema.get("anyOf", ()) if option != {"type": "null"}
    ]
    if len(options) != 1:
        return schema
    return {key: value for key, value in schema.items() if key != "anyOf"} | options[0]


def _complete_body(described: dict[str, Any], operation: Operation) -> None:
    """Add the examples of the request body."""
    if "requestBody" not in described:
        return
    content = described["requestBody"]["content"]
    for media in content.values():
        media["schema"].pop("title", None)
        body_examples = load_examples().get(_component_of(media["schema"]) or operation.id)
        if body_examples:
            media["examples"] = body_examples


def _component_of(schema: dict[str, Any]) -> str | None:
    """Return the name of the component that a schema refers to, even if the schema permits null."""
    for option in (schema, *schema.get("anyOf", ())):
        if "$ref" in option:
            return str(option["$ref"].rpartition("/")[2])
    return None


def _title_alternatives(described: dict[str, Any], operation: Operation) -> None:
    """Describe a response that has one schema for staff and another for API clients."""
    names = [model.__name__ for model in operation.models if isinstance(model, type)]
    for response in described.values():
        schema = response.get("content", {}).get(JSON, {}).get("schema", {})
        if "oneOf" in schema:
            schema["title"] = " or ".join(names)
            schema["description"] = (
                "Staff receive the first schema, API clients the second; `view` is the discriminator."
            )


def _complete_components(components: dict[str, Any], operations: list[Operation]) -> None:
    for name in _REPLACED_SCHEMAS:
        components["schemas"].pop(name, None)
    _remove_field_titles(components["schemas"])
    _declare_value_types(components["schemas"])
    _add_permission_enum(components["schemas"])
    components["schemas"] = dict(sorted((components["schemas"] | problems.SCHEMAS).items()))
    components["responses"] = problems.components(operations)
    components["parameters"] = PARAMETERS
    components["headers"] = responses.HEADERS
    components["securitySchemes"] = SECURITY_SCHEMES


def _remove_field_titles(schemas: dict[str, Any]) -> None:
    """Remove the generated title of each field, which only repeats the name of the field."""
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            field.pop("title", None)


def _declare_value_types(node: Any) -> None:
    """Replace `patternProperties` with `propertyNames` and `additionalProperties` in all schemas below a node.

    Pydantic uses `patternProperties` to describe a mapping whose keys must match a pattern. Client generators ignore
    that keyword, so that the values have no type. The replacement also states that other keys are rejected.
    """
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        _declare_value_types(child)
    if isinstance(node, dict) and isinstance(node.get("patternProperties"), dict):
        [(pattern, values)] = node.pop("patternProperties").items()
        node |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}


def _add_permission_enum(schemas: dict[str, Any]) -> None:
    """Make the permissions of the caller an enum. Schemas cannot import `Permission`, which is in a higher layer."""
    schemas["Permission"] = {"type": "string", "enum": [permission.value for permission in Permission]}
    schemas["Me"]["properties"]["permissions"]["items"] = {"$ref": "#/components/schemas/Permission"}
