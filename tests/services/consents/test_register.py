"""The consent register across cases: filters, orders, visible records, and names."""

import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.list_pages import check_order, fetch_ids, fetch_items
from tests.support.payloads import SHARING_CONSENT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

REGISTER = "/v1/consents"
SAFE_STEPS = str(id_of("Safe Steps"))


async def record_consents(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Record one entry with each status in a case of the team north, and return them by status."""
    worker, case = scenario.worker_north, await scenario.open_case()
    yesterday = (today() - timedelta(days=1)).isoformat()
    entries = {}
    for name, changes in {
        "given": {"on": "2026-01-13", "valid_until": today().isoformat(), "recipient_agency_id": SAFE_STEPS},
        "expired": {"on": "2026-01-11", "valid_until": yesterday},
        "refused": {"on": "2026-01-14", "status": "refused"},
        "withdrawn": {"on": "2026-01-12"},
    }.items():
        response = await worker.post(
            f"/v1/cases/{case['id']}/consents", {**SHARING_CONSENT_PAYLOAD, **changes}
        )
        entries[name] = expect_json(response, 201)
    path = f"{REGISTER}/{entries['withdrawn']['id']}"
    entries["withdrawn"] = expect_json(await worker.act(path, "withdraw", {"reason": "x"}))
    return entries


async def test_consent_register_filters_return_exactly_the_matching_entries(scenario: Scenario) -> None:
    # Catches: the condition of `given` without `valid_until IS NULL`; `withdrawn` without its own condition.
    entries = await record_consents(scenario)
    (of_referral,) = set(await fetch_ids(scenario.dpo, REGISTER)) - {
        entry["id"] for entry in entries.values()
    }
    other = await scenario.open_case("worker_south")
    (of_other,) = await fetch_ids(scenario.dpo, REGISTER, case_id=other["id"])
    for status, expected in {
        "given": {entries["given"]["id"], of_referral, of_other},
        **{status: {entries[status]["id"]} for status in ("expired", "refused", "withdrawn")},
    }.items():
        items = await fetch_items(scenario.dpo, REGISTER, status=status)
        assert {(item["id"], item["status"]) for item in items} == {(item, status) for item in expected}
    for params, names in (
        ({"recipient_agency_id": f"{SAFE_STEPS},{id_of('Helping Hands')}"}, {"given"}),
        ({"recipient_agency_id": str(uuid.uuid4())}, set()),
        ({"from": "2026-01-14", "to": "2026-01-14"}, {"refused"}),
        ({"from": "2026-01-12", "to": "2026-01-13"}, {"given", "withdrawn"}),
        ({"status": "refused", "child_id": other["child_id"]}, set()),
    ):
        assert set(await fetch_ids(scenario.dpo, REGISTER, **params)) == {
            entries[name]["id"] for name in names
        }, params
        counted = await scenario.dpo.get(REGISTER, params={**params, "count": "true"})
        assert expect_json(counted)["total"] == len(names)
    for params in ({"status": "given,refused"}, {"sort": "status"}, {"from": "2026"}):
        expect_json(await scenario.dpo.get(REGISTER, params=params), 422)


async def test_register_is_sorted_in_both_directions(scenario: Scenario) -> None:
    entries = await record_consents(scenario)
    case_id = entries["given"]["case_id"]
    in_order_of_creation = (await fetch_ids(scenario.dpo, REGISTER))[::-1]
    (of_referral,) = set(in_order_of_creation) - {entry["id"] for entry in entries.values()}
    (given_on,) = {
        item["on"] for item in await fetch_items(scenario.dpo, REGISTER) if item["id"] == of_referral
    }
    assert not "2026-01-11" <= given_on <= "2026-01-14"
    in_order_of_day = [entries[name]["id"] for name in ("expired", "withdrawn", "given", "refused")]
    in_order_of_day.insert(0 if given_on < "2026-01-11" else 4, of_referral)
    for caller in (scenario.dpo, scenario.worker_north, scenario.supervisor_north, scenario.manager):
        assert await fetch_ids(caller, f"/v1/cases/{case_id}/consents", limit=2) == in_order_of_creation[::-1]
        await check_order(caller, REGISTER, "created_at", in_order_of_creation)
        await check_order(caller, REGISTER, "on", in_order_of_day)


async def test_register_contains_the_entries_that_the_caller_can_see(scenario: Scenario) -> None:
    # Catches: data protection officers missing from `roles_with_all`.
    north, south = await scenario.open_case(), await scenario.open_case("worker_south")
    ids = {
        name: await fetch_ids(caller, REGISTER)
        for name, caller in (
            ("worker_north", scenario.worker_north),
            ("worker_north_2", scenario.client_for("worker_north_2")),
            ("supervisor_south", scenario.client_for("supervisor_south")),
            ("manager", scenario.manager),
            ("dpo", scenario.dpo),
        )
    }
    of_north = await fetch_ids(scenario.dpo, f"/v1/cases/{north['id']}/consents")
    of_south = await fetch_ids(scenario.dpo, f"/v1/cases/{south['id']}/consents")
    assert ids == {
        "worker_north": of_north,
        "worker_north_2": [],
        "supervisor_south": of_south,
        "manager": [*of_south, *of_north],
        "dpo": [*of_south, *of_north],
    }
    assert await fetch_ids(scenario.worker_north, REGISTER, case_id=south["id"]) == []


async def test_entry_contains_the_names_of_staff_and_agency(scenario: Scenario) -> None:
    entries = await record_consents(scenario)
    worker = {"id": str(scenario.worker_north.id), "name": "Worker North"}
    assert entries["given"]["recipient_agency"] == {"id": SAFE_STEPS, "name": "Safe Steps"}
    assert (entries["given"]["recorded_by"], entries["given"]["withdrawn_by"]) == (worker, None)
    assert entries["withdrawn"]["withdrawn_by"] == worker
    listed = {item["id"]: item for item in await fetch_items(scenario.dpo, REGISTER)}
    for entry in entries.values():
        assert entry.pop("shared_before") == []
        assert listed[entry["id"]] == entry
        assert expect_json(await scenario.dpo.get(f"{REGISTER}/{entry['id']}")) == entry


async def test_register_logs_the_returned_rows_and_uses_one_statement(scenario: Scenario) -> None:
    cases = [await scenario.open_case() for _ in range(3)]
    for path, expected_count in ((f"{REGISTER}?limit=2", 1), (f"{REGISTER}?limit=2&count=true", 2)):
        with record_statements(scenario) as statements:
            response = await scenario.dpo.get(path)
        assert len(statements) == expected_count, statements
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries} == {case["child_id"] for case in cases[1:]}
    path = f"/v1/cases/{cases[0]['id']}/consents"
    with record_statements(scenario) as statements:
        expect_json(await scenario.worker_north.get(path))
    assert len(statements) == 1, statements
    expect_json(await scenario.worker_south.get(path), 404)
