"""The access log contains every child that a rejected request refers to, by the id of the child or of one of its records."""

import re
import uuid
from typing import Any

import pytest
from fastapi import FastAPI

from tests.support.endpoint_samples import create_complete_case
from tests.support.endpoints import Endpoint, list_endpoints
from tests.support.raw_sql import list_child_tables
from tests.support.record_references import list_body_id_fields, set_field
from tests.support.scenario import AuthenticatedClient, Scenario

OWN_ACCOUNT = "/v1/me"
"""The prefix of the endpoints of the caller's account. They take no id of a child."""
RECORDS_OF_STAFF = {"supervision_action_id", "supervision_meeting_id"}
"""Path parameters of records of staff. Such a record can refer to cases of several children, but belongs to none of them."""


@pytest.fixture
async def sample_case(scenario: Scenario) -> tuple[dict[str, str], dict[str, str]]:
    """Return, for each path parameter, the id of a record of a child; and the child of each record."""
    samples = await create_complete_case(scenario)
    ids = {name: str(value) for name, value in samples.items() if name.endswith("_id")}
    children = dict.fromkeys(ids, ids["child_id"])
    return ids, {**children, "follow_up_id": str(samples["closed_case"]["child_id"])}


def list_guarded_endpoints(app: FastAPI) -> list[Endpoint]:
    return [
        endpoint
        for endpoint in list_endpoints(app)
        if hasattr(endpoint.guards[0], "permission") and not endpoint.path.startswith(OWN_ACCOUNT)
    ]


async def expect_named_children(
    scenario: Scenario, caller: AuthenticatedClient, endpoint: Endpoint, path: str, **options: Any
) -> tuple[int, set[str]]:
    """Send a request that is rejected; return its status and the children that the access log names."""
    response = await caller.request(endpoint.method, path, etag='"999"', **options)
    assert 400 <= response.status_code < 500, (str(endpoint), response.text)
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert entries, (str(endpoint), caller.name, "the request has no entry")
    return response.status_code, {entry["child_id"] for entry in entries if entry["child_id"]}


async def test_rejected_request_logs_the_child_in_its_path(
    scenario: Scenario, app: FastAPI, sample_case: tuple[dict[str, str], dict[str, str]]
) -> None:
    # Catches: `conclude` with the ids of the body only; a guard that is not called for a malformed request;
    # `access.resolve_records` without the table people.
    ids, children = sample_case
    tested, statuses = 0, set()
    for endpoint in list_guarded_endpoints(app):
        parameters = [
            name for name in re.findall(r"{(\w+)}", endpoint.path) if name in ids.keys() - RECORDS_OF_STAFF
        ]
        if not parameters:
            continue
        path = endpoint.path.format(**ids, area="education")
        child = children[parameters[0]]
        rejections: list[tuple[AuthenticatedClient, dict[str, Any]]] = [
            (scenario.admin, {}),
            (scenario.supervisor_south, {"params": {"unknown": "1"}}),
            (scenario.supervisor_north, {"params": {"unknown": "1"}}),
        ]
        if endpoint.method in {"POST", "PUT", "PATCH"}:
            broken = {"content": b"{", "headers": {"content-type": "application/json"}}
            rejections += [(scenario.supervisor_south, broken), (scenario.supervisor_north, broken)]
            rejections += [(scenario.supervisor_north, {"json": {"unknown": 1}})]
        else:
            rejections += [(scenario.supervisor_south, {}), (scenario.partner_two, {})]
        for caller, options in rejections:
            status, named = await expect_named_children(scenario, caller, endpoint, path, **options)
            assert named == {child}, (str(endpoint), caller.name, status)
            statuses.add(status)
            tested += 1
    assert tested > 400
    assert {400, 403, 404, 422} <= statuses


async def test_rejected_request_logs_the_child_of_each_id_in_its_body(
    scenario: Scenario, app: FastAPI, sample_case: tuple[dict[str, str], dict[str, str]]
) -> None:
    # Catches: ids collected from the first level of the body only.
    ids, _ = sample_case
    tested = 0
    for endpoint in list_guarded_endpoints(app):
        path = re.sub(r"{\w+_id}", str(uuid.uuid4()), endpoint.path)
        path = re.sub(r"{\w+}", "education", path)
        for pointer in list_body_id_fields(app, endpoint):
            payload = set_field({"unknown": 1}, pointer, ids["person_id"])
            for caller in (scenario.manager, scenario.admin, scenario.finance):
                _, named = await expect_named_children(scenario, caller, endpoint, path, json=payload)
                assert named == {ids["child_id"]}, (str(endpoint), pointer, caller.name)
            tested += 1
    assert tested >= 60


async def test_rejected_list_logs_the_child_of_its_filters(
    scenario: Scenario, app: FastAPI, sample_case: tuple[dict[str, str], dict[str, str]]
) -> None:
    # Catches: `conclude` ignores ids in the query string.
    ids, _ = sample_case
    for endpoint in list_guarded_endpoints(app):
        if endpoint.method != "GET" or "{" in endpoint.path:
            continue
        for value in (ids["case_id"], f"{uuid.uuid4()},{ids['person_id'].upper()}"):
            _, named = await expect_named_children(
                scenario, scenario.manager, endpoint, endpoint.path, params={"unknown": value}
            )
            assert named == {ids["child_id"]}, str(endpoint)


async def test_every_record_of_a_child_is_resolved(
    scenario: Scenario, superuser_connection: Any, populated_database: Any
) -> None:
    # Catches: `access.resolve_records` without session_addenda.
    del scenario, populated_database
    tables = await list_child_tables(superuser_connection)
    for table in tables:
        columns = await superuser_connection.fetch(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0", table
        )
        if not {"id", "child_id"} <= {column[0] for column in columns} or table == "idempotency_records":
            continue
        rows = await superuser_connection.fetch(f"SELECT id, child_id FROM {table}")  # noqa: S608 - from the catalog
        assert rows, table
        for record_id, child_id in rows:
            resolved = await superuser_connection.fetch(
                "SELECT child_id FROM access.resolve_records(ARRAY[$1::uuid])", record_id
            )
            assert child_id in {row[0] for row in resolved}, (table, record_id)
