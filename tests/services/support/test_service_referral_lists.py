"""The list of service referrals of all cases: filters, orders, visible records, names and log entries."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kit.dates import today
from tests.support.case_lifecycle import create_case_path
from tests.support.list_pages import check_order, fetch_ids, fetch_items
from tests.support.payloads import BREAK_GLASS_PAYLOAD, VITAL_INTEREST_BASIS
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, patch_latest
from tests.support.row_factories import local_datetime
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import create_provider, create_service_referral
from tests.support.sql_statements import record_statements

REFERRALS = "/v1/service-referrals"
READERS = {
    "worker_north": ["draft", "sent"],
    "worker_north_2": ["draft", "sent"],
    "supervisor_north": ["draft", "sent"],
    "supervisor_south": ["south"],
    "supervisor_both": ["draft", "sent", "south"],
    "manager": ["draft", "sent", "south"],
    "worker_south": ["draft", "sent", "south"],
}
"""Service referrals that each caller can read, oldest first. worker_south reads the case of the team north by
break-glass."""

ORDER_OF_UPDATES = ("sent", "south", "draft")


async def create_referrals(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Create two service referrals in a case of the team north, and one in a case of the team south."""
    north = await create_case_path(scenario, "worker_north_2")
    south = f"/v1/cases/{(await scenario.open_case('worker_south'))['id']}"
    payload = {
        "provider_id": await create_provider(scenario), "service": "legal", "need": "A lawyer.",
        "shared_fields": ["age"], "basis_without_consent": VITAL_INTEREST_BASIS,
    }  # fmt: skip
    paths = {name: await create_service_referral(scenario, north) for name in ("draft", "sent")}
    expect_json(await scenario.worker_north.act(paths["sent"], "send"))
    created = await scenario.worker_south.post(f"{south}/service-referrals", payload)
    paths["south"] = str(created.headers["location"])
    expect_json(await patch_latest(scenario.worker_north, paths["draft"], {"need": "Fever."}))
    expect_json(await scenario.worker_south.post(f"{north}/break-glass", BREAK_GLASS_PAYLOAD))
    return {name: expect_json(await scenario.manager.get(path)) for name, path in paths.items()}


async def test_service_referral_list_contains_the_visible_cases_in_both_sort_directions(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the arm of the assigned cases removed; `created_at` as the sort value of `updated_at`.
    referrals = await create_referrals(scenario)
    for name, expected in READERS.items():
        caller, ids = scenario.client_for(name), [referrals[referral]["id"] for referral in expected]
        assert await fetch_ids(caller, REFERRALS) == ids[::-1], name
        await check_order(caller, REFERRALS, "created_at", ids)
        of_updates = [referrals[referral]["id"] for referral in ORDER_OF_UPDATES if referral in expected]
        await check_order(caller, REFERRALS, "updated_at", of_updates)
        async with open_transaction_as(api_connection, name, "service_referral.read"):
            rows = await api_connection.fetch("SELECT id::text FROM service_referrals ORDER BY created_at")
        assert [row["id"] for row in rows] == ids, name
    for name in ("finance", "me_officer", "dpo", "admin", "partner_one", "reporting"):
        expect_json(await scenario.client_for(name).get(REFERRALS), 403)


async def test_service_referral_filters_return_exactly_the_matching_records(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the filter by team compares the lead worker.
    referrals = await create_referrals(scenario)
    sent, south, day = referrals["sent"], referrals["south"], today() - timedelta(days=30)
    await superuser_connection.execute(
        "UPDATE service_referrals SET created_at = $1 WHERE id = $2", local_datetime(day, 23), UUID(sent["id"])
    )  # fmt: skip
    for params, names in (
        ({"status": "sent"}, {"sent"}),
        ({"status": "sent,draft"}, {"draft", "sent", "south"}),
        ({"service": "legal"}, {"south"}),
        ({"service": "legal,medical", "status": "draft"}, {"draft", "south"}),
        ({"provider_id": f"{sent['provider_id']},{south['provider_id']}"}, {"sent", "south"}),
        ({"case_id": sent["case_id"]}, {"draft", "sent"}),
        ({"team_id": str(id_of("south"))}, {"south"}),
        ({"lead_worker_id": f"{id_of('worker_north')},{id_of('worker_north_2')}"}, {"draft", "sent"}),
        ({"to": str(day)}, {"sent"}),
        ({"from": str(day), "to": str(day)}, {"sent"}),
        ({"from": str(day + timedelta(days=1))}, {"draft", "south"}),
    ):
        expected = {referrals[name]["id"] for name in names}
        assert set(await fetch_ids(scenario.manager, REFERRALS, **params)) == expected, params
        counted = await scenario.manager.get(REFERRALS, params={**params, "count": "true"})
        assert expect_json(counted)["total"] == len(expected), params
    for params in ({"status": "lost"}, {"sort": "status"}, {"from": "today"}):
        expect_json(await scenario.manager.get(REFERRALS, params=params), 422)


async def test_service_referral_summary_contains_names_but_no_texts(scenario: Scenario) -> None:
    referrals = await create_referrals(scenario)
    case = expect_json(await scenario.worker_north.get(f"/v1/cases/{referrals['sent']['case_id']}"))
    rows = {row["id"]: row for row in await fetch_items(scenario.worker_north, REFERRALS)}
    row = rows[referrals["sent"]["id"]]
    assert row.pop("child") == case["child"]
    assert row.pop("case") == {"id": case["id"], "number": case["number"]}
    assert row["sent_by"] == row["author"] == {"id": str(id_of("worker_north")), "name": "Worker North"}
    assert row == {field: referrals["sent"][field] for field in row}
    assert referrals["sent"].keys() - row.keys() == {
        "need", "basis_without_consent", "shared_fields", "shared", "answer", "reason", "outcome_note",
        "recall_note",
    }  # fmt: skip


async def test_service_referral_list_logs_only_the_returned_records(scenario: Scenario) -> None:
    # Catches: the row after the page in the log.
    cases = [await scenario.open_case() for _ in range(3)]
    for case in cases:
        await create_service_referral(scenario, f"/v1/cases/{case['id']}")
    newest = {case["child_id"] for case in cases[1:]}
    for caller in (scenario.worker_north, scenario.supervisor_north, scenario.manager):
        response = await caller.get(f"{REFERRALS}?limit=2")
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries} == newest


async def test_service_referral_list_uses_one_statement(scenario: Scenario) -> None:
    # Catches: each list counted as with `count=true`.
    await create_referrals(scenario)
    for caller in (scenario.worker_north, scenario.supervisor_north, scenario.manager):
        with record_statements(scenario) as statements:
            expect_json(await caller.get(f"{REFERRALS}?limit=2"))
        assert len(statements) == 1, statements
