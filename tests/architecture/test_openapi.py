"""The OpenAPI document is current and complete, and follows the rules of `openapi/spectral.yaml`.

Each test names a fault that makes it fail.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from app.access.permissions import Permission, Role
from app.access.roles import ROLE_BY_SCOPE
from app.http.authorization import RequirePermission
from app.http.openapi.docs_pages import list_problem_classes
from app.http.openapi.examples import load_example_values
from app.http.openapi.operations import list_operations
from app.schemas.documentation import load_examples
from tests.support.endpoints import list_endpoints

ROOT = Path(__file__).parent.parent.parent
CONTRACT = ROOT / "openapi" / "openapi.json"
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PATH = re.compile(
    r"(/(\.well-known|[a-z][a-z0-9]*(-[a-z0-9]+)*(\.json)?|\{[a-z]+(_[a-z]+)*\})(\.(svg|pdf|ics|xlsx))?)+"
)
JSON = "application/json"
PROBLEM = "application/problem+json"
SPECTRAL_RULES = {
    "operation-id-snake-case", "operation-described", "operation-security-defined", "properties-snake-case", "properties-described",
    "parameters-described", "paths-kebab-case", "errors-are-problems", "errors-declared", "request-bodies-have-examples",
}  # fmt: skip
"""The rules of `spectral.yaml`; each test below names the rules that it checks."""

TAGS_WITHOUT_FAULTS = {"api-client-authentication", "health"}
"""Tags with the problem examples of the reference data, because their operations have no parameters to validate."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    contract: dict[str, Any] = json.loads(CONTRACT.read_text())
    return contract


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return a node, or the component that it refers to."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def parameters_of(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [resolved(document, parameter) for parameter in operation.get("parameters", [])]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_committed_document_is_current_and_reproducible() -> None:
    # Catches: a letter changed in openapi.json; `x-roles` built from a set of strings.
    environment = {**os.environ, "PYTHONHASHSEED": "20261122", "FIRSTSTEP_MODE": "production"}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "openapi", "--check"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_spectral_rule_is_checked_here() -> None:
    # Catches: a rule added to spectral.yaml only.
    rules = (ROOT / "openapi" / "spectral.yaml").read_text().partition("\nrules:\n")[2]
    assert set(re.findall(r"^  ([a-z-]+):$", rules, re.MULTILINE)) == SPECTRAL_RULES


def test_the_document_contains_every_endpoint_and_no_other(app: FastAPI, document: dict[str, Any]) -> None:
    # Catches: `include_in_schema=False` at GET /v1/people/{person_id}.
    assert document["openapi"].startswith("3.1")
    assert {name for name, _ in operations(document)} == {str(endpoint) for endpoint in list_endpoints(app)}


def test_every_operation_has_an_id_a_summary_and_a_description(document: dict[str, Any]) -> None:
    # operation-id-snake-case, operation-described, paths-kebab-case.
    # Catches: FastAPI's default ids; a first docstring line of 130 characters; a path /v1/break_glass.
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) >= 154
    for name, operation in operations(document):
        assert SNAKE_CASE.fullmatch(operation["operationId"]), name
        assert "_" in operation["operationId"], name
        assert 10 <= len(operation["summary"]) <= 120, name
        assert operation["description"], name
    assert [path for path in document["paths"] if not PATH.fullmatch(path)] == []


def test_every_operation_has_a_description_besides_its_summary(app: FastAPI) -> None:
    # Catches: the description of GET /healthz removed.
    lacking = {
        str(endpoint) for endpoint in list_endpoints(app) if "\n" not in endpoint.function.__doc__.strip()
    }
    assert sorted(lacking) == []


def test_the_operation_id_is_the_name_of_the_endpoint_function(
    app: FastAPI, document: dict[str, Any]
) -> None:
    # Catches: `operation_id="people_list"` at GET /v1/cases/{case_id}/people.
    names = {str(endpoint): endpoint.function.__name__ for endpoint in list_endpoints(app)}
    assert {name: operation["operationId"] for name, operation in operations(document)} == names


def test_every_operation_id_is_a_verb_and_a_noun(app: FastAPI) -> None:
    # Catches: `break_glass`, `cases_close`, `get_cases` for the list, `change_case` at the PATCH.
    acts_with_another_verb = {
        "break-glass": "open", "clinical-handover": "hand_over", "handover": "hand_over", "login": "sign_in", "logout": "sign_out", "password": "change", "series": "create", "totp": "enrol",
    }  # fmt: skip
    for operation in list_operations(app):
        last = operation.path.rpartition("/")[2]
        verbs = {
            "GET": {"list"} if operation.returns_list else {"get", "download"},
            "PATCH": {"update"},
            "PUT": {"replace"},
            "DELETE": {"delete"},
            "POST": {acts_with_another_verb[last]}
            if last in acts_with_another_verb
            else {"create", last.partition("-")[0]},
        }[operation.method]
        assert any(re.fullmatch(f"{verb}(_[a-z0-9]+)+", operation.id) for verb in verbs), operation.id


def test_every_tag_has_a_description(document: dict[str, Any]) -> None:
    # Catches: a tag `circle` at the router of people.
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])


def test_every_operation_lists_its_security_schemes_permission_and_roles(
    app: FastAPI, document: dict[str, Any]
) -> None:
    # operation-security-defined. Catches: `security` omitted if empty; `oauth2` listed for POST /v1/users.
    guards = {str(endpoint): endpoint.guards[0] for endpoint in list_endpoints(app)}
    for name, operation in operations(document):
        if not isinstance(guards[name], RequirePermission):
            assert operation["security"] == [], name
            continue
        assert operation["x-permission"] in set(Permission), name
        roles = {Role(role) for role in operation["x-roles"]}
        assert roles, name
        scopes = [{"oauth2": [scope]} for scope, role in ROLE_BY_SCOPE.items() if role in roles]
        people: list[Any] = [{"bearer": []}] if roles - set(ROLE_BY_SCOPE.values()) else []
        assert operation["security"] == people + scopes, name
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    flow = schemes["oauth2"]["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == set(ROLE_BY_SCOPE)
    assert flow["tokenUrl"] in document["paths"]


def test_fields_and_parameters_have_names_in_snake_case_and_descriptions(document: dict[str, Any]) -> None:
    # properties-snake-case, properties-described, parameters-described.
    # Catches: a field `caseKind`; a field `shoe_size` without a description.
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert SNAKE_CASE.fullmatch(field), f"{name}.{field}"
            assert described.get("description"), f"{name}.{field} has no description"
    for name, operation in operations(document):
        for parameter in parameters_of(document, operation):
            assert parameter["description"] != parameter["name"], f"{name} {parameter['name']}"


def test_no_parameter_is_null_and_arrays_are_separated_by_commas(document: dict[str, Any]) -> None:
    # Catches: the schema of an optional parameter as Pydantic generates it; an array without `explode: false`.
    arrays = 0
    for name, operation in operations(document):
        for parameter in parameters_of(document, operation):
            assert {"type": "null"} not in parameter["schema"].get("anyOf", []), f"{name} {parameter['name']}"
            is_array = parameter["schema"].get("type") == "array"
            is_separated = (parameter.get("style"), parameter.get("explode")) == ("form", False)
            assert is_array == is_separated, f"{name} {parameter['name']}"
            arrays += is_array
    assert arrays >= 2


def test_no_component_is_named_after_an_outer_update(document: dict[str, Any]) -> None:
    # Catches: the patch schema of a nested model named after the outer schema, such as `ChildUpdateBirth`.
    names = document["components"]["schemas"]
    assert [name for name in names if "Update" in name.removesuffix("Update")] == []


def test_every_enum_is_a_named_component(document: dict[str, Any]) -> None:
    # Catches: `Literal["en", "km"]` as the type of `CalendarFeed.language`; of the query parameter `language`.
    parameters = [operation.get("parameters", []) for _, operation in operations(document)]
    fields = [schema.get("properties", {}) for schema in document["components"]["schemas"].values()]
    assert list(inline_enums([parameters, fields])) == []


def inline_enums(node: Any) -> Iterator[Any]:
    """Yield every schema with an `enum` below a node."""
    if isinstance(node, dict) and isinstance(node.get("enum"), list):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from inline_enums(child)


def test_every_mapping_declares_the_type_of_its_values(document: dict[str, Any]) -> None:
    # Catches: the `patternProperties` of Pydantic, which client generators ignore, for `InstrumentResult.answers`.
    assert '"patternProperties"' not in json.dumps(document)


def test_shared_header_parameters_are_declared_once(document: dict[str, Any]) -> None:
    # Catches: the header X-Requested-With described at POST /v1/auth/refresh as well.
    shared = {"If-Match", "If-None-Match", "Idempotency-Key", "X-Requested-With"}
    inline = {
        (name, parameter["name"])
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if parameter.get("name") in shared
    }
    assert inline == set()
    declared = [
        (parameter["name"], parameter["required"])
        for parameter in document["components"]["parameters"].values()
    ]
    assert {name for name, _ in declared} == shared
    assert len(declared) == len(set(declared))


def test_x_requested_with_is_required_unless_an_access_token_replaces_it(document: dict[str, Any]) -> None:
    # Catches: `X-Requested-With` documented as required for logout, although an access token replaces it.
    required = {
        name: parameter["required"]
        for name, operation in operations(document)
        for parameter in parameters_of(document, operation)
        if parameter["name"] == "X-Requested-With"
    }
    assert required == {"POST /v1/auth/refresh": True, "POST /v1/auth/logout": False}


def test_every_operation_documents_its_error_responses_with_the_problem_schema(
    document: dict[str, Any],
) -> None:
    # errors-are-problems, errors-declared.
    # Catches: FastAPI's own 422; no 428 at a PATCH; no problem example at POST /v1/oauth/token.
    for name, operation in operations(document):
        responses = {
            status: resolved(document, response) for status, response in operation["responses"].items()
        }
        errors = {status: response for status, response in responses.items() if status[0] in "45"}
        assert {"400", "429", "500", "503", "504"} <= set(errors), name
        for status, response in errors.items():
            schema = response["content"][PROBLEM]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, f"{name} {status}"
            assert response["content"][PROBLEM].get("examples"), f"{name} {status}"
        if operation["security"]:
            assert {"401", "403"} <= set(errors), name
        takes_if_match = any(
            parameter["name"] == "If-Match" for parameter in parameters_of(document, operation)
        )
        assert takes_if_match == ({"412", "428"} <= set(errors)), name
    left = {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    assert left == set()


def test_problem_examples_are_valid_and_their_instance_is_a_path_of_the_same_tag(
    document: dict[str, Any],
) -> None:
    # Catches: the unmet condition of `cases` with the path of a referral; a code that is not in the catalogue.
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    paths_by_tag: dict[str, set[str]] = {}
    for path, item in document["paths"].items():
        for operation in item.values():
            paths_by_tag.setdefault(operation["tags"][0], set()).add(re.sub(r"\{\w+\}", "[^/]+", path))
    for name, operation in operations(document):
        for status in {"404", "409", "422"} & set(operation["responses"]):
            response = resolved(document, operation["responses"][status])
            for kind, example in response["content"][PROBLEM]["examples"].items():
                problem = example["value"]
                assert [str(error) for error in validator.iter_errors(problem)] == [], f"{name} {kind}"
                tag = operation["tags"][0]
                patterns = paths_by_tag["reference" if tag in TAGS_WITHOUT_FAULTS else tag]
                assert any(re.fullmatch(path, problem["instance"]) for path in patterns), f"{name} {kind}"


def test_every_operation_lists_its_problem_types(document: dict[str, Any]) -> None:
    # Catches: `forbidden` listed for public operations.
    status_of = {kind.kind: str(kind.status) for kind in list_problem_classes()}
    for name, operation in operations(document):
        types = set(operation["x-problems"])
        assert types <= set(status_of), name
        assert {status_of[kind] for kind in types} <= set(operation["responses"]), name
        assert ("forbidden" in types) == bool(operation["security"]), name
        takes_key = name.startswith("POST") and bool(operation["security"])
        assert ("idempotency-key-reused" in types) == takes_key, name


def test_every_response_declares_its_headers(document: dict[str, Any]) -> None:
    # Catches: `X-Request-Id` omitted; no `Link` at lists.
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            assert "X-Request-Id" in resolved(document, response)["headers"], f"{name} {status}"
        success = next(iter(operation["responses"].values()))
        schema = success.get("content", {}).get(JSON, {}).get("schema", {})
        shapes = [resolved(document, alternative) for alternative in schema.get("oneOf", [schema])]
        fields = [set(shape.get("properties", {})) for shape in shapes]
        returns_list = all({"items", "next_cursor"} <= names for names in fields)
        assert ("Link" in success["headers"]) == returns_list, name
        if all("version" in names for names in fields):
            assert "ETag" in success["headers"], name
        if name.startswith("POST") and operation["security"]:
            assert "Idempotent-Replayed" in success["headers"], name
            names = {parameter["name"] for parameter in parameters_of(document, operation)}
            assert "Idempotency-Key" in names, name


def test_every_request_body_has_valid_examples(document: dict[str, Any]) -> None:
    # request-bodies-have-examples. Catches: an example removed; a misspelt field in an example of a referral.
    used: set[str] = set()
    for name, operation in operations(document):
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            assert body.get("examples"), f"{name} has no example"
            schema = {**body["schema"], "components": document["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema)
            for title, example in body["examples"].items():
                assert example["summary"], title
                errors = [str(error) for error in validator.iter_errors(example["value"])]
                assert errors == [], f"{name} {media} {title}"
                used.add(title)
    assert used == {title for examples in load_examples().values() for title in examples}


def test_every_successful_json_response_has_a_valid_example(document: dict[str, Any]) -> None:
    # Catches: an amount that is a number; the example of `Case` removed.
    for name, operation in operations(document):
        success = next(iter(operation["responses"].values()))
        media = success.get("content", {}).get(JSON)
        if media is None:
            continue
        assert media.get("examples"), f"{name} has no example"
        schema = {**media["schema"], "components": document["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema)
        for title, example in media["examples"].items():
            value = resolved(document, example)["value"]
            assert [str(error) for error in validator.iter_errors(value)] == [], f"{name} {title}"


def test_every_example_value_belongs_to_a_schema_or_field(document: dict[str, Any]) -> None:
    # Catches: a value for `Case.shoe_size`.
    schemas = document["components"]["schemas"]
    fields = {f"{name}.{field}" for name, schema in schemas.items() for field in schema.get("properties", {})}
    fields |= {field.partition(".")[2] for field in fields}
    assert set(load_example_values()) - fields - set(schemas) == set()


def test_every_patch_body_has_one_media_type(document: dict[str, Any]) -> None:
    # Catches: `application/merge-patch+json` listed for PATCH; tests/http/test_json_body.py shows that it is accepted.
    for name, operation in operations(document):
        if name.startswith("PATCH"):
            assert set(operation["requestBody"]["content"]) == {JSON}


def test_every_reference_and_link_resolves(document: dict[str, Any]) -> None:
    # Catches: a link to `praise_referral`.
    for reference in set(references(document)):
        assert resolved(document, {"$ref": reference}), reference
    operations_by_id = {operation["operationId"]: operation for _, operation in operations(document)}
    links = list(all_links(document))
    assert len(links) > 40
    for _, link in links:
        parameters = {
            f"{parameter['in']}.{parameter['name']}": parameter["required"]
            for parameter in parameters_of(document, operations_by_id[link["operationId"]])
        }
        assert set(link["parameters"]) <= set(parameters), link
        required = {name for name, is_required in parameters.items() if is_required}
        assert required <= set(link["parameters"]), link


def test_links_send_the_etag_of_the_same_kind_of_record_as_if_match(
    app: FastAPI, document: dict[str, Any]
) -> None:
    # Catches: links from a case to the approval of its exit plan, which has a version of its own.
    collections = {operation.id: operation.collection for operation in list_operations(app)}
    with_version = [pair for pair in all_links(document) if "header.If-Match" in pair[1]["parameters"]]
    assert len(with_version) > 20
    for source, link in with_version:
        assert link["parameters"]["header.If-Match"] == "$response.header.ETag"
        assert collections[link["operationId"]] == collections[source["operationId"]], link


def all_links(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every link with the operation whose response has it."""
    for _, operation in operations(document):
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                yield operation, link
