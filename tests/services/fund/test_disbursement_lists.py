"""The list of disbursements: filters, orders, search, the work list, and visible records."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kit.dates import today
from app.schemas.disbursement_lists import DisbursementFilters
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    create_paid_disbursement,
    khr,
    payment_payload,
    usd,
)
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

DETAIL_FIELDS = ("child_id", "child", "area", "goal_id", "purpose", "other_support_sought", "reason")
READERS = (
    "worker_north",
    "worker_north_2",
    "worker_south",
    "supervisor_north",
    "supervisor_both",
    "manager",
    "finance",
)


async def list_ids(scenario: Scenario, by: str, **params: Any) -> list[str]:
    response = await scenario.client_for(by).get("/v1/disbursements", params={"limit": 200, **params})
    return [item["id"] for item in expect_json(response)["items"]]


def ids(*disbursements: dict[str, Any]) -> set[str]:
    return {disbursement["id"] for disbursement in disbursements}


async def create_disbursements_of_two_teams(scenario: Scenario) -> list[dict[str, Any]]:
    """Create two disbursements in the north and one in the south."""
    north, south = await scenario.open_case(), await scenario.open_case("worker_south")
    return [
        await create_disbursement(scenario, north),
        await create_disbursement(scenario, north, khr("40000")),
        await create_disbursement(scenario, south, by="worker_south"),
    ]


async def test_disbursement_list_contains_exactly_the_visible_disbursements(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: the arm `all` of finance officers replaced by the arms of their cases.
    await create_disbursements_of_two_teams(scenario)
    await superuser_connection.execute(
        "UPDATE users SET roles = $1 WHERE id = $2",
        ["social_worker", "finance_officer"],
        id_of("worker_north_2"),
    )
    for name in READERS:
        async with open_transaction_as(api_connection, name, "disbursement.read"):
            rows = await api_connection.fetch(
                "SELECT id::text FROM disbursements ORDER BY created_at DESC, id DESC"
            )
        visible = [row[0] for row in rows]
        assert await list_ids(scenario, name) == visible, name
        page = expect_json(await scenario.client_for(name).get("/v1/disbursements?limit=1&count=true"))
        assert page["total"] == len(visible), name
    assert len(await list_ids(scenario, "worker_north_2")) == 3


async def test_row_contains_names_and_hides_child_without_case(scenario: Scenario) -> None:
    # Catches: `child_id` missing from the fields that are null without the details.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_paid_disbursement(scenario, case, fund)
    (row,) = expect_json(await scenario.worker_north.get("/v1/disbursements"))["items"]
    path = f"/v1/disbursements/{disbursement['id']}"
    assert row == expect_json(await scenario.worker_north.get(path))
    assert row["child"] == case["child"]
    assert row["fund"] == {"id": fund["id"], "name": fund["name"]}
    staff = {
        field: row[field] and row[field]["name"]
        for field in ("requested_by", "approved_by", "paid_by", "ended_by")
    }
    assert staff == {
        "requested_by": "Worker North",
        "approved_by": "Supervisor North",
        "paid_by": "Finance",
        "ended_by": None,
    }
    response = await scenario.finance.get("/v1/disbursements")
    (hidden,) = expect_json(response)["items"]
    assert hidden == {**row, **dict.fromkeys(DETAIL_FIELDS)}
    assert case["child_id"] not in response.text
    # Catches: a filter `area`. A filter would reveal a field that finance officers do not see.
    assert set(DETAIL_FIELDS).isdisjoint(DisbursementFilters.model_fields)


async def test_disbursements_are_filtered(scenario: Scenario, superuser_connection: Any) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    south = await scenario.open_case("worker_south")
    first = await create_disbursement(scenario, case, category="education")
    family = await create_disbursement(scenario, case, beneficiary="family", category="health_care")
    riel = await create_disbursement(scenario, south, khr("40000"), by="worker_south")
    emergency = await create_disbursement(scenario, case, urgency="emergency")
    emergency = await act_on_disbursement(
        scenario.finance, emergency, "pay", payment_payload(fund_id=fund["id"])
    )
    approved = await create_approved_disbursement(scenario, case, fund)
    day = today() - timedelta(days=30)
    await superuser_connection.execute(
        "UPDATE disbursements SET created_at = created_at - interval '30 days' WHERE id = $1",
        UUID(first["id"]),
    )
    await superuser_connection.execute(
        "UPDATE disbursements SET approval_due_on = $1 WHERE id = $2", day, UUID(emergency["id"])
    )
    everything = ids(first, family, riel, emergency, approved)
    for params, expected in (
        ({"status": "approved,paid"}, ids(emergency, approved)),
        ({"case_id": south["id"]}, ids(riel)),
        ({"fund_id": fund["id"]}, ids(emergency, approved)),
        ({"category": "education,health_care"}, ids(first, family)),
        ({"beneficiary": "family,supporter"}, ids(family)),
        ({"urgency": "emergency"}, ids(emergency)),
        ({"currency": "KHR"}, ids(riel)),
        ({"requested_by_id": str(id_of("worker_south"))}, ids(riel)),
        ({"requested_to": day.isoformat()}, ids(first)),
        ({"requested_from": day.isoformat(), "requested_to": today().isoformat()}, everything),
        ({"requested_from": (day + timedelta(days=1)).isoformat()}, everything - ids(first)),
        ({"approval_overdue": "true"}, ids(emergency)),
        ({"approval_overdue": "false"}, everything - ids(emergency)),
        ({"q": first["number"]}, ids(first)),
        ({"q": f"a {today().year}/{int(first['number'][-5:])}"}, ids(first)),
        ({"q": south["number"].lower()}, ids(riel)),
        ({"q": case["number"], "status": "approved"}, ids(approved)),
        ({"q": "bus company"}, set()),
        ({"status": "requested", "currency": "USD"}, ids(first, family)),
    ):
        for caller in ("manager", "finance"):
            assert set(await list_ids(scenario, caller, **params)) == expected, params
            counted = await scenario.client_for(caller).get(
                "/v1/disbursements", params={**params, "count": "true"}
            )
            assert expect_json(counted)["total"] == len(expected), params
    for hidden in (
        {"case_id": south["id"]},
        {"requested_by_id": str(id_of("worker_south"))},
        {"q": riel["number"]},
    ):
        assert await list_ids(scenario, "worker_north", **hidden) == [], hidden
    for invalid in (
        {"status": "open"},
        {"sort": "payee"},
        {"awaiting": "finance"},
        {"q": "A-2026-1", "sort": "amount"},
    ):
        expect_json(await scenario.manager.get("/v1/disbursements", params=invalid), 422)


async def test_disbursements_are_sorted_in_both_directions(scenario: Scenario) -> None:
    case = await scenario.open_case()
    amounts = (usd("30.00"), usd("10.00"), usd("20.00"), usd("10.00"))
    disbursements = [await create_disbursement(scenario, case, amount) for amount in amounts]
    disbursements[1] = await act_on_disbursement(scenario.worker_north, disbursements[1], "cancel")
    for sort, key in {
        "created_at": lambda item: item["created_at"],
        "updated_at": lambda item: item["updated_at"],
        "amount": lambda item: (int(item["amount"]["amount"][:2]), item["id"]),
    }.items():
        expected = [item["id"] for item in sorted(disbursements, key=key)]
        for caller in ("worker_north", "supervisor_north", "manager", "finance"):
            assert await list_ids(scenario, caller, sort=sort) == expected, (sort, caller)
            assert await list_ids(scenario, caller, sort=f"-{sort}") == expected[::-1], (sort, caller)
            first = expect_json(
                await scenario.client_for(caller).get(f"/v1/disbursements?limit=2&sort={sort}")
            )
            rest = await list_ids(scenario, caller, sort=sort, cursor=first["next_cursor"])
            assert [item["id"] for item in first["items"]] + rest == expected, (sort, caller)
    for changed in (
        {"sort": "created_at"},
        {"sort": "amount", "status": "requested"},
        {"sort": "amount", "awaiting": "me"},
    ):
        params = {**changed, "cursor": first["next_cursor"]}
        expect_json(await scenario.finance.get("/v1/disbursements", params=params), 422)


async def test_work_list_contains_the_next_acts_of_the_caller(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: each condition of `disbursement_scope` removed in turn.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    south = await scenario.open_case("worker_south")
    small = await create_disbursement(scenario, case)
    large = await create_disbursement(scenario, case, usd("250.00"))
    series = await create_disbursement(scenario, case, usd("60.00"), months=3)
    long_series = await create_disbursement(scenario, case, usd("60.00"), months=4)
    southern = await create_disbursement(scenario, south, by="worker_south")
    own = await create_disbursement(scenario, case, by="supervisor_north")
    approved = await create_approved_disbursement(scenario, case, fund)
    later = await create_disbursement(scenario, case, starts_on=(today() + timedelta(days=3)).isoformat())
    later = await act_on_disbursement(scenario.supervisor_north, later, "approve", {"fund_id": fund["id"]})
    paid = await create_paid_disbursement(scenario, case, fund)
    emergency = await create_disbursement(scenario, case, urgency="emergency")
    costly_emergency = await create_disbursement(scenario, case, usd("51.00"), urgency="emergency")
    paid_first = await create_disbursement(scenario, case, urgency="emergency")
    await act_on_disbursement(scenario.finance, paid_first, "pay", payment_payload(fund_id=fund["id"]))
    of_north = ids(small, series, emergency, costly_emergency, paid_first)
    undecided = of_north | ids(large, long_series, southern, own)
    to_process = ids(approved, paid, emergency)
    for caller, expected in {
        "worker_north": set(),
        "supervisor_north": of_north,
        "supervisor_south": ids(southern),
        "supervisor_both": of_north | ids(southern, own),
        "manager": undecided,
        "finance": to_process,
    }.items():
        assert set(await list_ids(scenario, caller, awaiting="me")) == expected, caller
        page = expect_json(
            await scenario.client_for(caller).get("/v1/disbursements?awaiting=me&count=true&limit=1")
        )
        assert page["total"] == len(expected), caller
    assert set(await list_ids(scenario, "finance", awaiting="me", status="paid")) == ids(paid)
    await superuser_connection.execute(
        "UPDATE users SET roles = $1 WHERE id = ANY ($2)",
        ["social_worker", "supervisor", "finance_officer"],
        [id_of("supervisor_north"), id_of("worker_north")],
    )
    own_payment = await create_disbursement(scenario, case, urgency="emergency")
    await act_on_disbursement(
        scenario.supervisor_north, own_payment, "pay", payment_payload(fund_id=fund["id"])
    )
    both = await list_ids(scenario, "supervisor_north", awaiting="me")
    # The supervisor approved `approved` and paid `own_payment`, so another person takes the next step.
    assert len(both) == len(set(both))
    assert set(both) == of_north | ids(paid)
    assert not set(await list_ids(scenario, "worker_north", awaiting="me")) & to_process
    await act_on_disbursement(scenario.worker_north, series, "cancel")
    (second,) = set(await list_ids(scenario, "supervisor_both", awaiting="me", category="transport")) - (
        of_north | ids(southern, own, own_payment)
    )
    instalment = expect_json(await scenario.supervisor_both.get(f"/v1/disbursements/{second}"))
    assert (instalment["series_id"], instalment["instalment"]) == (series["id"], 2)


async def test_only_returned_disbursements_are_logged_and_one_statement_reads_them(
    scenario: Scenario,
) -> None:
    disbursements = await create_disbursements_of_two_teams(scenario)
    children = {await _get_child_id(scenario, item) for item in disbursements[1:]}
    for path, logged, statement_count in (
        ("?limit=2", children, 1),
        ("?limit=2&count=true", children, 2),
        ("?awaiting=me&status=requested", set(), 1),
        (f"?q={disbursements[2]['number']}", {await _get_child_id(scenario, disbursements[2])}, 1),
    ):
        with record_statements(scenario) as statements:
            response = await scenario.finance.get(f"/v1/disbursements{path}")
        assert len(statements) == statement_count, (path, statements)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries if entry["child_id"]} == logged, path
    with record_statements(scenario) as statements:
        await scenario.worker_north.get(f"/v1/disbursements/{disbursements[0]['id']}")
        await scenario.finance.get("/v1/unreceipted-money")
    assert len(statements) == 2, statements


async def _get_child_id(scenario: Scenario, disbursement: dict[str, Any]) -> Any:
    case = expect_json(await scenario.manager.get(f"/v1/cases/{disbursement['case_id']}"))
    return case["child_id"]
