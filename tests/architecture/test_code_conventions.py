"""The four shapes, and the sizes, that the code keeps to.

Each of these was seen to fail on a fault planted for it; the fault is named beside the test.
"""

import ast
import inspect
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy.orm import configure_mappers
from sqlmodel import SQLModel

import app.models  # noqa: F401 - registers every table
from app.schemas.wire import Output, PageQuery
from tests.support.endpoints import dependency_calls, list_endpoints

HERE = Path(__file__).parent.parent.parent
SOURCES = {
    path.relative_to(HERE): ast.parse(path.read_bytes()) for path in sorted((HERE / "app").rglob("*.py"))
}
VAGUE = {
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
MOST_LINES = 300
MOST_MODULES = 25


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """Every model that an annotation names, however deep."""
    found: set[type[BaseModel]] = set()
    waiting = [annotation]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in found:
                found.add(kind)
                waiting.extend(field.annotation for field in kind.model_fields.values())
        else:
            waiting.extend(get_args(kind))
    return found


def inputs_of(app: FastAPI) -> Iterator[type[BaseModel]]:
    for found in list_endpoints(app):
        bodies = [found.route.body_field] if found.route.body_field else []
        for parameter in (*bodies, *found.route.dependant.query_params):
            yield from models_in(parameter.field_info.annotation)


def test_no_table_goes_over_the_wire(app: FastAPI) -> None:
    # Planted: `response_model=Team` at GET /v1/teams/{team_id}.
    answered = {str(found): models_in(found.route.response_model) for found in list_endpoints(app)}
    assert len(set().union(*answered.values())) > 40
    assert {
        where for where, models in answered.items() if any(issubclass(kind, SQLModel) for kind in models)
    } == set()


def test_what_is_answered_is_an_output(app: FastAPI) -> None:
    # Planted: `Health(BaseModel)`.
    for found in list_endpoints(app):
        answered = found.route.response_model
        for kind in get_args(answered) or [answered]:
            if kind is not None and kind is not type(None):
                assert issubclass(kind, Output), f"{found} answers {kind}"


def test_inputs_refuse_what_they_do_not_know(app: FastAPI) -> None:
    # Planted: `model_config = ConfigDict(extra="ignore")` in PersonIn.
    inputs = set(inputs_of(app))
    assert len(inputs) > 40
    assert {kind.__name__ for kind in inputs if kind.model_config.get("extra") != "forbid"} == set()


def test_filters_are_pages_of_a_list(app: FastAPI) -> None:
    # Planted: `ChildFilters(Input)`: a list without limit and cursor.
    for found in list_endpoints(app):
        if found.method == "GET" and found.route.dependant.query_params:
            (query,) = found.route.dependant.query_params
            assert issubclass(query.field_info.annotation, PageQuery), str(found)


def test_nothing_a_request_passes_needs_a_thread(app: FastAPI) -> None:
    # Planted: `def parse_if_match`: FastAPI calls what is not async in a thread, which takes longer than all it does.
    before = {call for found in list_endpoints(app) for call in dependency_calls(found.route.dependant)}
    made = {call if inspect.isroutine(call) else type(call).__call__ for call in before}
    assert len(made) > 10
    awaited = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    assert {call.__qualname__ for call in made if not any(is_so(call) for is_so in awaited)} == set()


def test_no_relation_loads_by_surprise() -> None:
    # Planted: a `Relationship()` from Case to Child without `lazy="raise"`.
    configure_mappers()
    registry: Any = SQLModel._sa_registry
    mappers = list(registry.mappers)
    assert len(mappers) > 20
    lazy = [
        str(relation) for mapper in mappers for relation in mapper.relationships if relation.lazy != "raise"
    ]
    assert lazy == []


def functions() -> Iterator[tuple[int, str]]:
    for path, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or 0) - node.lineno + 1, f"{path}:{node.lineno} {node.name}"


def test_functions_are_short() -> None:
    # Planted: a function of 51 lines.
    lengths = sorted(functions())
    assert len(lengths) > 800
    sizes = [size for size, _ in lengths]
    assert statistics.median(sizes) <= 10
    assert sum(size <= 25 for size in sizes) >= 0.9 * len(sizes)
    assert [where for size, where in lengths if size > 50] == []


def test_files_are_short() -> None:
    # Planted: a schema file of 328 lines; it was found here, and split.
    long = {str(path) for path in SOURCES if len((HERE / path).read_text().splitlines()) > MOST_LINES}
    assert long == set()


def test_folders_hold_at_most_25_modules() -> None:
    # Planted: all modules of `app/services/fund/` moved into `app/services/cases/`.
    sizes = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    large = {str(folder) for folder, size in sizes.items() if size > MOST_MODULES}
    assert large <= {"app/routers", "app/schemas"}  # flat: one module per resource


def test_no_module_has_a_vague_name() -> None:
    # Planted: `app/services/utils.py`.
    assert {str(path) for path in SOURCES if not VAGUE.isdisjoint(path.stem.split("_"))} == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[1] == "routers"], ids=str)
def test_an_endpoint_is_one_call(path: Path) -> None:
    # Planted: GET /v1/cases/{case_id} that finds the case, and then reads it.
    for node in SOURCES[path].body:
        if isinstance(node, ast.AsyncFunctionDef) and any(_is_route(mark) for mark in node.decorator_list):
            assert ast.get_docstring(node), node.name
            body = node.body[1:]
            assert len(body) == 1 or _is_call_and_return(body), f"{node.name} does more than one thing"


def _is_route(mark: ast.expr) -> bool:
    return isinstance(mark, ast.Call) and ast.unparse(mark.func).startswith("router.")


def _is_call_and_return(body: list[ast.stmt]) -> bool:
    """Where the service returns nothing to show, the answer is made in a line of its own."""
    return len(body) == 2 and isinstance(body[0], ast.Expr) and isinstance(body[1], ast.Return)
