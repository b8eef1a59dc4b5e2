"""Reopening a closed case, and the conflict wall around reopened cases."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.kit.dates import today
from app.services.cases.open import CASE_OPENING_LOCK_SQL
from tests.support.case_lifecycle import create_closed_case
from tests.support.locks import wait_for_lock_waiters
from tests.support.payloads import reopening_consent_payload
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of


def reopening_payload() -> dict[str, Any]:
    return {"reason": "Does not sleep again.", "consent": reopening_consent_payload()}


async def test_reopening_opens_a_new_case_linked_to_the_old_one(scenario: Scenario) -> None:
    old_case = await create_closed_case(scenario)
    case_path = f"/v1/cases/{old_case['id']}"
    for name, status in {
        "worker_north": 403,
        "supervisor_south": 404,
        "dpo": 403,
        "partner_one": 403,
    }.items():
        response = await scenario.client_for(name).post(
            f"{case_path}/reopen", reopening_payload(), etag=f'"{old_case["version"]}"'
        )
        assert response.status_code == status, name
    response = await scenario.supervisor_north.act(case_path, "reopen", reopening_payload())
    new_case = expect_json(response, 201)
    assert response.headers["location"] == f"/v1/cases/{new_case['id']}"
    assert (new_case["status"], new_case["previous_case_id"], new_case["child_id"]) == (
        "assessment",
        old_case["id"],
        old_case["child_id"],
    )
    assert new_case["number"] != old_case["number"]
    assert (new_case["team_id"], new_case["lead_worker_id"]) == (
        old_case["team_id"],
        old_case["lead_worker_id"],
    )
    assert (new_case["opened_on"], new_case["extended_until"], new_case["next_review_on"]) == (
        today().isoformat(),
        None,
        None,
    )
    new_case_path = f"/v1/cases/{new_case['id']}"
    [person] = expect_json(await scenario.worker_north.get(f"{new_case_path}/people"))["items"]
    assert (person["relationship"], person["names"][0]["given"]) == ("mother", "Bopha")
    [consent] = expect_json(await scenario.worker_north.get(f"{new_case_path}/consents"))["items"]
    assert (consent["on"], consent["scope"]) == (today().isoformat(), ["services"])
    kinds = {
        entry["kind"]
        for entry in expect_json(await scenario.worker_north.get(f"{new_case_path}/timeline"))["items"]
    }
    assert {"case_opened", "case_reopened"} <= kinds
    assert parse_unmet_pointers(
        await scenario.supervisor_north.act(case_path, "reopen", reopening_payload())
    ) == {"open_case": None}
    assert parse_unmet_pointers(
        await scenario.supervisor_north.act(new_case_path, "reopen", reopening_payload())
    ) == {"status": "/status"}


async def test_reopening_requires_an_active_team_and_an_eligible_worker(
    scenario: Scenario, superuser_connection: Any
) -> None:
    old_case = await create_closed_case(scenario)
    case_path = f"/v1/cases/{old_case['id']}"
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_north")
    )
    assert parse_unmet_pointers(
        await scenario.supervisor_north.act(case_path, "reopen", reopening_payload())
    ) == {"worker_unfit": None}
    south_payload = {
        **reopening_payload(),
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("worker_south")),
    }
    assert parse_unmet_pointers(await scenario.supervisor_north.act(case_path, "reopen", south_payload)) == {
        "not_your_team": "/team_id"
    }
    await superuser_connection.execute("UPDATE teams SET is_active = false WHERE id = $1", id_of("north"))
    other_payload = {**reopening_payload(), "lead_worker_id": str(id_of("worker_north_2"))}
    assert parse_unmet_pointers(await scenario.supervisor_north.act(case_path, "reopen", other_payload)) == {
        "team_unknown": "/team_id"
    }
    new_case = expect_json(await scenario.manager.act(case_path, "reopen", south_payload), 201)
    assert (new_case["team_id"], new_case["lead_worker_id"]) == (
        south_payload["team_id"],
        south_payload["lead_worker_id"],
    )


async def test_concurrent_reopening_and_acceptance_open_one_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    old_case = await create_closed_case(scenario)
    case_path, child_id = f"/v1/cases/{old_case['id']}", old_case["child_id"]
    referral = await scenario.create_referral()
    referral_path = f"/v1/referrals/{referral['id']}"
    expect_json(
        await scenario.supervisor_north.act(referral_path, "acknowledge", {"team_id": str(id_of("north"))})
    )
    await scenario.supervisor_north.open_matches(referral_path)
    referral_etag = (await scenario.supervisor_north.get(referral_path)).headers["etag"]
    case_etag = (await scenario.supervisor_north.get(case_path)).headers["etag"]
    responses = await asyncio.gather(
        *(
            scenario.supervisor_north.post(f"{case_path}/reopen", reopening_payload(), etag=case_etag)
            for _ in range(2)
        ),
        scenario.supervisor_north.post(
            f"{referral_path}/accept", acceptance_payload(child_id=child_id), etag=referral_etag
        ),
    )
    open_case_count_sql = "SELECT count(*) FROM cases WHERE child_id = $1 AND status <> 'closed'"
    assert await superuser_connection.fetchval(open_case_count_sql, UUID(child_id)) == 1
    *reopen_responses, accept_response = responses
    assert accept_response.status_code == 200, "the acceptance opens the case or joins it"
    assert {response.status_code for response in reopen_responses} <= {201, 409, 412}
    assert all(
        list(parse_unmet_pointers(response)) == ["open_case"]
        for response in reopen_responses
        if response.status_code == 409
    )


async def test_reopening_waits_for_a_link_of_the_case(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: the case locked before the opening of cases. PostgreSQL reported a deadlock, and one request failed.
    old_case = await create_closed_case(scenario)
    other_case = await scenario.open_case("worker_south")
    case_path = f"/v1/cases/{old_case['id']}"
    link_payload = {"linked_case_id": other_case["id"], "reason": "They are brothers."}
    etag = (await scenario.supervisor_north.get(case_path)).headers["etag"]
    async with superuser_connection.transaction():
        await superuser_connection.execute(CASE_OPENING_LOCK_SQL, old_case["child_id"])
        link = asyncio.create_task(scenario.supervisor_both.post(f"{case_path}/links", link_payload))
        await wait_for_lock_waiters(superuser_connection, 1)
        reopen = asyncio.create_task(
            scenario.supervisor_north.post(f"{case_path}/reopen", reopening_payload(), etag=etag)
        )
        await wait_for_lock_waiters(superuser_connection, 2)
    expect_json(await link, 201)
    expect_json(await reopen, 201)


@pytest.mark.parametrize("is_reopened_first", [True, False])
async def test_reopening_and_acceptance_take_turns(
    scenario: Scenario, superuser_connection: Any, is_reopened_first: bool
) -> None:
    """The second request joins the case that the first one opened, or is rejected."""
    old_case = await create_closed_case(scenario)
    case_path, child_id = f"/v1/cases/{old_case['id']}", old_case["child_id"]
    referral = await scenario.create_referral()
    referral_path = f"/v1/referrals/{referral['id']}"
    supervisor = scenario.supervisor_north
    expect_json(await supervisor.act(referral_path, "acknowledge", {"team_id": str(id_of("north"))}))
    await supervisor.open_matches(referral_path)
    etags = [(await supervisor.get(path)).headers["etag"] for path in (case_path, referral_path)]
    requests = [
        supervisor.post(f"{case_path}/reopen", reopening_payload(), etag=etags[0]),
        supervisor.post(f"{referral_path}/accept", acceptance_payload(child_id=child_id), etag=etags[1]),
    ]
    async with superuser_connection.transaction():
        await superuser_connection.execute(CASE_OPENING_LOCK_SQL, child_id)
        tasks = []
        for request in requests if is_reopened_first else requests[::-1]:
            tasks.append(asyncio.create_task(request))
            await wait_for_lock_waiters(superuser_connection, len(tasks))
    responses = await asyncio.gather(*tasks)
    if is_reopened_first:
        new_case = expect_json(responses[0], 201)
        assert expect_json(responses[1])["case_id"] == new_case["id"]
    else:
        expect_json(responses[0])
        assert parse_unmet_pointers(responses[1]) == {"open_case": None}


@pytest.fixture
async def linked_cases(scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two linked cases: a closed one in the north team and an open one in the south team."""
    south_case = await scenario.open_case("worker_south")
    north_case = await create_closed_case(scenario)
    link_payload = {"linked_case_id": south_case["id"], "reason": "One was harmed by the other."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{north_case['id']}/links", link_payload), 201)
    return north_case, south_case


async def test_conflict_wall_covers_cases_opened_after_the_link(
    scenario: Scenario, superuser_connection: Any, linked_cases: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    north_case, south_case = linked_cases
    case_path = f"/v1/cases/{north_case['id']}"
    insert_member_sql = "INSERT INTO team_members (team_id, user_id, is_supervisor) VALUES ($1, $2, false)"
    await superuser_connection.execute(insert_member_sql, id_of("north"), id_of("worker_south"))
    reopen_payload = {**reopening_payload(), "lead_worker_id": str(id_of("worker_south"))}
    assert parse_unmet_pointers(await scenario.supervisor_both.act(case_path, "reopen", reopen_payload)) == {
        "wall": None
    }
    referral = await scenario.create_referral()
    referral_path = f"/v1/referrals/{referral['id']}"
    expect_json(
        await scenario.supervisor_both.act(referral_path, "acknowledge", {"team_id": str(id_of("north"))})
    )
    acceptance = acceptance_payload(
        child_id=north_case["child_id"], lead_worker_id=str(id_of("worker_south"))
    )
    assert parse_unmet_pointers(await scenario.supervisor_both.act(referral_path, "accept", acceptance)) == {
        "wall": None
    }

    new_case = expect_json(
        await scenario.supervisor_both.act(
            case_path, "reopen", {**reopening_payload(), "lead_worker_id": str(id_of("worker_north_2"))}
        ),
        201,
    )
    for name, hidden_case in {
        "worker_north": south_case, "worker_north_2": south_case, "worker_south": new_case, "supervisor_north": south_case,
        "supervisor_south": new_case,
    }.items():  # fmt: skip
        assert (await scenario.client_for(name).get(f"/v1/cases/{hidden_case['id']}")).status_code == 404, (
            name
        )
        if name.startswith("worker"):
            break_glass_payload = {"reason": "On call tonight."}
            break_glass_response = await scenario.client_for(name).post(
                f"/v1/cases/{hidden_case['id']}/break-glass", break_glass_payload
            )
            assert break_glass_response.status_code == 404, name
    for name, visible_case in {
        "worker_north": north_case,
        "worker_north_2": new_case,
        "worker_south": south_case,
    }.items():
        assert (await scenario.client_for(name).get(f"/v1/cases/{visible_case['id']}")).status_code == 200, (
            name
        )
    assignment = {"lead_worker_id": str(id_of("worker_south")), "co_worker_ids": []}
    assert parse_unmet_pointers(
        await scenario.supervisor_both.act(f"/v1/cases/{new_case['id']}", "assign", assignment)
    ) == {"wall": None}
    for case in (north_case, new_case, south_case):
        links = expect_json(await scenario.supervisor_both.get(f"/v1/cases/{case['id']}/links"))["items"]
        assert len(links) == 1
    assert (
        expect_json(await scenario.supervisor_north.get(f"/v1/cases/{new_case['id']}/links"))["items"] == []
    )


async def test_link_is_refused_if_the_children_share_a_worker(
    scenario: Scenario,
) -> None:
    north_case = await create_closed_case(scenario)
    expect_json(
        await scenario.supervisor_north.act(
            f"/v1/cases/{north_case['id']}",
            "reopen",
            {**reopening_payload(), "lead_worker_id": str(id_of("worker_north_2"))},
        ),
        201,
    )
    other_case = await scenario.open_case("worker_north")
    new_case = expect_json(
        await scenario.supervisor_north.get("/v1/cases", params={"child_id": north_case["child_id"]})
    )["items"][0]
    link_payload = {"linked_case_id": other_case["id"], "reason": "Brothers."}
    response = await scenario.supervisor_north.post(f"/v1/cases/{new_case['id']}/links", link_payload)
    assert parse_unmet_pointers(response) == {"shared_worker": None}
