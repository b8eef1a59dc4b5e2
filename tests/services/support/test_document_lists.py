"""The list of documents of all cases: filters, order, visible records, tiers, names and log entries."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.kit.dates import today
from tests.support.case_lifecycle import create_case_path
from tests.support.documents import upload_document
from tests.support.list_pages import check_order, fetch_ids, fetch_items
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.row_factories import local_datetime
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

DOCUMENTS = "/v1/documents"
READERS = {
    "worker_north": ["letter", "police", "clinical"],
    "worker_north_2": ["letter", "police"],
    "supervisor_north": ["letter", "police", "clinical"],
    "supervisor_both": ["letter", "police", "clinical", "south"],
    "manager": ["letter", "police", "south"],
    "worker_south": ["letter", "south"],
}
"""Documents that each caller can read, oldest first. worker_south reads the case of the team north by break-glass."""


async def create_documents(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Create documents of three tiers in a case of the team north, and one in a case of the team south."""
    north = await create_case_path(scenario, "worker_north_2")
    south = f"/v1/cases/{(await scenario.open_case('worker_south'))['id']}"
    documents = {
        "letter": await upload_document(scenario, north),
        "police": await upload_document(scenario, north, kind="police"),
        "clinical": await upload_document(scenario, north, kind="drawing", tier="clinical"),
        "south": await upload_document(scenario, south, "worker_south", kind="drawing"),
    }
    expect_json(await scenario.worker_south.post(f"{north}/break-glass", BREAK_GLASS_PAYLOAD))
    return documents


async def test_document_list_contains_the_readable_tiers_in_both_sort_directions(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the arm of the assigned cases removed; the policy `visible_by_tier` without the tier.
    documents = await create_documents(scenario)
    for name, expected in READERS.items():
        ids = [documents[document]["id"] for document in expected]
        await check_order(scenario.client_for(name), DOCUMENTS, "created_at", ids)
        assert await fetch_ids(scenario.client_for(name), DOCUMENTS) == ids[::-1], name
        async with open_transaction_as(api_connection, name, "document.read"):
            rows = await api_connection.fetch("SELECT id::text FROM documents ORDER BY created_at")
        assert [row["id"] for row in rows] == ids, name
    assert await fetch_ids(scenario.supervisor_south, DOCUMENTS) == [documents["south"]["id"]]
    for name in ("finance", "me_officer", "dpo", "admin", "partner_one", "reporting"):
        expect_json(await scenario.client_for(name).get(DOCUMENTS), 403)


async def test_document_filters_return_exactly_the_matching_documents(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the day of `to` excluded; the filter by team compares the lead worker.
    documents = await create_documents(scenario)
    letter, south, day = documents["letter"], documents["south"], today() - timedelta(days=30)
    await superuser_connection.execute(
        "UPDATE documents SET created_at = $1 WHERE id = $2", local_datetime(day, 23), UUID(letter["id"])
    )
    for params, names in (
        ({"kind": "letter"}, {"letter"}),
        ({"kind": "police,drawing"}, {"police", "clinical", "south"}),
        ({"tier": "legal,clinical"}, {"police", "clinical"}),
        ({"case_id": south["case_id"]}, {"south"}),
        ({"team_id": str(id_of("north")), "kind": "drawing"}, {"clinical"}),
        ({"team_id": f"{id_of('north')},{id_of('south')}"}, set(documents)),
        ({"lead_worker_id": str(id_of("worker_south"))}, {"south"}),
        ({"lead_worker_id": str(id_of("worker_north_2"))}, set()),
        ({"about_id": letter["id"]}, set()),
        ({"to": str(day)}, {"letter"}),
        ({"from": str(day), "to": str(day)}, {"letter"}),
        ({"from": str(day + timedelta(days=1))}, {"police", "clinical", "south"}),
        ({"to": str(day - timedelta(days=1))}, set()),
    ):
        expected = {documents[name]["id"] for name in names}
        assert set(await fetch_ids(scenario.supervisor_both, DOCUMENTS, **params)) == expected, params
        counted = await scenario.supervisor_both.get(DOCUMENTS, params={**params, "count": "true"})
        assert expect_json(counted)["total"] == len(expected), params
    for params in ({"kind": "poem"}, {"sort": "title"}, {"from": "today"}, {"since": str(day)}):
        expect_json(await scenario.supervisor_both.get(DOCUMENTS, params=params), 422)


async def test_document_summary_contains_the_child_and_the_case(scenario: Scenario) -> None:
    documents = await create_documents(scenario)
    case = expect_json(await scenario.worker_north.get(f"/v1/cases/{documents['letter']['case_id']}"))
    for row in await fetch_items(scenario.worker_north, DOCUMENTS):
        extra = {"child": case["child"], "case": {"id": case["id"], "number": case["number"]}}
        assert row == {**expect_json(await scenario.worker_north.get(f"{DOCUMENTS}/{row['id']}")), **extra}
        assert row["author"] == {"id": str(id_of("worker_north")), "name": "Worker North"}
        assert datetime.fromisoformat(row["created_at"]).tzinfo is not None


async def test_document_list_logs_only_the_returned_documents(scenario: Scenario) -> None:
    # Catches: the row after the page in the log.
    cases = [await scenario.open_case() for _ in range(3)]
    for case in cases:
        await upload_document(scenario, f"/v1/cases/{case['id']}")
    newest = {case["child_id"] for case in cases[1:]}
    for caller in (scenario.worker_north, scenario.supervisor_north, scenario.manager):
        response = await caller.get(f"{DOCUMENTS}?limit=2")
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries} == newest
        assert {entry["record"]["kind"] for entry in entries} == {"document"}


async def test_document_list_uses_one_statement(scenario: Scenario) -> None:
    # Catches: each list counted as with `count=true`.
    await create_documents(scenario)
    for caller in (scenario.worker_north, scenario.supervisor_north, scenario.manager):
        with record_statements(scenario) as statements:
            expect_json(await caller.get(f"{DOCUMENTS}?limit=2"))
        assert len(statements) == 1, statements
