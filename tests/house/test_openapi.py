"""The contract is current, whole, and keeps the rules that `openapi/spectral.yaml` states for others' tools.

Each of these was seen to fail on a fault planted for it; the fault is named beside the test.
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

from app.schemas.words import get_field_description, load_examples
from tests.house.surface import endpoints

HERE = Path(__file__).parent.parent.parent
COMMITTED = HERE / "openapi" / "openapi.json"
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PATH = re.compile(
    r"(/(\.well-known|[a-z][a-z0-9]*(-[a-z0-9]+)*(\.json)?|\{[a-z]+(_[a-z]+)*\})(\.(svg|pdf|ics|xlsx))?)+"
)
PROBLEM = "application/problem+json"
HELD_HERE = {
    "operation-id-stable", "operation-explained", "operation-says-who", "properties-snake-case", "properties-explained",
    "parameters-explained", "paths-kebab-case", "refusals-are-problems", "errors-foreseen", "bodies-have-examples",
}  # fmt: skip
"""The rules of `spectral.yaml`; each test below names those it holds."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(COMMITTED.read_text())
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a node is, or refers to."""
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_committed_document_is_what_any_process_writes() -> None:
    # Planted: a letter changed in openapi.json; `x-roles` built from a set of strings.
    environment = {**os.environ, "PYTHONHASHSEED": "20261122", "FIRSTSTEP_MODE": "production"}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "openapi", "--check"],
        cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_rules_for_others_tools_are_the_rules_held_here() -> None:
    # Planted: a rule added to the file alone.
    written = (HERE / "openapi" / "spectral.yaml").read_text().partition("\nrules:\n")[2]
    assert set(re.findall(r"^  ([a-z-]+):$", written, re.MULTILINE)) == HELD_HERE


def test_every_endpoint_is_described_and_nothing_else(app: FastAPI, document: dict[str, Any]) -> None:
    # Planted: `include_in_schema=False` at GET /v1/people/{person_id}.
    assert document["openapi"].startswith("3.1")
    assert {name for name, _ in operations(document)} == {str(found) for found in endpoints(app)}


def test_every_operation_is_named_and_explained(document: dict[str, Any]) -> None:
    # operation-id-stable, operation-explained, paths-kebab-case.
    # Planted: the ids FastAPI makes itself; a docstring of 130 characters; a path /v1/break_glass.
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) >= 154
    for name, operation in operations(document):
        assert SNAKE_CASE.fullmatch(operation["operationId"]), name
        assert "_" in operation["operationId"], name
        assert 10 <= len(operation["summary"]) <= 120, name
        assert operation["description"], name
    assert [path for path in document["paths"] if not PATH.fullmatch(path)] == []


def test_every_tag_is_explained(document: dict[str, Any]) -> None:
    # Planted: a tag `circle` at the people's router.
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])


def test_who_may_is_said_everywhere(app: FastAPI, document: dict[str, Any]) -> None:
    # operation-says-who. Planted: `security` left out where it is empty.
    guarded = {str(found): hasattr(found.doors[0], "permission") for found in endpoints(app)}
    for name, operation in operations(document):
        assert operation["security"] == ([{"bearer": []}] if guarded[name] else []), name
        if guarded[name]:
            assert operation["x-permission"], name
            assert operation["x-roles"], name
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_fields_and_parameters_are_named_and_explained(document: dict[str, Any]) -> None:
    # properties-snake-case, properties-explained, parameters-explained.
    # Planted: a field `caseKind`; a field `shoe_size` that nobody explains (app/schemas/glossary.json is the place).
    for name, schema in document["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            assert SNAKE_CASE.fullmatch(field), f"{name}.{field}"
            assert told.get("description") or "$ref" in told, f"{name}.{field} is not explained"
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["description"] != parameter["name"], f"{name} {parameter['name']}"


def test_refusals_are_problems_and_all_are_foreseen(document: dict[str, Any]) -> None:
    # refusals-are-problems, errors-foreseen. Planted: FastAPI's own 422; `428` not told at a PATCH.
    for name, operation in operations(document):
        told = {status: resolved(document, found) for status, found in operation["responses"].items()}
        refused = {status: found for status, found in told.items() if status[0] in "45"}
        assert {"400", "429", "500", "503", "504"} <= set(refused), name
        for status, found in refused.items():
            schema = found["content"][PROBLEM]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, f"{name} {status}"
        if operation["security"]:
            assert {"401", "403"} <= set(refused), name
        asks_version = any(found["name"] == "If-Match" for found in operation.get("parameters", []))
        assert asks_version == ({"412", "428"} <= set(refused)), name
    left = {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    assert left == set()


def test_every_answer_says_its_headers(document: dict[str, Any]) -> None:
    # Planted: `X-Request-Id` left out; no `Link` at lists.
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in resolved(document, answer)["headers"], f"{name} {status}"
        success = next(iter(operation["responses"].values()))
        schema = success.get("content", {}).get("application/json", {}).get("schema", {})
        shapes = [resolved(document, one) for one in schema.get("anyOf", [schema])]
        fields = [set(shape.get("properties", {})) for shape in shapes]
        assert ("Link" in success["headers"]) == all({"items", "next_cursor"} <= found for found in fields), (
            name
        )
        if all("version" in found for found in fields):
            assert "ETag" in success["headers"], name
        if name.startswith("POST") and operation["security"]:
            assert "Idempotent-Replayed" in success["headers"], name
            assert "Idempotency-Key" in {found["name"] for found in operation["parameters"]}, name


def test_every_body_is_shown_by_examples_that_fit_it(document: dict[str, Any]) -> None:
    # bodies-have-examples. Planted: `Transfer` taken out of the examples; a misspelt field in one of `ReferralIn`.
    shown: set[str] = set()
    for name, operation in operations(document):
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            assert body.get("examples"), f"{name} has no example"
            check = jsonschema_rs.Draft202012Validator(
                {**body["schema"], "components": document["components"]}
            )
            for title, example in body["examples"].items():
                assert example["summary"], title
                assert [str(error) for error in check.iter_errors(example["value"])] == [], (
                    f"{name} {media} {title}"
                )
                shown.add(title)
    assert shown == {title for told in load_examples().values() for title in told}


def test_a_patch_may_be_called_a_merge_patch(document: dict[str, Any]) -> None:
    # Planted: the second media type left out.
    for name, operation in operations(document):
        if name.startswith("PATCH"):
            assert set(operation["requestBody"]["content"]) == {
                "application/json",
                "application/merge-patch+json",
            }


def test_every_reference_and_link_leads_somewhere(document: dict[str, Any]) -> None:
    # Planted: a link to `referrals_praise`.
    for reference in set(references(document)):
        assert resolved(document, {"$ref": reference}), reference
    known = {operation["operationId"]: operation for _, operation in operations(document)}
    links = [
        link
        for operation in known.values()
        for found in operation["responses"].values()
        for link in found.get("links", {}).values()
    ]
    assert len(links) > 40
    for link in links:
        parameters = {f"{found['in']}.{found['name']}" for found in known[link["operationId"]]["parameters"]}
        assert set(link["parameters"]) <= parameters, link


def test_the_longest_ending_of_a_schemas_name_explains_a_field() -> None:
    # Planted: endings tried from the shortest.
    assert (
        get_field_description("ToldPatchChildIdentityPhone", "number")
        == get_field_description("Phone", "number")
        != get_field_description("X", "number")
    )
    assert get_field_description("X", "nothing_we_know") is None
