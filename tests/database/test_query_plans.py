"""Requests in a database with 100,000 cases read few rows by index, and PostgreSQL keeps the plans of their statements."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI

from app.services.audit_query import MAX_EXAMINED_ROWS
from bench.environment import GeneratedRecords
from bench.operations import OPERATIONS
from tests.support.database_cluster import Cluster
from tests.support.large_database import LargeDatabase, open_large_database
from tests.support.scenario import referral_payload

FEW_ROWS = 1_000
"""Maximum number of rows that a page reads from one table, and of rows that filters remove."""
ROWS_OF_TEAM = 12_500
"""Maximum number of rows if the request has to read the 2,500 cases of a team. Row policies read a case again."""
EXAMINED_ROWS = 4 * MAX_EXAMINED_ROWS
"""Maximum number of rows of a page of the access log that examines an interval."""
UNKNOWN_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
MAX_PLANS = 3
"""Maximum number of times that a statement is planned in ten requests."""


class Request(NamedTuple):
    """A request to the large database, with the maximum number of rows that it reads from one table."""

    caller: str
    get_path: Callable[[GeneratedRecords], str]
    max_rows: int = FEW_ROWS
    max_removed: int = FEW_ROWS
    body: Mapping[str, Any] | None = None


def build_request(caller: str, path: str, max_rows: int = FEW_ROWS, max_removed: int = FEW_ROWS) -> Request:
    return Request(caller, lambda generated: path.format(generated=generated), max_rows, max_removed)


def build_measured_request(name: str, max_rows: int) -> Request:
    (operation,) = (operation for operation in OPERATIONS if operation.name == name)
    return Request(operation.caller, lambda generated: operation.list_paths(generated)[0], max_rows)


MEASURED_OPERATIONS = {
    "R1": FEW_ROWS, "T1": FEW_ROWS, "A1": FEW_ROWS, "L1": FEW_ROWS, "L2": FEW_ROWS, "C1": FEW_ROWS, "C2": FEW_ROWS,
    "X1": FEW_ROWS, "Q1": ROWS_OF_TEAM, "M1": ROWS_OF_TEAM,
}  # fmt: skip
"""Operations of the benchmarks, with the maximum number of rows that they read from one table."""
REQUESTS = {
    **{name: build_measured_request(name, max_rows) for name, max_rows in MEASURED_OPERATIONS.items()},
    "W1": Request("api_client", lambda _: "/v1/referrals", body=referral_payload()),
    "case file": build_request("worker", "/v1/cases/{generated.worker_case_ids[0]}/file"),
    "counts of a worker": build_request("worker", "/v1/me/counts"),
    "counts of a supervisor": build_request("supervisor", "/v1/me/counts", ROWS_OF_TEAM),
    "agenda of a supervisor": build_request("supervisor", "/v1/me/agenda", ROWS_OF_TEAM),
    "all cases": build_request("manager", "/v1/cases"),
    "all children": build_request("manager", "/v1/children"),
    "referrals of a worker": build_request("worker", "/v1/referrals"),
    "referrals of a team": build_request("supervisor", "/v1/referrals"),
    "open referrals of a team": build_request("supervisor", "/v1/referrals?status=received"),
    "all open referrals": build_request("manager", "/v1/referrals?status=received"),
    "open referrals of an agency": build_request("api_client", "/v1/referrals?status=received"),
    "disbursements of a worker": build_request("worker", "/v1/disbursements"),
    "disbursements of a team": build_request("supervisor", "/v1/disbursements", ROWS_OF_TEAM),
    "all disbursements": build_request("finance", "/v1/disbursements"),
    "disbursements to approve": build_request("manager", "/v1/disbursements?awaiting=me"),
    "disbursements to pay": build_request("finance", "/v1/disbursements?awaiting=me"),
    "reviews of a worker": build_request("worker", "/v1/reviews"),
    # Reads the reviews of the team with every status. By default the list contains the scheduled ones.
    "reviews of a team": build_request("supervisor", "/v1/reviews", ROWS_OF_TEAM, ROWS_OF_TEAM),
    "access log": build_request("dpo", "/v1/audit/accesses"),
    "rare act in the log of a team": build_request(
        "supervisor", "/v1/audit/accesses?act=case.close", EXAMINED_ROWS
    ),
    "requests without an outcome": build_request("dpo", "/v1/audit/accesses?outcome=started", EXAMINED_ROWS),
    "rare act in the log of a child": build_request(
        "dpo",
        "/v1/audit/accesses?child_id={generated.most_read_child_id}&act=case.close",
        EXAMINED_ROWS,
        EXAMINED_ROWS,
    ),
}


SORTED_LISTS = {
    "/v1/cases": ("number", "opened_on", "next_review_on", "last_contact_on", "risk_level"),
    "/v1/referrals": ("urgency", "updated_at"),
}
REQUESTS |= {
    f"{path} of {team} by {sort}": build_request(caller, f"{path}?sort={sort}", ROWS_OF_TEAM)
    for path, sorts in SORTED_LISTS.items()
    for sort in sorts
    for team, caller in (("a team", "supervisor"), ("a team without cases", "supervisor_north"))
}
REQUESTS |= {
    f"all {path} with an unknown {name}": build_request("manager", f"{path}?{name}={UNKNOWN_ID}")
    for path, name in (
        ("/v1/cases", "lead_worker_id"), ("/v1/cases", "team_id"), ("/v1/referrals", "agency_id"),
        ("/v1/referrals", "team_id"), ("/v1/reviews", "team_id"), ("/v1/documents", "team_id"),
    )
}  # fmt: skip


@pytest.fixture(scope="module")
async def large_database(cluster: Cluster, app: FastAPI) -> AsyncIterator[LargeDatabase]:
    async with open_large_database(cluster, app) as database:
        yield database


@pytest.mark.parametrize("name", REQUESTS)
async def test_request_reads_few_rows_by_index(large_database: LargeDatabase, name: str) -> None:
    # Catches: an index or primary key that the request reads dropped; `MAX_EXAMINED_ROWS` of 50,000; in W1 a statement
    # that
    # counts the referrals; `is_indexed` of `ListQuery` always true; no `set_filters`.
    request = REQUESTS[name]
    path = request.get_path(large_database.generated)
    rows = await large_database.record_rows(request.caller, path, request.body)
    assert rows.scanned, "The plans are not in the log."
    assert rows.sequential_scans == set()
    assert max(rows.removed.values()) <= request.max_removed, rows.removed
    assert max(rows.scanned.values()) <= request.max_rows, rows.scanned


@pytest.mark.parametrize("name", REQUESTS)
async def test_statements_of_repeated_requests_reuse_their_plan(
    large_database: LargeDatabase, name: str
) -> None:
    # Catches: plan_cache_mode force_custom_plan in `app/access/log.py`; a W1 statement with a random literal, which
    # prevents plan reuse.
    request = REQUESTS[name]
    path = request.get_path(large_database.generated)
    plan_counts = await large_database.count_plans(request.caller, path, request.body)
    assert len(plan_counts) > 5, "The plans are not counted."
    assert {query: count for query, count in plan_counts.items() if count > MAX_PLANS} == {}
