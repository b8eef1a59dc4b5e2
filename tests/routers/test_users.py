"""Administration of users and teams."""

import uuid
from typing import Any

import pytest

from tests.support.browser import USER_PASSWORD, open_browser, open_browser_with_passwords, run_sql
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario, id_of

NEW: dict[str, Any] = {"email": "sok.dara@fsc.example", "name": "Sok Dara", "roles": ["social_worker"]}


async def test_new_user_must_choose_a_password_first(scenario: Scenario) -> None:
    places = [{"team_id": str(id_of("north")), "is_supervisor": False}]
    created = await scenario.admin.post("/v1/users", {**NEW, "teams": places})
    assert created.status_code == 201
    user = created.json()
    assert created.headers["location"] == f"/v1/users/{user['id']}"
    assert [t["team_name"] for t in user["teams"]] == ["north"]
    browser = open_browser(scenario)
    credentials = {"email": NEW["email"], "password": user["initial_password"]}
    assert (await browser.post("/v1/auth/login", credentials)).json()["password_change_required"] is True
    assert (await browser.get("/v1/me")).json()["type"] == "urn:firststep:problem:step-up-required"
    bearer = {"authorization": f"Bearer {browser.token}"}
    change = {"current_password": user["initial_password"], "new_password": USER_PASSWORD}
    assert (await browser.post("/v1/me/password", change, **bearer)).status_code == 204
    assert (await browser.post("/v1/auth/refresh")).json()["password_change_required"] is False
    assert (await browser.get("/v1/me")).json()["name"] == "Sok Dara"
    assert (await open_browser(scenario).post("/v1/auth/login", credentials)).status_code == 401
    read = await scenario.admin.get(f"/v1/users/{user['id']}")
    assert "initial_password" not in read.json()


async def test_initial_password_expires_after_three_days(scenario: Scenario) -> None:
    user = (await scenario.admin.post("/v1/users", NEW)).json()
    older = "UPDATE users SET initial_password_expires_at = now() WHERE email = $1"
    await run_sql(scenario, older, NEW["email"])
    credentials = {"email": NEW["email"], "password": user["initial_password"]}
    assert (await open_browser(scenario).post("/v1/auth/login", credentials)).status_code == 401


async def test_invalid_user_fields_are_reported(scenario: Scenario) -> None:
    nowhere = str(uuid.uuid4())
    tries: list[tuple[dict[str, Any], str]] = [
        ({"roles": []}, "/roles"),
        ({"roles": ["partner_system"]}, "/roles/0"),
        ({"email": "no address"}, "/email"),
        ({"password": "chosen by an administrator"}, "/password"),
        ({"teams": [{"team_id": nowhere}]}, "/teams/0/team_id"),
        ({"teams": [{"team_id": str(id_of("north"))}] * 2}, "/teams/1/team_id"),
    ]
    for change, pointer in tries:
        response = await scenario.admin.post("/v1/users", {**NEW, **change})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    taken = await scenario.admin.post("/v1/users", {**NEW, "email": "Worker_North@fsc.example"})
    assert taken.status_code == 409


async def test_users_are_filtered_by_role_and_activity(scenario: Scenario) -> None:
    supervisors = (await scenario.manager.get("/v1/users?role=supervisor&limit=2")).json()
    rest = await scenario.manager.get(
        f"/v1/users?role=supervisor&limit=2&cursor={supervisors['next_cursor']}"
    )
    names = {u["name"] for u in supervisors["items"] + rest.json()["items"]}
    assert names == {"Supervisor North", "Supervisor South", "Supervisor Both"}
    assert (await scenario.manager.get("/v1/users?is_active=false")).json()["items"] == []
    assert (await scenario.manager.get("/v1/users?is_active=no")).status_code == 422
    assert (await scenario.worker_north.get("/v1/users")).status_code == 403


async def test_users_are_filtered_by_several_roles_and_teams(scenario: Scenario) -> None:
    async def list_names(query: str) -> list[str]:
        page = expect_json(await scenario.admin.get(f"/v1/users?sort=name&{query}"))
        return [user["name"] for user in page["items"]]

    assert await list_names("role=finance_officer,administrator") == ["Admin", "Finance"]
    # A repeated parameter is how some generated clients send an array.
    assert await list_names("role=finance_officer&role=administrator") == ["Admin", "Finance"]
    both = f"{id_of('north')},{id_of('south')}"
    assert await list_names(f"team_id={both}&role=supervisor") == [
        "Supervisor Both",
        "Supervisor North",
        "Supervisor South",
    ]
    assert await list_names(f"team_id={id_of('south')}&role=social_worker") == ["Worker South"]
    assert await list_names(f"team_id={uuid.uuid4()}") == []


async def test_link_to_the_next_page_repeats_every_value_of_an_array(scenario: Scenario) -> None:
    first = await scenario.admin.get("/v1/users?role=finance_officer&role=administrator&limit=1")
    second = expect_json(await scenario.admin.get(first.links["next"]["url"]))
    names = {user["name"] for user in expect_json(first)["items"] + second["items"]}
    assert names == {"Admin", "Finance"}
    assert second["next_cursor"] is None


@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at"])
async def test_pages_of_users_follow_each_order(scenario: Scenario, sort: str) -> None:
    whole = expect_json(await scenario.admin.get(f"/v1/users?sort={sort}"))["items"]
    field = sort.removeprefix("-")
    keys = [(user[field], user["id"]) for user in whole]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    walked: list[dict[str, Any]] = []
    path: str | None = f"/v1/users?sort={sort}&limit=4"
    while path:
        response = await scenario.admin.get(path)
        walked += expect_json(response)["items"]
        path = response.links["next"]["url"] if "next" in response.links else None
    assert walked == whole
    assert len(whole) == 11


async def test_search_finds_users_by_words_of_the_name(scenario: Scenario) -> None:
    async def search(q: str) -> list[str]:
        page = expect_json(await scenario.admin.get("/v1/users", params={"q": q}))
        return [user["name"] for user in page["items"]]

    assert await search("NORTH work") == ["Worker North", "Worker North 2"]
    assert await search("%") == []
    sorted_search = await scenario.admin.get("/v1/users?q=north&sort=name")
    assert parse_faults(sorted_search) == {("query:sort", "sort_with_q")}
    assert parse_faults(await scenario.admin.get("/v1/users?q=%20")) == {("query:q", "blank")}


async def test_total_is_counted_only_on_request(scenario: Scenario) -> None:
    page = expect_json(await scenario.admin.get("/v1/users?limit=2"))
    assert (page["total"], page["total_is_capped"]) == (None, None)
    for query, total in (("", 11), ("&role=supervisor", 3), ("&q=nobody", 0)):
        page = expect_json(await scenario.admin.get(f"/v1/users?limit=2&count=true{query}"))
        assert (page["total"], page["total_is_capped"]) == (total, False), query
    first = await scenario.admin.get("/v1/users?limit=2&count=true")
    second = await scenario.admin.get(f"/v1/users?limit=2&cursor={first.json()['next_cursor']}")
    assert expect_json(second)["total"] is None


async def test_role_change_applies_to_next_request(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('finance')}"
    assert (await scenario.finance.get("/v1/users")).status_code == 403
    user = await scenario.admin.get(path)
    grown = {"roles": ["finance_officer", "me_officer"]}
    changed = await scenario.admin.patch(path, grown, etag=user.headers["etag"])
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert expect_json(await scenario.finance.get("/v1/me"))["roles"] == ["finance_officer", "me_officer"]
    assert (await scenario.admin.patch(path, grown, etag=user.headers["etag"])).status_code == 412
    assert (await scenario.admin.patch(path, grown)).status_code == 428
    shrunk = await scenario.admin.patch(path, {"roles": []}, etag='"2"')
    assert (shrunk.status_code, shrunk.json()["roles"]) == (200, [])
    assert (await scenario.finance.get("/v1/funds")).status_code == 403


async def test_deactivated_user_is_rejected_immediately(scenario: Scenario) -> None:
    path = f"/v1/users/{id_of('worker_north')}"
    assert (await scenario.worker_north.get("/v1/me")).status_code == 200
    empties: list[dict[str, Any]] = [{"is_active": None}, {"name": None}, {"roles": None}]
    for empty in empties:
        assert (await scenario.admin.patch(path, empty, etag='"1"')).status_code == 422
    changed = await scenario.admin.patch(path, {"is_active": False}, etag='"1"')
    assert changed.json()["is_active"] is False
    assert [t["team_name"] for t in changed.json()["teams"]] == ["north"]
    assert (await scenario.worker_north.get("/v1/me")).status_code == 401
    back = await scenario.admin.patch(path, {"is_active": True, "roles": ["me_officer"]}, etag='"2"')
    assert (back.status_code, back.json()["is_active"]) == (200, True)
    assert (await scenario.worker_north.get("/v1/me")).status_code == 401


async def test_administrator_cannot_change_own_roles_teams_or_activity(scenario: Scenario) -> None:
    # Otherwise an administrator could take the role of a programme manager and read every case.
    path = f"/v1/users/{id_of('admin')}"
    for payload, pointers in (
        ({"roles": ["me_officer"], "is_active": False}, ["/roles", "/roles", "/is_active"]),
        ({"roles": ["administrator", "me_officer"]}, ["/roles"]),
        ({"teams": [{"team_id": str(id_of("north")), "is_supervisor": True}]}, ["/teams"]),
    ):
        rejected = await scenario.admin.patch(path, payload, etag='"1"')
        assert rejected.status_code == 409, rejected.text
        assert [u["pointer"] for u in rejected.json()["unmet"]] == pointers
    renamed = await scenario.admin.patch(path, {"name": "Chan Sophea"}, etag='"1"')
    assert renamed.json()["name"] == "Chan Sophea"


async def test_password_reset_keeps_the_second_factor(scenario: Scenario) -> None:
    browser = await open_browser_with_passwords(scenario)
    await browser.sign_in("me_officer")
    await run_sql(
        scenario,
        "UPDATE users SET totp_confirmed_at = now(), totp_encrypted = 'x' WHERE roles = '{me_officer}'",
    )
    path = f"/v1/users/{id_of('me_officer')}"
    reset = await scenario.admin.act(path, "reset-password")
    assert (reset.status_code, reset.json()["mfa_enrolled"]) == (200, True)
    assert (await browser.get("/v1/me")).status_code == 401
    assert "errors" not in (await browser.sign_in("me_officer")).json()
    response = await browser.sign_in("me_officer", password=reset.json()["initial_password"])
    assert response.json()["errors"][0]["code"] == "otp_required"
    assert (await scenario.admin.post(f"{path}/reset-password")).status_code == 428


async def test_administrator_can_end_all_sessions_of_a_user(scenario: Scenario) -> None:
    assert (await scenario.worker_north.get("/v1/me")).status_code == 200
    response = await scenario.admin.act(f"/v1/users/{id_of('worker_north')}", "end-sessions")
    assert response.status_code == 200
    assert (await scenario.worker_north.get("/v1/me")).status_code == 401


async def test_teams_can_be_created_renamed_and_read_with_members(scenario: Scenario) -> None:
    team_id = str(uuid.uuid4())
    created = await scenario.admin.post("/v1/teams", {"id": team_id, "name": "west"})
    assert (created.status_code, created.json()["id"], created.json()["members"]) == (201, team_id, [])
    assert (await scenario.admin.post("/v1/teams", {"name": "west"})).status_code == 409
    renamed = await scenario.admin.patch(f"/v1/teams/{team_id}", {"name": "far west"}, etag='"1"')
    assert renamed.json()["name"] == "far west"
    north = (await scenario.worker_north.get(f"/v1/teams/{id_of('north')}")).json()
    leads = [m["name"] for m in north["members"] if m["is_supervisor"]]
    assert leads == ["Supervisor Both", "Supervisor North"]
    moved = await scenario.admin.patch(
        f"/v1/users/{id_of('worker_south')}", {"teams": [{"team_id": team_id}]}, etag='"1"'
    )
    assert [t["team_name"] for t in moved.json()["teams"]] == ["far west"]
    assert len((await scenario.worker_north.get("/v1/teams")).json()["items"]) == 3
    assert (await scenario.worker_north.post("/v1/teams", {"name": "mine"})).status_code == 403
