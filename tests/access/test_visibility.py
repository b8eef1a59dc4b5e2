"""Who sees which child, over HTTP: role by role, at the very next request after a change, with and without breaking glass."""

import time
import uuid
from datetime import datetime
from typing import Any

import pytest

from tests.support.scenario import AuthenticatedClient, Scenario, access_token_of, id_of

STEP_UP = "urn:firststep:problem:step-up-required"
REASON = "The child is at our door and her worker is away."
READERS = {
    "lead": ("worker_north", 200, 200, 200),
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
"""Who: name, and what the child's records, its referral and its consents answer."""


class Family:
    """A case with everything that hangs on it, by path."""

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
    async def of(cls, scenario: Scenario, case: dict[str, Any]) -> "Family":
        people = (await scenario.manager.get(f"/v1/cases/{case['id']}/people")).json()["items"]
        consents = (await scenario.manager.get(f"/v1/cases/{case['id']}/consents")).json()["items"]
        return cls(case, people[0]["id"], consents[0]["id"])

    @property
    def names(self) -> set[str]:
        return {name["given"] for name in self.case["child"]["names"]}


async def statuses(caller: AuthenticatedClient, *paths: str) -> set[int]:
    return {(await caller.get(path)).status_code for path in paths}


async def ids(caller: AuthenticatedClient, path: str) -> set[str]:
    answer = await caller.get(path)
    return {item["id"] for item in answer.json()["items"]} if answer.status_code == 200 else set()


async def test_every_role_sees_the_children_it_works_for_and_no_other(scenario: Scenario) -> None:
    family = await Family.of(scenario, await scenario.open_case("worker_north"))
    for who, (name, records, referral, consents) in READERS.items():
        caller = scenario.client_for(name)
        assert await statuses(caller, *family.records) == {records}, who
        assert await statuses(caller, family.referral) == {referral}, who
        assert await statuses(caller, *family.consents) == {consents}, who
        sees = records == 200
        for path, shown in (
            ("/v1/cases", family.case["id"]),
            ("/v1/children", family.case["child_id"]),
            ("/v1/children?q=Keo", family.case["child_id"]),
        ):
            assert (shown in await ids(caller, path)) is sees, (who, path)
        assert (family.case["referral_id"] in await ids(caller, "/v1/referrals")) is (referral == 200), who
        assert bool(await ids(caller, "/v1/consents")) is (consents == 200), who


async def test_a_partner_reads_where_its_referral_stands_and_nothing_of_the_child(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_north")
    read = (await scenario.partner_one.get(f"/v1/referrals/{case['referral_id']}")).text
    listed = (await scenario.partner_one.get("/v1/referrals")).text
    hidden = {case["id"], case["child_id"], case["number"], case["child"]["names"][0]["given"]}
    assert '"status":"accepted"' in read
    assert not [value for value in hidden for text in (read, listed) if value in text]
    for verb in ("matches", "accept"):
        path = f"/v1/referrals/{case['referral_id']}/{verb}"
        method = "GET" if verb == "matches" else "POST"
        refused = await scenario.partner_one.request(method, path, json={} if method == "POST" else None)
        assert refused.status_code == 403


async def test_absent_and_hidden_look_the_same(scenario: Scenario) -> None:
    case = await scenario.open_case("worker_north")
    answers = []
    for case_id in (case["id"], str(uuid.uuid4())):
        answer = await scenario.worker_south.get(f"/v1/cases/{case_id}")
        told = answer.json()
        answers.append((answer.status_code, told["type"], told["title"], told["detail"], sorted(told)))
    assert answers[0] == answers[1]


async def test_a_new_assignment_acts_at_the_very_next_request(
    scenario: Scenario, superuser_connection: Any
) -> None:
    family = await Family.of(scenario, await scenario.open_case("worker_north"))
    assign = "UPDATE cases SET lead_worker_id = $1 WHERE id = $2"
    await superuser_connection.execute(assign, id_of("worker_south"), family.case["id"])
    assert await statuses(scenario.worker_north, *family.records, family.referral) == {404}
    assert await statuses(scenario.worker_south, *family.records, family.referral) == {200}
    await superuser_connection.execute(assign, id_of("worker_north"), family.case["id"])
    staff = {"lead_worker_id": str(id_of("worker_north")), "co_worker_ids": [str(id_of("worker_north_2"))]}
    assert (await scenario.supervisor_north.act(family.path, "assign", staff)).status_code == 200
    assert await statuses(scenario.worker_north_2, *family.records, family.referral) == {200}
    await superuser_connection.execute("DELETE FROM case_workers WHERE case_id = $1", family.case["id"])
    assert await statuses(scenario.worker_north_2, *family.records, family.referral) == {404}


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
async def test_losing_a_role_acts_at_the_very_next_request_with_the_same_token(
    scenario: Scenario, superuser_connection: Any, name: str, change: str, status: int
) -> None:
    case = await scenario.open_case("worker_north")
    path = f"/v1/cases/{case['id']}"
    assert await statuses(scenario.client_for(name), path) == {200}
    await superuser_connection.execute(change, id_of(name))
    assert await statuses(scenario.client_for(name), path) == {status}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("UPDATE api_clients SET scopes = '{reports}' WHERE id = $1", 403),
        ("UPDATE api_clients SET is_active = false WHERE id = $1", 401),
        ("UPDATE agencies SET is_active = false WHERE id = (SELECT agency_id FROM api_clients WHERE id = $1)", 401),
        ("UPDATE sessions SET revoked_at = now() WHERE client_id = $1", 401),
    ],
)  # fmt: skip
async def test_a_system_that_loses_its_scope_stops_at_the_next_request(
    scenario: Scenario, superuser_connection: Any, change: str, status: int
) -> None:
    told = await scenario.create_referral()
    path = f"/v1/referrals/{told['id']}"
    assert await statuses(scenario.partner_one, path) == {200}
    await superuser_connection.execute(change, id_of("partner_one"))
    assert await statuses(scenario.partner_one, path) == {status}


async def test_a_token_with_fewer_scopes_than_its_client_carries_no_more(
    scenario: Scenario, superuser_connection: Any
) -> None:
    told = await scenario.create_referral()
    await superuser_connection.execute(
        "UPDATE api_clients SET scopes = '{referrals,reports}' WHERE id = $1", id_of("partner_one")
    )
    narrow = AuthenticatedClient(
        "partner_one", scenario.http, access_token_of("partner_one", scope="reports")
    )
    assert await statuses(narrow, f"/v1/referrals/{told['id']}", "/v1/referrals") == {403}
    enrolling = AuthenticatedClient(
        "worker_north", scenario.http, access_token_of("worker_north", scope="enrol")
    )
    assert await statuses(enrolling, "/v1/cases") == {403}


async def test_broken_glass_opens_one_case_for_four_hours_and_is_seen_at_once(
    scenario: Scenario, superuser_connection: Any
) -> None:
    """By a worker of another team, and by one of the same."""
    opened, closed = [await Family.of(scenario, await scenario.open_case("worker_north")) for _ in range(2)]
    for name in ("worker_south", "worker_north_2"):
        breaker = scenario.client_for(name)
        broken = await breaker.post(f"{opened.path}/break-glass", {"reason": REASON})
        assert broken.status_code == 200, broken.text
        lasts = datetime.fromisoformat(broken.json()["expires_at"]) - datetime.fromisoformat(
            broken.json()["opened_at"]
        )
        assert lasts.total_seconds() == 4 * 3600
        assert await statuses(breaker, *opened.records, opened.referral, *opened.consents) == {200}
        assert await statuses(breaker, *closed.records, closed.referral, *closed.consents) == {404}
        watchers = {"supervisor_north", "supervisor_both", "manager", "dpo", name}
        watchers |= {"supervisor_south"} if name == "worker_south" else set()
        for who in ("worker_north", "worker_south", "worker_north_2", *watchers, "supervisor_south"):
            listed = (await scenario.client_for(who).get("/v1/audit/break-glass")).json()["items"]
            reasons = [item["reason"] for item in listed if item["id"] == broken.json()["id"]]
            assert reasons == ([REASON] if who in watchers else []), (name, who)
        await superuser_connection.execute("UPDATE break_glass SET expires_at = clock_timestamp()")
        assert await statuses(breaker, *opened.records, opened.referral, *opened.consents) == {404}


async def test_glass_is_broken_by_workers_with_a_reason_and_a_recent_sign_in(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case("worker_north")
    path = f"/v1/cases/{case['id']}/break-glass"
    breaker = scenario.worker_south
    for reason in ({}, {"reason": ""}, {"reason": "too short"}, {"reason": " " * 20}, {"reason": None}):
        assert (await breaker.post(path, reason)).status_code == 422, reason
    for name in ("manager", "finance", "me_officer", "dpo", "admin", "partner_one", "reporting"):
        assert (await scenario.client_for(name).post(path, {"reason": REASON})).status_code == 403, name
    old = access_token_of("worker_south", auth_time=int(time.time()) - 3601)
    refused = await AuthenticatedClient("worker_south", scenario.http, old).post(path, {"reason": REASON})
    assert (refused.status_code, refused.json()["type"]) == (403, STEP_UP)
    nowhere = await breaker.post(f"/v1/cases/{uuid.uuid4()}/break-glass", {"reason": REASON})
    assert nowhere.status_code == 404
    assert await superuser_connection.fetchval("SELECT count(*) FROM break_glass") == 0
    assert await statuses(breaker, f"/v1/cases/{case['id']}") == {404}


async def test_broken_glass_lets_another_team_s_supervisor_look_and_not_decide(scenario: Scenario) -> None:
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


async def test_a_transfer_takes_the_case_and_its_referral_from_the_old_team(scenario: Scenario) -> None:
    family = await Family.of(scenario, await scenario.open_case("worker_north"))
    move = {
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
        "reason": "She moved.",
    }
    assert (await scenario.manager.act(family.path, "transfer", move)).status_code == 200
    for name in ("worker_north", "supervisor_north"):
        assert await statuses(
            scenario.client_for(name), *family.records, family.referral, *family.consents
        ) == {404}
    for name in ("worker_south", "supervisor_south"):
        assert await statuses(
            scenario.client_for(name), *family.records, family.referral, *family.consents
        ) == {200}
