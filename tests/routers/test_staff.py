"""The staff directory."""

import uuid
from typing import Any

import pytest

from tests.support.browser import run_sql
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import STAFF, Scenario, id_of
from tests.support.sql_statements import record_statements


async def list_names(scenario: Scenario, query: str = "") -> list[str]:
    """Return the names in the directory, as a social worker sees them."""
    page = expect_json(await scenario.worker_north.get(f"/v1/staff?limit=200&{query}"))
    assert page["next_cursor"] is None
    return [person["name"] for person in page["items"]]


@pytest.mark.parametrize("name", STAFF)
async def test_every_member_of_staff_can_read_the_directory(scenario: Scenario, name: str) -> None:
    page = expect_json(await scenario.client_for(name).get("/v1/staff"))
    assert len(page["items"]) == len(STAFF)


@pytest.mark.parametrize("name", ["partner_one", "reporting"])
async def test_partners_and_scripts_cannot_read_the_directory(scenario: Scenario, name: str) -> None:
    assert (await scenario.client_for(name).get("/v1/staff")).status_code == 403


async def test_directory_shows_roles_and_teams_but_no_account_data(scenario: Scenario) -> None:
    page = expect_json(await scenario.finance.get("/v1/staff", params={"ids": str(id_of("supervisor_both"))}))
    assert page["items"] == [
        {
            "id": str(id_of("supervisor_both")),
            "name": "Supervisor Both",
            "roles": ["supervisor"],
            "teams": [
                {"team_id": str(id_of(team)), "team_name": team, "is_supervisor": True}
                for team in ("north", "south")
            ],
            "is_active": True,
        }
    ]


async def test_directory_is_sorted_by_name_and_paged(scenario: Scenario) -> None:
    names = await list_names(scenario)
    assert names == sorted(name.replace("_", " ").title() for name in STAFF)
    walked: list[Any] = []
    path: str | None = "/v1/staff?limit=4"
    while path:
        response = await scenario.worker_north.get(path)
        walked += [person["name"] for person in expect_json(response)["items"]]
        path = response.links["next"]["url"] if "next" in response.links else None
    assert walked == names


async def test_directory_is_filtered_by_name_team_role_and_activity(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET is_active = false WHERE name = 'Worker North 2'")
    assert await list_names(scenario, "q=north") == ["Supervisor North", "Worker North", "Worker North 2"]
    choice = f"team_id={id_of('north')}&role=social_worker&is_active=true"
    assert await list_names(scenario, choice) == ["Worker North"]
    assert await list_names(scenario, "is_active=false") == ["Worker North 2"]
    assert await list_names(scenario, "role=finance_officer,me_officer") == ["Finance", "Me Officer"]
    wrong_role = await scenario.worker_north.get("/v1/staff?role=partner_system")
    assert parse_faults(wrong_role) == {("query:role", "literal_error")}


async def test_people_are_listed_by_id_without_unknown_ones(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET is_active = false WHERE name = 'Dpo'")
    ids = [str(id_of(name)) for name in ("worker_south", "dpo", "worker_south")] + [str(uuid.uuid4())]
    assert await list_names(scenario, f"ids={','.join(ids)}") == ["Dpo", "Worker South"]
    everyone = ",".join(str(id_of(name)) for name in STAFF)
    page = expect_json(await scenario.worker_north.get(f"/v1/staff?limit=1&ids={everyone}"))
    assert (len(page["items"]), page["next_cursor"]) == (len(STAFF), None)
    too_many = ",".join(str(uuid.uuid4()) for _ in range(201))
    for query, fault in (("", "value_empty"), ("7", "uuid_parsing"), (too_many, "too_long")):
        response = await scenario.worker_north.get("/v1/staff", params={"ids": query})
        assert parse_faults(response) == {("query:ids", fault)}


async def test_lists_of_accounts_use_one_statement_for_any_number_of_rows(scenario: Scenario) -> None:
    for caller, path in (
        (scenario.worker_north, "/v1/staff"),
        (scenario.admin, "/v1/users"),
        (scenario.admin, "/v1/teams"),
        (scenario.admin, "/v1/agencies"),
        (scenario.admin, "/v1/api-clients"),
        (scenario.worker_north, "/v1/me/sessions"),
        (scenario.worker_north, "/v1/me/calendar-feeds"),
    ):
        for limit in (1, 8):
            with record_statements(scenario) as statements:
                expect_json(await caller.get(f"{path}?limit={limit}"))
            assert len(statements) == 1, (path, statements)
    with record_statements(scenario) as statements:
        expect_json(await scenario.worker_north.get("/v1/me"))
    assert len(statements) == 1, statements


async def test_staff_are_found_by_a_folded_part_of_the_name(scenario: Scenario) -> None:
    # Catches: `name_key` not set by access.update_user().
    me = expect_json(await scenario.admin.get("/v1/staff?limit=1"))["items"][0]
    path = f"/v1/users/{me['id']}"
    user = await scenario.admin.get(path)
    name = {"name": "ស្ត្រី Zoë-Anne"}
    expect_json(await scenario.admin.patch(path, name, etag=user.headers["etag"]))
    for q in ("ស្រ្ដី", "zoe\u0308\u2010ANNE", "ＺＯË", "\u200bស្ត្រី\u00a0zoë"):
        page = expect_json(await scenario.worker_north.get("/v1/staff", params={"q": q}))
        assert [item["id"] for item in page["items"]] == [me["id"]], q


async def test_wildcards_in_names_are_literal(scenario: Scenario) -> None:
    # Catches: `LIKE_SPECIAL` without the underscore.
    for q in ("%", "worker_north", "\\\\"):
        page = expect_json(await scenario.worker_north.get("/v1/staff", params={"q": q}))
        assert page["items"] == [], q
