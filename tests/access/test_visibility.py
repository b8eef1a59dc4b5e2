"""Tests of visibility over HTTP: by role, immediately after a change of roles or staffing, and with break-glass access."""

import time
import uuid
from datetime import datetime
from typing import Any

import pytest

from tests.support.scenario import AuthenticatedClient, Scenario, access_token_of, id_of

STEP_UP = "urn:firststep:problem:step-up-required"
REASON = "The child is at our door and her worker is away."
READERS = {
    "lead worker": ("worker_north", 200, 200, 200),
    "another worker of the team": ("worker_north_2", 404, 404, 404),
    "a worker of another team": ("worker_south", 404, 404, 404),
    "the team's supervisor": ("supervisor_north", 200, 200, 200),
    "another team's supervisor": ("supervisor_south", 404, 404, 404),
    "a supervisor of both teams": ("supervisor_both", 200, 200, 200),
    "the manager": ("manager", 200, 200, 200),
    "finance": ("finance", 403, 403, 403),
    "monitoring": ("me_officer", 403, 403, 403),
    "administration": ("admin", 403, 403, 403),
    "the data protection officer": ("dpo", 403, 403, 200),
    "the partner who referred": ("partner_one", 403, 200, 403),
    "another partner": ("partner_two", 403, 404, 403),
    "the reporting script": ("reporting", 403, 403, 403),
}
"""For each kind of caller: a caller of that kind, and the status of GET on the child's records, referral and consents."""


class CasePaths:
    """A case with the paths of its records."""

    def __init__(self, case: dict[str, Any], person: str, consent: str) -> None:
        self.case = case
        self.path = f"/v1/cases/{case['id']}"
        self.referral = f"/v1/referrals/{case['referral_id']}"
        self.consents = (f"{self.path}/consents", f"/v1/consents/{consent}")
        self.records = (
            self.path, f"{self.path}/timeline", f"{self.path}/people", f"/v1/people/{person}",
            f"/v1/children/{case['child_id']}",
        )  # fmt: skip

    @classmethod
    async def create(cls, scenario: Scenario, case: dict[str, Any]) -> "CasePaths":
        people = (await scenario.manager.get(f"/v1/cases/{case['id']}/people")).json()["items"]
        consents = (await scenario.manager.get(f"/v1/cases/{case['id']}/consents")).json()["items"]
        return cls(case, people[0]["id"], consents[0]["id"])

    @property
    def names(self) -> set[str]:
        return {name["given"] for name in self.case["child"]["names"]}


async def get_statuses(caller: AuthenticatedClient, *paths: str) -> set[int]:
    return {(await caller.get(path)).status_code for path in paths}


async def list_ids(caller: AuthenticatedClient, path: str) -> set[str]:
    response = await caller.get(path)
    return {item["id"] for item in response.json()["items"]} if response.status_code == 200 else set()


async def test_each_role_sees_the_children_in_its_scope_only(scenario: Scenario) -> None:
    paths = await CasePaths.create(scenario, await scenario.open_case("worker_north"))
    for description, (name, records, referral, consents) in READERS.items():
        caller = scenario.client_for(name)
        assert await get_statuses(caller, *paths.records) == {records}, description
        assert await get_statuses(caller, paths.referral) == {referral}, description
        assert await get_statuses(caller, *paths.consents) == {consents}, description
        is_visible = records == 200
        for path, record_id in (
            ("/v1/cases", paths.case["id"]),
            ("/v1/children", paths.case["child_id"]),
            ("/v1/children?q=Keo", paths.case["child_id"]),
        ):
            assert (record_id in await list_ids(caller, path)) is is_visible, (description, path)
        assert (paths.case["referral_id"] in await list_ids(caller, "/v1/referrals")) is (referral == 200), (
            description
        )
        assert bool(await list_ids(caller, "/v1/consents")) is (consents == 200), description


async def test_partner_sees_the_status_of_its_referral_without_case_and_child(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_north")
    referral_text = (await scenario.partner_one.get(f"/v1/referrals/{case['referral_id']}")).text
    list_text = (await scenario.partner_one.get("/v1/referrals")).text
    hidden = {case["id"], case["child_id"], case["number"], case["child"]["names"][0]["given"]}
    assert '"status":"accepted"' in referral_text
    assert not [value for value in hidden for text in (referral_text, list_text) if value in text]
    for verb in ("matches", "accept"):
        path = f"/v1/referrals/{case['referral_id']}/{verb}"
        method = "GET" if verb == "matches" else "POST"
        refused = await scenario.partner_one.request(method, path, json={} if method == "POST" else None)
        assert refused.status_code == 403


async def test_absent_and_hidden_case_get_the_same_response(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_north")
    responses = []
    for case_id in (case["id"], str(uuid.uuid4())):
        response = await scenario.worker_south.get(f"/v1/cases/{case_id}")
        body = response.json()
        responses.append((response.status_code, body["type"], body["title"], body["detail"], sorted(body)))
    assert responses[0] == responses[1]


async def test_assignment_changes_visibility_at_the_next_request(
    scenario: Scenario, superuser_connection: Any
) -> None:
    paths = await CasePaths.create(scenario, await scenario.open_case("worker_north"))
    assign = "UPDATE cases SET lead_worker_id = $1 WHERE id = $2"
    await superuser_connection.execute(assign, id_of("worker_south"), paths.case["id"])
    assert await get_statuses(scenario.worker_north, *paths.records, paths.referral) == {404}
    assert await get_statuses(scenario.worker_south, *paths.records, paths.referral) == {200}
    await superuser_connection.execute(assign, id_of("worker_north"), paths.case["id"])
    staff = {"lead_worker_id": str(id_of("worker_north")), "co_worker_ids": [str(id_of("worker_north_2"))]}
    assert (await scenario.supervisor_north.act(paths.path, "assign", staff)).status_code == 200
    assert await get_statuses(scenario.worker_north_2, *paths.records, paths.referral) == {200}
    await superuser_connection.execute("DELETE FROM case_workers WHERE case_id = $1", paths.case["id"])
    assert await get_statuses(scenario.worker_north_2, *paths.records, paths.referral) == {404}


@pytest.mark.parametrize(
    ("name", "change", "status"),
    [
        ("worker_north", "UPDATE users SET roles = '{finance_officer}' WHERE id = $1", 403),
        ("worker_north", "UPDATE users SET is_active = false WHERE id = $1", 401),
        ("worker_north", "UPDATE sessions SET revoked_at = now() WHERE user_id = $1", 401),
        ("worker_north", "UPDATE sessions SET ends_at = now() WHERE user_id = $1", 401),
        ("supervisor_north", "UPDATE users SET roles = '{social_worker}' WHERE id = $1", 404),
        ("supervisor_north", "UPDATE team_members SET is_supervisor = false WHERE user_id = $1", 404),
        ("supervisor_north", "DELETE FROM team_members WHERE user_id = $1", 404),
        ("manager", "UPDATE users SET roles = '{}' WHERE id = $1", 403),
    ],
)
async def test_lost_role_changes_visibility_at_the_next_request_with_the_same_token(
    scenario: Scenario, superuser_connection: Any, name: str, change: str, status: int
) -> None:
    case = await scenario.open_case("worker_north")
    path = f"/v1/cases/{case['id']}"
    assert await get_statuses(scenario.client_for(name), path) == {200}
    await superuser_connection.execute(change, id_of(name))
    assert await get_statuses(scenario.client_for(name), path) == {status}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("UPDATE api_clients SET scopes = '{reports}' WHERE id = $1", 403),
        ("UPDATE api_clients SET is_active = false WHERE id = $1", 401),
        ("UPDATE agencies SET is_active = false WHERE id = (SELECT agency_id FROM api_clients WHERE id = $1)", 401),
        ("UPDATE sessions SET revoked_at = now() WHERE client_id = $1", 401),
    ],
)  # fmt: skip
async def test_api_client_without_its_scope_is_refused_at_the_next_request(
    scenario: Scenario, superuser_connection: Any, change: str, status: int
) -> None:
    referral = await scenario.create_referral()
    path = f"/v1/referrals/{referral['id']}"
    assert await get_statuses(scenario.partner_one, path) == {200}
    await superuser_connection.execute(change, id_of("partner_one"))
    assert await get_statuses(scenario.partner_one, path) == {status}


async def test_token_is_limited_to_its_own_scopes(scenario: Scenario, superuser_connection: Any) -> None:
    referral = await scenario.create_referral()
    await superuser_connection.execute(
        "UPDATE api_clients SET scopes = '{referrals,reports}' WHERE id = $1", id_of("partner_one")
    )
    reports_client = AuthenticatedClient(
        "partner_one", scenario.http, access_token_of("partner_one", scope="reports")
    )
    assert await get_statuses(reports_client, f"/v1/referrals/{referral['id']}", "/v1/referrals") == {403}
    enrolling = AuthenticatedClient(
        "worker_north", scenario.http, access_token_of("worker_north", scope="enrol")
    )
    assert await get_statuses(enrolling, "/v1/cases") == {403}


async def test_break_glass_makes_one_case_visible_for_four_hours_and_is_reported(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # A worker of another team, and a worker of the same team.
    opened, hidden = [
        await CasePaths.create(scenario, await scenario.open_case("worker_north")) for _ in range(2)
    ]
    for name in ("worker_south", "worker_north_2"):
        caller = scenario.client_for(name)
        grant = await caller.post(f"{opened.path}/break-glass", {"reason": REASON})
        assert grant.status_code == 200, grant.text
        duration = datetime.fromisoformat(grant.json()["expires_at"]) - datetime.fromisoformat(
            grant.json()["opened_at"]
        )
        assert duration.total_seconds() == 4 * 3600
        assert await get_statuses(caller, *opened.records, opened.referral, *opened.consents) == {200}
        assert await get_statuses(caller, *hidden.records, hidden.referral, *hidden.consents) == {404}
        observers = {"supervisor_north", "supervisor_both", "manager", "dpo", name}
        observers |= {"supervisor_south"} if name == "worker_south" else set()
        for observer in ("worker_north", "worker_south", "worker_north_2", *observers, "supervisor_south"):
            grants = (await scenario.client_for(observer).get("/v1/audit/break-glass")).json()["items"]
            reasons = [item["reason"] for item in grants if item["id"] == grant.json()["id"]]
            assert reasons == ([REASON] if observer in observers else []), (name, observer)
        await superuser_connection.execute("UPDATE break_glass SET expires_at = clock_timestamp()")
        assert await get_statuses(caller, *opened.records, opened.referral, *opened.consents) == {404}


async def test_break_glass_needs_a_worker_a_reason_and_a_recent_sign_in(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case("worker_north")
    path = f"/v1/cases/{case['id']}/break-glass"
    caller = scenario.worker_south
    for reason in ({}, {"reason": ""}, {"reason": "too short"}, {"reason": " " * 20}, {"reason": None}):
        assert (await caller.post(path, reason)).status_code == 422, reason
    for name in ("manager", "finance", "me_officer", "dpo", "admin", "partner_one", "reporting"):
        assert (await scenario.client_for(name).post(path, {"reason": REASON})).status_code == 403, name
    old_token = access_token_of("worker_south", auth_time=int(time.time()) - 3601)
    refused = await AuthenticatedClient("worker_south", scenario.http, old_token).post(
        path, {"reason": REASON}
    )
    assert (refused.status_code, refused.json()["type"]) == (403, STEP_UP)
    absent = await caller.post(f"/v1/cases/{uuid.uuid4()}/break-glass", {"reason": REASON})
    assert absent.status_code == 404
    assert await superuser_connection.fetchval("SELECT count(*) FROM break_glass") == 0
    assert await get_statuses(caller, f"/v1/cases/{case['id']}") == {404}


async def test_break_glass_does_not_allow_a_supervisor_to_assign_workers(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_south")
    path = f"/v1/cases/{case['id']}"
    assert (
        await scenario.supervisor_north.post(f"{path}/break-glass", {"reason": REASON})
    ).status_code == 200
    staff = {"lead_worker_id": str(id_of("supervisor_south"))}
    refused = await scenario.supervisor_north.act(path, "assign", staff)
    assert (refused.status_code, [unmet["code"] for unmet in refused.json()["unmet"]]) == (
        409,
        ["not_your_team"],
    )
    assert (await scenario.supervisor_south.act(path, "assign", staff)).status_code == 200


async def test_transfer_moves_visibility_of_case_and_referral_to_the_new_team(scenario: Scenario) -> None:
    paths = await CasePaths.create(scenario, await scenario.open_case("worker_north"))
    transfer = {
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
        "reason": "She moved.",
    }
    assert (await scenario.manager.act(paths.path, "transfer", transfer)).status_code == 200
    for name in ("worker_north", "supervisor_north"):
        assert await get_statuses(
            scenario.client_for(name), *paths.records, paths.referral, *paths.consents
        ) == {404}
    for name in ("worker_south", "supervisor_south"):
        assert await get_statuses(
            scenario.client_for(name), *paths.records, paths.referral, *paths.consents
        ) == {200}
