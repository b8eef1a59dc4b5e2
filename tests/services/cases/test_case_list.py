"""The lists of cases and children: filters, orders, search, totals, and visible records."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest

from app.kit.dates import today
from app.services.cases.search import parse_case_numbers
from tests.support.list_pages import fetch_ids
from tests.support.payloads import AUNT_PAYLOAD, BILINGUAL_NAMES
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import STAFF, Scenario, acceptance_payload, id_of, referral_payload
from tests.support.sql_statements import record_statements

EMERGENCY = {"reason": "The child is in hospital now."}


async def set_columns(superuser: Any, case: dict[str, Any], **values: Any) -> None:
    for name, value in values.items():
        await superuser.execute(f"UPDATE cases SET {name} = $1 WHERE id = $2", value, uuid.UUID(case["id"]))  # noqa: S608


async def list_ids(scenario: Scenario, by: str, path: str = "/v1/cases", **params: Any) -> list[str]:
    response = expect_json(await scenario.client_for(by).get(path, params={"limit": 200, **params}))
    return [item["id"] for item in response["items"]]


async def open_named_case(scenario: Scenario, family: str, given: str, **child: Any) -> dict[str, Any]:
    names = [{"script": "latin", "family": family, "given": given}]
    return await scenario.open_case(child={**referral_payload()["child"], "names": names, **child})


async def test_lists_contain_exactly_the_visible_records(scenario: Scenario, api_connection: Any) -> None:
    # Catches: each arm of `CaseScope` removed in turn.
    north = [await scenario.open_case(lead) for lead in ("worker_north", "worker_north_2", "worker_north")]
    south = [await scenario.open_case("worker_south") for _ in range(3)]
    staff = {"lead_worker_id": north[0]["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{north[0]['id']}", "assign", staff))
    link = {"linked_case_id": south[0]["id"], "reason": "They are cousins."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{north[2]['id']}/links", link), 201)
    expect_json(await scenario.worker_north.post(f"/v1/cases/{south[1]['id']}/break-glass", EMERGENCY))
    listed_counts = set()
    for name, (roles, _) in STAFF.items():
        if not {"social_worker", "supervisor", "programme_manager"} & set(roles):
            continue
        async with open_transaction_as(api_connection, name):
            visible_cases = [
                str(row[0])
                for row in await api_connection.fetch(
                    "SELECT id FROM cases ORDER BY created_at DESC, id DESC"
                )
            ]
            visible_children = [
                str(row[0])
                for row in await api_connection.fetch(
                    "SELECT id FROM children ORDER BY created_at DESC, id DESC"
                )
            ]
        assert await list_ids(scenario, name) == visible_cases, name
        assert await list_ids(scenario, name, "/v1/children") == visible_children, name
        page = expect_json(await scenario.client_for(name).get("/v1/cases?limit=1&count=true"))
        assert (page["total"], page["total_is_capped"]) == (len(visible_cases), False), name
        listed_counts.add(len(visible_cases))
    assert listed_counts == {2, 3, 6} | listed_counts


async def test_child_with_several_cases_is_listed_once_at_its_first_visible_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `IS_FIRST_CASE` removed, then its comparison reversed.
    cases = [await scenario.open_case(lead) for lead in ("worker_north", "worker_north", "worker_south")]
    first, second, south = [case["child_id"] for case in cases]
    await set_columns(superuser_connection, cases[0], status="closed")
    referral = await scenario.create_referral()
    expect_json(await scenario.supervisor_both.act(f"/v1/referrals/{referral['id']}", "acknowledge"))
    acceptance = acceptance_payload("worker_south", child_id=first)
    expect_json(await scenario.supervisor_both.act(f"/v1/referrals/{referral['id']}", "accept", acceptance))
    for name, expected in (
        ("manager", [south, second, first]),
        ("supervisor_both", [south, second, first]),
        ("worker_north", [second, first]),
        ("worker_south", [first, south]),
    ):
        caller = scenario.client_for(name)
        for limit in (1, 2, 200):
            assert await fetch_ids(caller, "/v1/children", limit=limit) == expected, (name, limit)
        assert expect_json(await caller.get("/v1/children?count=true"))["total"] == len(expected), name


async def test_case_summaries_contain_names(scenario: Scenario) -> None:
    case = await scenario.open_case()
    (row,) = expect_json(await scenario.worker_north.get("/v1/cases"))["items"]
    assert row["lead_worker"] == {"id": case["lead_worker_id"], "name": "Worker North"}
    assert row["team"] == {"id": case["team_id"], "name": "north"}
    assert row["province"] == {"code": "17", "name_km": "សៀមរាប", "name_en": "Siemreap"}
    assert {name: case[name] for name in row if name in case} == {
        name: value for name, value in row.items() if name in case
    }
    next_step = {name: row[name] for name in ("review_overdue", "overdue_actions", "waiting_for")}
    assert next_step == {"review_overdue": False, "overdue_actions": 0, "waiting_for": "assessment"}
    child = expect_json(await scenario.worker_north.get(f"/v1/children/{case['child_id']}"))
    assert child["place"] == {"code": "1710", "name_km": "សៀមរាប", "name_en": "Siem Reab"}
    assert expect_json(await scenario.worker_north.get("/v1/children"))["items"] == [child]


async def test_cases_are_filtered_by_several_values_and_ranges(
    scenario: Scenario, superuser_connection: Any
) -> None:
    low, high, south = [
        await scenario.open_case(lead) for lead in ("worker_north", "worker_north_2", "worker_south")
    ]
    day = today() - timedelta(days=400)
    await set_columns(superuser_connection, low, risk_level="low", kind="hsb", opened_on=day)
    await set_columns(superuser_connection, high, risk_level="high", status="planning", province_code="12")
    await set_columns(superuser_connection, south, next_review_on=today() - timedelta(days=1))
    await set_columns(superuser_connection, low, next_review_on=today())
    changed_at = expect_json(await scenario.manager.get(f"/v1/cases/{south['id']}"))["updated_at"]
    for params, expected in (
        ({"status": "assessment,planning"}, [low, high, south]),
        ({"status": "planning"}, [high]),
        ({"kind": "hsb,both"}, [low]),
        ({"risk_level": "high,low"}, [low, high]),
        ({"risk_level": "medium"}, []),
        ({"province_code": "12,17"}, [low, high, south]),
        ({"province_code": "12"}, [high]),
        ({"team_id": f"{id_of('north')},{id_of('south')}"}, [low, high, south]),
        ({"lead_worker_id": f"{id_of('worker_north_2')},{id_of('worker_south')}"}, [high, south]),
        ({"review_overdue": "true"}, [south]),
        ({"review_overdue": "false"}, [low, high]),
        ({"opened_to": day.isoformat()}, [low]),
        ({"opened_from": (day + timedelta(days=1)).isoformat()}, [high, south]),
        ({"updated_since": changed_at, "team_id": str(id_of("south"))}, [south]),
        ({"updated_since": "2199-12-31T16:59:59Z"}, []),
        ({"child_id": low["child_id"]}, [low]),
        ({"number": south["number"]}, [south]),
        ({"status": "assessment", "risk_level": "high"}, []),
    ):
        ids = await list_ids(scenario, "manager", **params)
        assert set(ids) == {case["id"] for case in expected}, params
        counted = await scenario.manager.get("/v1/cases", params={**params, "count": "true"})
        assert expect_json(counted)["total"] == len(expected), params
    assert await list_ids(scenario, "worker_north", lead_worker_id=str(id_of("worker_south"))) == []
    for params in ({"status": "open"}, {"sort": "team"}, {"risk_level": "low,"}, {"province_code": "1"}):
        expect_json(await scenario.manager.get("/v1/cases", params=params), 422)


async def test_cases_are_sorted_in_both_directions(scenario: Scenario, superuser_connection: Any) -> None:
    cases = [await scenario.open_case() for _ in range(4)]
    values: list[dict[str, Any]] = [
        {"risk_level": "medium", "next_review_on": date(2026, 3, 1), "opened_on": date(2025, 1, 1)},
        {"risk_level": None, "next_review_on": None, "opened_on": date(2024, 1, 1)},
        {"risk_level": "high", "next_review_on": date(2026, 1, 1), "opened_on": date(2026, 1, 1)},
        {"risk_level": "low", "next_review_on": date(2026, 2, 1), "opened_on": date(2023, 1, 1)},
    ]
    contacts = [date(2026, 1, 4), date(2026, 1, 3), None, date(2026, 1, 5)]
    for case, columns, last_contact_on in zip(cases, values, contacts, strict=True):
        await set_columns(superuser_connection, case, **columns, last_contact_on=last_contact_on)
    for sort, order in {
        "created_at": [0, 1, 2, 3],
        "number": [0, 1, 2, 3],
        "opened_on": [3, 1, 0, 2],
        "next_review_on": [2, 3, 0, 1],
        "risk_level": [1, 3, 0, 2],
        "last_contact_on": [2, 1, 0, 3],
    }.items():
        expected = [cases[index]["id"] for index in order]
        for caller in ("worker_north", "supervisor_north", "manager"):
            assert await list_ids(scenario, caller, sort=sort) == expected, sort
            assert await list_ids(scenario, caller, sort=f"-{sort}") == expected[::-1], sort
            first = expect_json(await scenario.client_for(caller).get(f"/v1/cases?limit=2&sort={sort}"))
            rest = await list_ids(scenario, caller, sort=sort, cursor=first["next_cursor"])
            assert [item["id"] for item in first["items"]] + rest == expected, sort


async def test_cases_are_searched_by_name_number_and_phone(scenario: Scenario) -> None:
    # Catches: contacts missing from the search by phone; the relevance replaced by the time of creation.
    similar = await open_named_case(scenario, "Chhorn", "Sokhaa")
    exact = await open_named_case(scenario, "Chhorn", "Sokha")
    khmer = await scenario.open_case(child={**referral_payload()["child"], "names": BILINGUAL_NAMES[1:]})
    reachable = await open_named_case(
        scenario, "Pich", "Dara", phone={"number": "011 222 333", "owner": "self", "safe_to_call": True}
    )
    grandmother = {**AUNT_PAYLOAD, "role": "family", "relationship": "grandmother"}
    expect_json(await scenario.worker_north.post(f"/v1/cases/{khmer['id']}/people", grandmother), 201)
    assert await list_ids(scenario, "manager", q="012345670") == []
    serial = int(exact["number"].rpartition("-")[2])
    year = exact["number"][4:8]
    for caller in ("worker_north", "supervisor_north", "manager"):
        assert await list_ids(scenario, caller, q="chhorn sokha") == [exact["id"], similar["id"]]
        assert await list_ids(scenario, caller, q="កែវ") == [khmer["id"]]
        assert await list_ids(scenario, caller, q="+855 11 222 333") == [reachable["id"]]
        assert await list_ids(scenario, caller, q="012345679") == [khmer["id"]]
        for number in (
            exact["number"],
            f"fsc {year}/{serial}",
            f"{year}-{serial:04d}",
            f"{serial:04d}",
            f"ＦＳＣ\u2011{year}\u2013{serial:04d}\u200b",
        ):
            assert await list_ids(scenario, caller, q=number) == [exact["id"]], number
        assert await list_ids(scenario, caller, q="Vannak") == []
        assert await list_ids(scenario, caller, q="chhorn", status="closed") == []
    assert await list_ids(scenario, "manager", number=f" fsc {year}/{serial} ") == [exact["id"]]
    assert await list_ids(scenario, "worker_south", q="chhorn sokha") == []
    assert await list_ids(scenario, "worker_south", q=exact["number"]) == []
    for path in ("/v1/cases", "/v1/children"):
        first = expect_json(await scenario.worker_north.get(path, params={"q": "chhorn sokha", "limit": 1}))
        rest = await list_ids(
            scenario, "worker_north", path, q="chhorn sokha", limit=5, cursor=first["next_cursor"]
        )
        assert len({first["items"][0]["id"], *rest}) == 2
    expect_json(await scenario.worker_north.get("/v1/cases?q=chhorn&sort=number"), 422)


@pytest.mark.parametrize(
    ("q", "first", "count"),
    [
        ("FSC-2026-0042", "FSC-2026-0042", 1),
        ("fsc 2026 / 42", "FSC-2026-0042", 1),
        ("២០២៦-៤២", "FSC-2026-0042", 1),
        ("202612345", "FSC-2026-12345", 1),
        ("0042", "FSC-{year}-0042", 10),
        ("Sokha", None, 0),
        ("012 345 678 999", None, 0),
    ],
)
def test_case_number_is_recognized_in_any_notation(q: str, first: str | None, count: int) -> None:
    numbers = parse_case_numbers(q)
    assert len(numbers) == count
    assert numbers[:1] == ([first.format(year=today().year)] if first else [])


async def test_only_returned_rows_are_logged(scenario: Scenario) -> None:
    # Catches: `NoShownRecord` of the candidates of a search replaced by `ShownRecord`.
    cases = [await open_named_case(scenario, "Chhorn", "Sokha") for _ in range(3)]
    newest = {case["child_id"] for case in cases[1:]}
    for path, children in (
        ("/v1/cases?limit=2", newest),
        ("/v1/cases?limit=2&count=true", newest),
        ("/v1/cases?q=chhorn&status=closed", set()),
        ("/v1/children?q=vannak", set()),
        ("/v1/children?limit=2&count=true", newest),
    ):
        response = await scenario.supervisor_north.get(path)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries if entry["child_id"]} == children, path


async def test_number_of_statements_of_lists_and_searches_is_fixed(scenario: Scenario) -> None:
    await open_named_case(scenario, "Chhorn", "Sokha")
    for path, expected in (
        ("/v1/cases", 1),
        ("/v1/cases?sort=risk_level&count=true", 2),
        ("/v1/cases?q=sokha", 2),
        ("/v1/cases?q=012345678", 3),
        ("/v1/children", 2),
    ):
        with record_statements(scenario) as statements:
            expect_json(await scenario.supervisor_north.get(path))
        assert len(statements) == expected, (path, statements)


async def test_each_case_of_several_teams_is_listed_once_in_every_order(scenario: Scenario) -> None:
    # Catches: `correlate_except` removed from the whole set of an arm.
    numbers = sorted(
        [(await scenario.open_case(worker))["number"] for worker in ("worker_north", "worker_south")]
    )
    teams = f"{id_of('north')},{id_of('south')}"
    for sort in ("number", "risk_level", "-created_at"):
        for name, params in (("supervisor_both", {}), ("manager", {"team_id": teams})):
            caller = scenario.client_for(name)
            page = expect_json(await caller.get("/v1/cases", params={"sort": sort, **params}))
            assert sorted(case["number"] for case in page["items"]) == numbers, (name, sort)
