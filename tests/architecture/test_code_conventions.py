"""Shapes of endpoints, schemas and tables, and limits on the size of functions, files and packages.

Each test names a fault that makes it fail.
"""

import ast
import inspect
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy.orm import configure_mappers
from sqlmodel import SQLModel

import app.models  # noqa: F401 - registers every table
from app.schemas.wire import Output, Page, PageQuery
from tests.architecture.source_files import ROOT, SOURCES
from tests.support.endpoints import Endpoint, dependency_calls, list_endpoints

VAGUE_MODULE_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "managers",
    "data",
    "info",
    "misc",
    "base",
    "core",
}
MAX_FILE_LINES = 300
MAX_MODULES_PER_FOLDER = 25


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """Return every model in an annotation and in the fields of these models."""
    models: set[type[BaseModel]] = set()
    annotations = [annotation]
    while annotations:
        item = annotations.pop()
        if isinstance(item, type) and issubclass(item, BaseModel):
            if item not in models:
                models.add(item)
                annotations.extend(field.annotation for field in item.model_fields.values())
        else:
            annotations.extend(get_args(item))
    return models


def input_models(app: FastAPI) -> Iterator[type[BaseModel]]:
    for endpoint in list_endpoints(app):
        bodies = [endpoint.route.body_field] if endpoint.route.body_field else []
        for parameter in (*bodies, *endpoint.route.dependant.query_params):
            yield from models_in(parameter.field_info.annotation)


def test_responses_contain_no_tables(app: FastAPI) -> None:
    # Catches: `response_model=Team` at GET /v1/teams/{team_id}.
    models_by_endpoint = {
        str(endpoint): models_in(endpoint.route.response_model) for endpoint in list_endpoints(app)
    }
    assert len(set().union(*models_by_endpoint.values())) > 40
    assert {
        name
        for name, models in models_by_endpoint.items()
        if any(issubclass(model, SQLModel) for model in models)
    } == set()


def test_response_models_are_outputs(app: FastAPI) -> None:
    # Catches: `Health(BaseModel)`.
    for endpoint in list_endpoints(app):
        response_model = endpoint.route.response_model
        if get_origin(response_model) is Annotated:  # a union with a discriminator
            response_model = get_args(response_model)[0]
        for model in get_args(response_model) or [response_model]:
            if model is not None and model is not type(None):
                assert issubclass(model, Output), f"{endpoint} responds with {model}"


def test_inputs_forbid_unknown_fields(app: FastAPI) -> None:
    # Catches: `model_config = ConfigDict(extra="ignore")` in PersonCreate.
    models = set(input_models(app))
    assert len(models) > 40
    assert {model.__name__ for model in models if model.model_config.get("extra") != "forbid"} == set()


def test_query_parameters_of_lists_include_limit_and_cursor(app: FastAPI) -> None:
    # Catches: `ChildFilters(Input)`, which has no limit and cursor.
    for endpoint in list_endpoints(app):
        if _returns_list(endpoint):
            (query,) = endpoint.route.dependant.query_params
            assert issubclass(query.field_info.annotation, PageQuery), str(endpoint)


def _returns_list(endpoint: Endpoint) -> bool:
    response = get_type_hints(endpoint.function)["return"]
    return endpoint.method == "GET" and isinstance(response, type) and issubclass(response, Page)


def test_dependencies_are_async(app: FastAPI) -> None:
    # Catches: `def parse_if_match`. FastAPI runs such a function in a thread, which takes longer than the function.
    dependencies = {
        call for endpoint in list_endpoints(app) for call in dependency_calls(endpoint.route.dependant)
    }
    functions = {call if inspect.isroutine(call) else type(call).__call__ for call in dependencies}
    assert len(functions) > 10
    is_async = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    assert {call.__qualname__ for call in functions if not any(check(call) for check in is_async)} == set()


def test_relationships_raise_instead_of_loading_implicitly() -> None:
    # Catches: a `Relationship()` from Case to Child without `lazy="raise"`.
    configure_mappers()
    registry: Any = SQLModel._sa_registry
    mappers = list(registry.mappers)
    assert len(mappers) > 20
    lazy = [
        str(relationship)
        for mapper in mappers
        for relationship in mapper.relationships
        if relationship.lazy != "raise"
    ]
    assert lazy == []


def function_lengths() -> Iterator[tuple[int, str]]:
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or 0) - node.lineno + 1, f"{path}:{node.lineno} {node.name}"


def test_functions_are_short() -> None:
    # Catches: a function of 51 lines.
    lengths_and_names = sorted(function_lengths())
    assert len(lengths_and_names) > 800
    lengths = [length for length, _ in lengths_and_names]
    assert statistics.median(lengths) <= 10
    assert sum(length <= 25 for length in lengths) >= 0.9 * len(lengths)
    assert [name for length, name in lengths_and_names if length > 50] == []


def test_files_are_short() -> None:
    # Catches: a schema file of 328 lines.
    long = {str(path) for path in SOURCES if len((ROOT / path).read_text().splitlines()) > MAX_FILE_LINES}
    assert long == set()


def test_packages_have_at_most_25_modules() -> None:
    # Catches: all modules of `app/services/fund/` moved into `app/services/cases/`.
    sizes = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    large = {str(folder) for folder, size in sizes.items() if size > MAX_MODULES_PER_FOLDER}
    assert large <= {"app/routers", "app/schemas"}  # flat, with one module per resource


def test_test_modules_do_not_import_each_other() -> None:
    # Catches: `SOURCES` imported from this module by test_fault_codes.py.
    importing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom) and re.search(r"(^|\.)test_\w+$", node.module or "")
    }
    assert importing == set()


def test_modules_have_no_vague_names() -> None:
    # Catches: `app/services/utils.py`.
    # "Missing data" is the term for absent values in data quality.
    stems = {path: path.stem.replace("missing_data", "") for path in SOURCES}
    vague = {str(path) for path, stem in stems.items() if not VAGUE_MODULE_NAMES.isdisjoint(stem.split("_"))}
    assert vague == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[1] == "routers"], ids=str)
def test_endpoint_is_a_docstring_and_one_call(path: Path) -> None:
    # Catches: GET /v1/cases/{case_id} with two service calls.
    for node in SOURCES[path].body:
        if isinstance(node, ast.AsyncFunctionDef) and any(_is_route(item) for item in node.decorator_list):
            assert ast.get_docstring(node), node.name
            body = node.body[1:]
            assert len(body) == 1 or _is_call_and_return(body), f"{node.name} has more than one call"


def _is_route(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func).startswith("router.")


def _is_call_and_return(body: list[ast.stmt]) -> bool:
    """Return whether a call without a result is followed by the return of the response."""
    return len(body) == 2 and isinstance(body[0], ast.Expr) and isinstance(body[1], ast.Return)
