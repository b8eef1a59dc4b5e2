"""Administration of users and teams."""

import uuid
from typing import Any

import pytest

from app.errors import AlreadyExists, InvalidInput
from app.services.accounts import users
from tests.routers.browsers import PASSWORD, open_browser, open_browser_with_passwords, run_sql
from tests.world import World, id_of

NEW: dict[str, Any] = {"email": "sok.dara@fsc.example", "name": "Sok Dara", "roles": ["social_worker"]}


async def test_new_user_must_choose_a_password_first(world: World) -> None:
    places = [{"team_id": str(id_of("north")), "is_supervisor": False}]
    made = await world.admin.post("/v1/users", {**NEW, "teams": places})
    assert made.status_code == 201
    user = made.json()
    assert made.headers["location"] == f"/v1/users/{user['id']}"
    assert [t["team_name"] for t in user["teams"]] == ["north"]
    browser = open_browser(world)
    credentials = {"email": NEW["email"], "password": user["initial_password"]}
    assert (await browser.post("/v1/auth/login", credentials)).json()["password_change_required"] is True
    assert (await browser.get("/v1/me")).json()["type"] == "urn:firststep:problem:step-up-required"
    bearer = {"authorization": f"Bearer {browser.token}"}
    change = {"current_password": user["initial_password"], "new_password": PASSWORD}
    assert (await browser.post("/v1/me/password", change, **bearer)).status_code == 204
    assert (await browser.post("/v1/auth/refresh")).json()["password_change_required"] is False
    assert (await browser.get("/v1/me")).json()["name"] == "Sok Dara"
    assert (await open_browser(world).post("/v1/auth/login", credentials)).status_code == 401
    read = await world.admin.get(f"/v1/users/{user['id']}")
    assert "initial_password" not in read.json()


async def test_initial_password_expires_after_three_days(world: World) -> None:
    user = (await world.admin.post("/v1/users", NEW)).json()
    older = "UPDATE users SET password_hash = regexp_replace(password_hash, '^once \\d+', 'once 1000000000')"
    await run_sql(world, older)
    credentials = {"email": NEW["email"], "password": user["initial_password"]}
    assert (await open_browser(world).post("/v1/auth/login", credentials)).status_code == 401


async def test_invalid_user_fields_are_reported(world: World) -> None:
    nowhere = str(uuid.uuid4())
    tries: list[tuple[dict[str, Any], str]] = [
        ({"roles": []}, "/roles"),
        ({"roles": ["partner_system"]}, "/roles/0"),
        ({"email": "no address"}, "/email"),
        ({"password": "chosen for somebody"}, "/password"),
        ({"teams": [{"team_id": nowhere}]}, "/teams/0/team_id"),
        ({"teams": [{"team_id": str(id_of("north"))}] * 2}, "/teams/1/team_id"),
    ]
    for change, pointer in tries:
        response = await world.admin.post("/v1/users", {**NEW, **change})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    taken = await world.admin.post("/v1/users", {**NEW, "email": "Worker_North@fsc.example"})
    assert taken.status_code == 409


async def test_users_are_filtered_by_role_and_activity(world: World) -> None:
    supervisors = (await world.manager.get("/v1/users?role=supervisor&limit=2")).json()
    rest = await world.manager.get(f"/v1/users?role=supervisor&limit=2&cursor={supervisors['next_cursor']}")
    names = {u["name"] for u in supervisors["items"] + rest.json()["items"]}
    assert names == {"Supervisor North", "Supervisor South", "Supervisor Both"}
    assert (await world.manager.get("/v1/users?is_active=false")).json()["items"] == []
    assert (await world.manager.get("/v1/users?is_active=no")).status_code == 422
    assert (await world.worker_north.get("/v1/users")).status_code == 403


async def test_role_change_applies_to_next_request(world: World) -> None:
    path = f"/v1/users/{id_of('finance')}"
    assert (await world.finance.get("/v1/users")).status_code == 403
    seen = await world.admin.get(path)
    grown = {"roles": ["finance_officer", "programme_manager"]}
    changed = await world.admin.patch(path, grown, etag=seen.headers["etag"])
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (await world.finance.get("/v1/users")).status_code == 200
    assert (await world.admin.patch(path, grown, etag=seen.headers["etag"])).status_code == 412
    assert (await world.admin.patch(path, grown)).status_code == 428
    shrunk = await world.admin.patch(path, {"roles": ["finance_officer"]}, etag='"2"')
    assert shrunk.status_code == 200
    assert (await world.finance.get("/v1/users")).status_code == 403


async def test_deactivated_user_is_rejected_immediately(world: World) -> None:
    path = f"/v1/users/{id_of('worker_north')}"
    assert (await world.worker_north.get("/v1/me")).status_code == 200
    empties: list[dict[str, Any]] = [{"is_active": None}, {"name": None}, {"roles": []}]
    for empty in empties:
        assert (await world.admin.patch(path, empty, etag='"1"')).status_code == 422
    changed = await world.admin.patch(path, {"is_active": False}, etag='"1"')
    assert changed.json()["is_active"] is False
    assert [t["team_name"] for t in changed.json()["teams"]] == ["north"]
    assert (await world.worker_north.get("/v1/me")).status_code == 401
    back = await world.admin.patch(path, {"is_active": True}, etag='"2"')
    assert back.status_code == 200
    assert (await world.worker_north.get("/v1/me")).status_code == 401


async def test_administrator_cannot_change_own_roles_teams_or_activity(world: World) -> None:
    # Otherwise an administrator could take the role of a programme manager and read every case.
    path = f"/v1/users/{id_of('admin')}"
    for payload, pointers in (
        ({"roles": ["me_officer"], "is_active": False}, ["/roles", "/roles", "/is_active"]),
        ({"roles": ["administrator", "programme_manager"]}, ["/roles"]),
        ({"teams": [{"team_id": str(id_of("north")), "is_supervisor": True}]}, ["/teams"]),
    ):
        rejected = await world.admin.patch(path, payload, etag='"1"')
        assert rejected.status_code == 409, rejected.text
        assert [u["pointer"] for u in rejected.json()["unmet"]] == pointers
    renamed = await world.admin.patch(path, {"name": "Chan Sophea"}, etag='"1"')
    assert renamed.json()["name"] == "Chan Sophea"


async def test_password_reset_keeps_the_second_factor(world: World) -> None:
    browser = await open_browser_with_passwords(world)
    await browser.sign_in()
    await run_sql(
        world,
        "UPDATE users SET totp_confirmed_at = now(), totp_encrypted = 'x' WHERE roles <> '{administrator}'",
    )
    path = f"/v1/users/{id_of('worker_north')}"
    reset = await world.admin.act(path, "reset-password")
    assert (reset.status_code, reset.json()["mfa_enrolled"]) == (200, True)
    assert (await browser.get("/v1/me")).status_code == 401
    assert "errors" not in (await browser.sign_in()).json()
    response = await browser.sign_in(password=reset.json()["initial_password"])
    assert response.json()["errors"][0]["code"] == "otp_required"
    lost = await world.admin.act(path, "reset-password", {"remove_second_factor": True})
    assert lost.json()["mfa_enrolled"] is False
    response = await browser.sign_in(password=lost.json()["initial_password"])
    assert response.json()["password_change_required"] is True
    assert (await world.admin.post(f"{path}/reset-password")).status_code == 428


async def test_administrator_can_end_all_sessions_of_a_user(world: World) -> None:
    assert (await world.worker_north.get("/v1/me")).status_code == 200
    response = await world.admin.act(f"/v1/users/{id_of('worker_north')}", "end-sessions")
    assert response.status_code == 200
    assert (await world.worker_north.get("/v1/me")).status_code == 401


async def test_teams_can_be_created_renamed_and_read_with_members(world: World) -> None:
    chosen = str(uuid.uuid4())
    made = await world.admin.post("/v1/teams", {"id": chosen, "name": "west"})
    assert (made.status_code, made.json()["id"], made.json()["members"]) == (201, chosen, [])
    assert (await world.admin.post("/v1/teams", {"name": "west"})).status_code == 409
    renamed = await world.admin.patch(f"/v1/teams/{chosen}", {"name": "far west"}, etag='"1"')
    assert renamed.json()["name"] == "far west"
    north = (await world.worker_north.get(f"/v1/teams/{id_of('north')}")).json()
    leads = [m["name"] for m in north["members"] if m["is_supervisor"]]
    assert leads == ["Supervisor Both", "Supervisor North"]
    moved = await world.admin.patch(
        f"/v1/users/{id_of('worker_south')}", {"teams": [{"team_id": chosen}]}, etag='"1"'
    )
    assert [t["team_name"] for t in moved.json()["teams"]] == ["far west"]
    assert len((await world.worker_north.get("/v1/teams")).json()["items"]) == 3
    assert (await world.worker_north.post("/v1/teams", {"name": "mine"})).status_code == 403


async def test_first_administrator_is_created_once_on_the_command_line(world: World) -> None:
    async with world.database.session_factory() as session:
        with pytest.raises(AlreadyExists):
            await users.create_first_administrator(session, "a@fsc.example", "A")
        await run_sql(world, "UPDATE users SET is_active = false WHERE roles = '{administrator}'")
        with pytest.raises(InvalidInput):
            await users.create_first_administrator(session, "no address", "A")
        user, password = await users.create_first_administrator(session, "a@fsc.example", "Keo Bopha")
        await session.commit()
    assert (user.email, user.roles) == ("a@fsc.example", ["administrator"])
    credentials = {"email": "a@fsc.example", "password": password}
    assert (await open_browser(world).post("/v1/auth/login", credentials)).json()[
        "password_change_required"
    ] is True
