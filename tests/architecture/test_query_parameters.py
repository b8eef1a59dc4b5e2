"""Every operation rejects unknown query parameters and values, and lists the permitted ones.

Each test names a fault that makes it fail.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.http.openapi.operations import Operation, list_operations
from app.schemas.fault_messages import MAX_DETAIL_LENGTH
from tests.support.scenario import API_CLIENT_ROLES, STAFF, Scenario

PATH_VALUES = {
    "area": "education", "code": "12", "name": "sex", "token": "x" * 43,
    "first_day": "2026-01-01", "last_day": "2026-01-31",
}  # fmt: skip
"""Valid values of the path parameters that are not ids."""
CALLER_BY_ROLE = {roles[0]: name for name, (roles, _) in STAFF.items()} | {
    role: name for name, role in API_CLIENT_ROLES.items()
}
MANY_TEXTS = (",", "x", "99999999999", " ", "x" * 1001, "0", "true,")
"""Values that are invalid for at least one kind of parameter."""


@pytest.fixture
def operations(app: FastAPI) -> list[Operation]:
    """Return the operations whose query parameters are validated. OAuth requires that forms ignore unknown ones."""
    found = [operation for operation in list_operations(app) if not operation.takes_form]
    assert len(found) > 180
    return found


def iter_query_parameters(app: FastAPI, operation: Operation) -> Iterator[dict[str, Any]]:
    """Yield the query parameters of an operation in the OpenAPI document."""
    described = app.openapi()["paths"][operation.path][operation.method.lower()]
    for parameter in described.get("parameters", []):
        if parameter.get("in") == "query":
            yield parameter


def find_enum(app: FastAPI, schema: dict[str, Any]) -> list[str]:
    """Return the values of an enum, or of an array of an enum; empty for other types."""
    name = schema.get("items", schema).get("$ref", "").rpartition("/")[2]
    values: list[str] = app.openapi()["components"]["schemas"].get(name, {}).get("enum", [])
    return values


async def send(
    scenario: Scenario, operation: Operation, query: dict[str, str], language: str = "en"
) -> httpx.Response:
    """Send a request as a caller with the permission, to records that do not exist."""
    path = operation.path
    for name in operation.route.param_convertors:
        path = path.replace(f"{{{name}}}", PATH_VALUES.get(name) or str(uuid.UUID(int=0)))
    headers = {"accept-language": language}
    options: dict[str, Any] = {"params": query, "headers": headers}
    if operation.guard is None:
        return await scenario.http.request(operation.method, path, **options)
    caller = scenario.client_for(CALLER_BY_ROLE[operation.roles[0]])
    return await caller.request(operation.method, path, **options)


def get_fault(response: httpx.Response, pointer: str) -> dict[str, Any]:
    """Return the only fault of a 422 about a pointer."""
    assert response.status_code == 422, response.text
    [fault] = [fault for fault in response.json()["errors"] if fault["pointer"] == pointer]
    return dict(fault)


async def test_unknown_parameter_is_rejected_with_the_permitted_names(
    scenario: Scenario, app: FastAPI, operations: list[Operation]
) -> None:
    # Catches: the names not validated in `Route`; `allowed` without the parameters of dependencies (`language`).
    for operation in operations:
        allowed = sorted(parameter["name"] for parameter in iter_query_parameters(app, operation))
        fault = get_fault(await send(scenario, operation, {"colour": "red"}), "query:colour")
        assert (fault["code"], fault["params"]) == ("parameter_unknown", {"allowed": allowed}), operation.id
        assert fault["detail"] == f"Unknown parameter. Allowed: {', '.join(allowed) or 'none'}."


async def test_unknown_value_is_rejected_with_the_permitted_values(
    scenario: Scenario, app: FastAPI, operations: list[Operation]
) -> None:
    # Catches: `allowed` omitted for `literal_error`; the type `str` with a pattern for `TimelineFilters.kind`.
    number = 0
    for operation in operations:
        for parameter in iter_query_parameters(app, operation):
            values = find_enum(app, parameter["schema"])
            is_array = parameter["schema"].get("type") == "array"
            for text in (["unheard", f"{values[0]},unheard"] if is_array else ["unheard"]) if values else []:
                response = await send(scenario, operation, {parameter["name"]: text})
                fault = get_fault(response, f"query:{parameter['name']}")
                assert (fault["code"], fault["params"]) == ("literal_error", {"allowed": values}), text
                assert fault["detail"] == f"Must be one of: {', '.join(values)}."[:MAX_DETAIL_LENGTH]
                assert "unheard" not in response.text
                number += 1
    assert number >= 42


async def test_search_excludes_sort_in_every_list(
    scenario: Scenario, app: FastAPI, operations: list[Operation]
) -> None:
    # Catches: `sort` declared before `q` in the filters of a list; no validator in `PageQuery`.
    number = 0
    for operation in operations:
        parameters = {parameter["name"]: parameter for parameter in iter_query_parameters(app, operation)}
        if {"q", "sort"} <= parameters.keys():
            for sort in find_enum(app, parameters["sort"]["schema"]):
                fault = get_fault(await send(scenario, operation, {"q": "Keo", "sort": sort}), "query:sort")
                assert fault["code"] == "sort_with_q", operation.id
                number += 1
    assert number >= 4


async def test_sort_offers_both_directions_of_every_field(app: FastAPI, operations: list[Operation]) -> None:
    # Catches: `UserSort` without `-name`.
    for operation in operations:
        for parameter in iter_query_parameters(app, operation):
            if parameter["name"] == "sort":
                values = set(find_enum(app, parameter["schema"]))
                fields = {value.removeprefix("-") for value in values}
                assert values == fields | {f"-{field}" for field in fields}, operation.id


async def test_every_error_of_a_query_parameter_is_in_khmer_if_preferred(
    scenario: Scenario, app: FastAPI, operations: list[Operation]
) -> None:
    # Catches: the Khmer message of `uuid_parsing` removed.
    codes: set[str] = set()
    for operation in operations:
        names = [parameter["name"] for parameter in iter_query_parameters(app, operation)]
        for query in [{"colour": "red"}, *({name: text} for name in names for text in MANY_TEXTS)]:
            response = await send(scenario, operation, query, "km")
            for fault in response.json().get("errors", ()) if response.status_code == 422 else ():
                if fault["pointer"].startswith("query"):
                    codes.add(fault["code"])
                    is_khmer = any("\u1780" <= character <= "\u17ff" for character in fault["detail"])
                    assert is_khmer, f"{operation.id} {query} {fault}"
    assert len(codes) >= 15
