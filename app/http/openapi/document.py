"""The OpenAPI document: what FastAPI derives, and what every operation shares that it cannot know."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.http.json_body import JSON, MERGE_PATCH
from app.http.openapi import descriptions as openapi_words
from app.http.openapi import problems as openapi_problems
from app.http.openapi import responses as openapi_successes
from app.http.openapi.operations import Operation, operations_of
from app.schemas.words import load_examples

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes a retry safe. Required from API clients, optional from people.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+( +[!-~]+)*$"},
}
IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what you hold: 304 where it is current.",
    "schema": {"type": "string", "maxLength": 200},
}
X_REQUESTED_WITH: dict[str, Any] = {
    "name": "X-Requested-With",
    "in": "header",
    "required": False,
    "description": "Any value, where the cookie is sent: no other site's page can send this header.",
    "schema": {"type": "string", "maxLength": 200},
}
_REMOVED = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """Have `app` describe itself as it is; every router must be mounted."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def _document(app: FastAPI) -> dict[str, Any]:
    operations = list(operations_of(app))
    used = {tag for operation in operations for tag in operation.route.tags}
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=openapi_words.DESCRIPTION,
        servers=[{"url": "/"}],
        tags=openapi_words.tags(used),
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    for operation in operations:
        _complete(document["paths"][operation.path][operation.method.lower()], operation, operations)
    _complete_components(document["components"])
    return document


def _complete(told: dict[str, Any], operation: Operation, everything: list[Operation]) -> None:
    told["operationId"] = operation.id
    told.setdefault("security", [])
    openapi_words.explain(operation, told)
    told["responses"].pop("422", None)
    openapi_successes.complete(operation, told, everything)
    told["responses"] = dict(sorted((told["responses"] | openapi_problems.refusals(operation)).items()))
    _complete_parameters(told, operation)
    _complete_body(told, operation)
    _title_choices(told["responses"], operation)


def _complete_parameters(told: dict[str, Any], operation: Operation) -> None:
    parameters: list[dict[str, Any]] = told.get("parameters", [])
    for parameter in parameters:
        _complete_parameter(parameter, operation)
    if operation.method == "POST" and operation.door is not None:
        parameters.append(IDEMPOTENCY_KEY)
    if operation.is_cacheable:
        parameters.append(IF_NONE_MATCH)
    if operation.asks_script and not operation.always_asks_script:
        parameters.append(X_REQUESTED_WITH)
    if parameters:
        told["parameters"] = parameters


def _complete_parameter(parameter: dict[str, Any], operation: Operation) -> None:
    schema = parameter["schema"]
    if parameter["in"] == "header":
        parameter["name"] = "-".join(part.capitalize() for part in parameter["name"].split("-"))
    schema.pop("title", None)
    explained = {"description": parameter.get("description") or schema.get("description"), **schema}
    openapi_words.explain_field("PageQuery", parameter["name"], explained)
    parameter["description"] = explained.get("description") or parameter["name"]
    schema.pop("description", None)
    required = {"If-Match": operation.always_asks_version, "X-Requested-With": operation.always_asks_script}
    if required.get(parameter["name"]):
        parameter["required"] = True
        parameter["schema"] = {"type": "string", "maxLength": 200}


def _complete_body(told: dict[str, Any], operation: Operation) -> None:
    """Add the examples; a merge patch may be called what it is."""
    if "requestBody" not in told:
        return
    content = told["requestBody"]["content"]
    for media in content.values():
        media["schema"].pop("title", None)
        found = load_examples().get(_name_of(media["schema"]) or operation.id)
        if found:
            media["examples"] = found
    if operation.method == "PATCH":
        content[MERGE_PATCH] = content[JSON]


def _name_of(schema: dict[str, Any]) -> str | None:
    """Return the component that a schema is, or is if it is not null."""
    for option in (schema, *schema.get("anyOf", ())):
        if "$ref" in option:
            return str(option["$ref"].rpartition("/")[2])
    return None


def _title_choices(responses: dict[str, Any], operation: Operation) -> None:
    """Name what is one thing for some readers and another for others."""
    names = [model.__name__ for model in operation.models if isinstance(model, type)]
    for response in responses.values():
        schema = response.get("content", {}).get(JSON, {}).get("schema", {})
        if "anyOf" in schema:
            schema["title"] = " or ".join(names)
            schema["description"] = "Staff read the first, a partner's system the second."


def _complete_components(components: dict[str, Any]) -> None:
    for name in _REMOVED:
        components["schemas"].pop(name, None)
    openapi_words.explain_schemas(components["schemas"])
    components["schemas"] = dict(sorted((components["schemas"] | openapi_problems.SCHEMAS).items()))
    components["responses"] = openapi_problems.components()
    components["headers"] = openapi_successes.HEADERS
