"""Role by endpoint, as one table written out in `matrix.txt`: a change of policy shows in review as a changed line."""

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
LAST = ("DELETE", "/v1/me/sessions")
"""Whoever does this is signed out."""
TABLE = Path(__file__).with_name("permission_matrix.txt")


def rows() -> dict[tuple[str, str], dict[str, str] | None]:
    """What each role meets at the door of each endpoint; None where there is no door."""
    found: dict[tuple[str, str], dict[str, str] | None] = {}
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            method, path, *marks = line.split()
            found[method, path] = None if marks == ["public"] else dict(zip(ROLES, marks, strict=True))
    return found


def test_the_table_names_every_endpoint_and_no_other(app: FastAPI) -> None:
    # Planted: the line of POST /v1/cases/{case_id}/transfer taken out.
    assert set(rows()) == {(found.method, found.path) for found in list_endpoints(app)}


async def test_every_role_meets_at_every_door_what_the_table_says(scenario: Scenario) -> None:
    # Planted: `case_transfer` given to supervisors; the administrator given `child_read`.
    wrong = []
    for (method, path), marks in sorted(rows().items(), key=lambda row: row[0] == LAST):
        somewhere = re.sub(r"\{name\}", "urgency", path)
        somewhere = re.sub(r"\{\w+\}", str(uuid.uuid4()), somewhere)
        stranger = await scenario.http.request(method, somewhere)
        if marks is None:
            if stranger.status_code == 403 and "X-Requested-With" not in stranger.text:
                wrong.append((method, path, "anonymous", stranger.status_code))
            continue
        if stranger.status_code != 401:
            wrong.append((method, path, "anonymous", stranger.status_code))
        for role, mark in marks.items():
            answer = await scenario.client_for(ROLES[role]).request(method, somewhere)
            refused = answer.status_code == 403
            if refused != (mark == "-") or answer.status_code in {401, 500}:
                wrong.append((method, path, role, answer.status_code))
    assert wrong == []


async def test_a_refusal_at_the_door_is_in_the_log(scenario: Scenario) -> None:
    # Planted: `_conclude` left out of the route.
    answer = await scenario.finance.get("/v1/children")
    (entry,) = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert (entry["outcome"], entry["status"], entry["act"]) == ("forbidden", 403, "child.search")
    assert entry["actor"]["id"] == str(scenario.finance.id)
