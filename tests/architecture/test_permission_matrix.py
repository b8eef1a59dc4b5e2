"""The guard of every endpoint admits the roles listed in `permission_matrix.txt`.

The file repeats the policy on purpose, so that a change of permissions is visible in a review.
"""

import re
import uuid
from pathlib import Path

from fastapi import FastAPI

from tests.support.endpoints import list_endpoints
from tests.support.scenario import Scenario

ROLES = {
    "SW": "worker_north", "SU": "supervisor_north", "PM": "manager", "FO": "finance", "ME": "me_officer",
    "DP": "dpo", "AD": "admin", "PS": "partner_one", "RS": "reporting",
}  # fmt: skip
SIGN_OUT_ENDPOINT = ("DELETE", "/v1/me/sessions")
"""Tested last, because it ends the sessions of the callers."""
MATRIX = Path(__file__).with_name("permission_matrix.txt")


def load_matrix() -> dict[tuple[str, str], dict[str, str] | None]:
    """Return the mark of each role by endpoint, or None for a public endpoint."""
    matrix: dict[tuple[str, str], dict[str, str] | None] = {}
    for line in MATRIX.read_text().splitlines():
        if not line.startswith("#"):
            method, path, *marks = line.split()
            matrix[method, path] = None if marks == ["public"] else dict(zip(ROLES, marks, strict=True))
    return matrix


def test_matrix_lists_every_endpoint(app: FastAPI) -> None:
    # Catches: the line of POST /v1/cases/{case_id}/transfer removed.
    assert set(load_matrix()) == {(endpoint.method, endpoint.path) for endpoint in list_endpoints(app)}


async def test_guards_admit_the_roles_of_the_matrix(scenario: Scenario) -> None:
    # Catches: `case_transfer` granted to supervisors; `child_read` granted to the administrator.
    mismatches = []
    matrix = sorted(load_matrix().items(), key=lambda row: row[0] == SIGN_OUT_ENDPOINT)
    for (method, path), marks in matrix:
        url = re.sub(r"\{name\}", "urgency", path)
        url = re.sub(r"\{\w+\}", str(uuid.uuid4()), url)
        anonymous = await scenario.http.request(method, url)
        if marks is None:
            if anonymous.status_code == 403 and "X-Requested-With" not in anonymous.text:
                mismatches.append((method, path, "anonymous", anonymous.status_code))
            continue
        if anonymous.status_code != 401:
            mismatches.append((method, path, "anonymous", anonymous.status_code))
        for role, mark in marks.items():
            response = await scenario.client_for(ROLES[role]).request(method, url)
            is_forbidden = response.status_code == 403
            if is_forbidden != (mark == "-") or response.status_code in {401, 500}:
                mismatches.append((method, path, role, response.status_code))
    assert mismatches == []


async def test_request_forbidden_by_the_guard_is_in_the_access_log(scenario: Scenario) -> None:
    # Catches: the route without the step that writes the access entries.
    response = await scenario.finance.get("/v1/children")
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["outcome"], entry["status"], entry["act"]) == ("forbidden", 403, "child.search")
    assert entry["actor"]["id"] == str(scenario.finance.id)
