"""The work of the main screens of a front-end: requests, entries in the access log, and SQL statements."""

from dataclasses import dataclass
from typing import Any

from app.models import Disbursement
from tests.support.responses import expect_json
from tests.support.row_factories import (
    SUPERVISOR_ID,
    WORKER_ID,
    date_in_days,
    insert_case_copies,
    insert_row,
)
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements

ROWS = 25


@dataclass(frozen=True)
class Request:
    """A request of a screen, with the number of SQL statements that read its records."""

    caller: str
    path: str
    statements: int
    entries_per_row: int = 1
    """Number of items, each with an entry in the access log. A request without items has one entry."""


SCREENS = {
    "my day": [
        Request("worker_north", "/v1/me/agenda?limit={rows}", 2),
        Request("worker_north", "/v1/me/counts", 3, entries_per_row=0),
    ],
    "caseload": [Request("worker_north", "/v1/cases?sort=-risk_level&limit={rows}", 1)],
    "case": [Request("worker_south", "/v1/cases/{case_id}/file", 16, entries_per_row=0)],
    "approvals of a supervisor": [Request("supervisor_north", "/v1/me/agenda?kind=approval&limit={rows}", 1)],
    "approvals of a programme manager": [Request("manager", "/v1/me/agenda?kind=approval&limit={rows}", 1)],
    "approvals of a finance officer": [Request("finance", "/v1/disbursements?awaiting=me&limit={rows}", 1)],
    "intake queue": [
        Request("supervisor_north", "/v1/referrals?status=received&sort=urgency&limit={rows}", 1)
    ],
}


async def insert_rows(scenario: Scenario, superuser: Any, original: dict[str, Any], count: int) -> None:
    """Insert `count` rows for each screen: cases with a review that is due, disbursements and referrals."""
    for case in await insert_case_copies(superuser, original, count):
        for status, approver in (("requested", None), ("approved", SUPERVISOR_ID)):
            disbursement = Disbursement(
                child_id=case.child_id, case_id=case.id, number=f"{status} {case.id}", case_number=case.number,
                beneficiary="child", category="transport", amount=1250, currency="USD", urgency="routine",
                status=status, release_on=date_in_days(0), requested_by_id=WORKER_ID, approved_by_id=approver,
            )  # fmt: skip
            await insert_row(superuser, disbursement)
        await scenario.create_referral()


async def test_screens_use_a_fixed_number_of_requests_and_statements(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the row after a page in the log; each list counted as with `count=true`.
    original = await scenario.open_case("worker_south")
    await insert_rows(scenario, superuser_connection, original, 1)  # one row after each page
    for rows in (ROWS, 2 * ROWS):
        await insert_rows(scenario, superuser_connection, original, ROWS)
        for screen, requests in SCREENS.items():
            for request in requests:
                with record_statements(scenario) as statements:
                    response = await scenario.client_for(request.caller).get(
                        request.path.format(case_id=original["id"], rows=rows)
                    )
                items = expect_json(response).get("items", [])
                assert len(items) == rows * request.entries_per_row, screen
                assert len(statements) == request.statements, (screen, statements)
                entries = await scenario.list_access_entries(response.headers["x-request-id"])
                named = {entry["record"] and entry["record"]["id"] for entry in entries}
                assert len(named) == len(entries) == max(len(items), 1), screen
