"""A decline that was a mistake is reversed: back to `acknowledged`, and visible for the agency."""

import asyncio
from typing import Any

from tests.support.referrals import REFERRAL_ACT_PAYLOADS
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload

REASON = {"reason": "The decline was meant for another referral."}


async def decline_referral(scenario: Scenario) -> tuple[str, dict[str, Any]]:
    referral = await scenario.create_referral()
    path = f"/v1/referrals/{referral['id']}"
    supervisor = scenario.supervisor_north
    return path, expect_json(await supervisor.act(path, "decline", REFERRAL_ACT_PAYLOADS["decline"]))


async def test_reinstated_referral_is_open_again_for_staff_and_agency(scenario: Scenario) -> None:
    path, declined = await decline_referral(scenario)
    assert (declined["decision_reversed_at"], declined["reversals"]) == (None, [])
    supervisor = scenario.supervisor_north
    reinstated = expect_json(await supervisor.act(path, "reinstate", REASON))
    assert reinstated["status"] == "acknowledged"
    assert reinstated["acknowledged_at"] is not None
    decision = ("decided_at", "decided_by_id", "decline_reason_code", "reason", "signposted_to")
    assert [reinstated[name] for name in decision] == [None, None, None, None, []]
    [reversal] = reinstated["reversals"]
    assert reversal["reason"] == REASON["reason"]
    assert reversal["reversed_by"] == {"id": str(supervisor.id), "name": "Supervisor North"}
    assert (reversal["status"], reversal["decided_at"]) == ("declined", declined["decided_at"])
    assert reversal["decline_reason_code"] == declined["decline_reason_code"]
    assert reversal["decision_reason"] == declined["reason"]

    partner_view = expect_json(await scenario.partner_one.get(path))
    assert (partner_view["status"], partner_view["decline_reason_code"]) == ("acknowledged", None)
    assert partner_view["decision_reversed_at"] == reinstated["decision_reversed_at"]
    assert REASON["reason"] not in str(partner_view)
    changed = {"updated_since": declined["updated_at"]}
    [listed] = expect_json(await scenario.partner_one.get("/v1/referrals", params=changed))["items"]
    assert (listed["id"], listed["status"]) == (declined["id"], "acknowledged")


async def test_reinstated_referral_is_declined_and_reinstated_again(scenario: Scenario) -> None:
    path, _ = await decline_referral(scenario)
    supervisor = scenario.supervisor_north
    expect_json(await supervisor.act(path, "reinstate", REASON))
    expect_json(await supervisor.act(path, "decline", REFERRAL_ACT_PAYLOADS["decline"]))
    second = expect_json(await supervisor.act(path, "reinstate", {"reason": "Declined twice."}))
    assert [reversal["reason"] for reversal in second["reversals"]] == [REASON["reason"], "Declined twice."]


async def test_only_a_declined_referral_is_reinstated(scenario: Scenario) -> None:
    case = await scenario.open_case()
    accepted = f"/v1/referrals/{case['referral_id']}"
    withdrawn = f"/v1/referrals/{(await scenario.create_referral())['id']}"
    expect_json(await scenario.partner_one.act(withdrawn, "withdraw", {"reason": "Sent twice."}))
    received = f"/v1/referrals/{(await scenario.create_referral())['id']}"
    for path in (accepted, withdrawn, received):
        response = await scenario.supervisor_north.act(path, "reinstate", REASON)
        assert parse_unmet_pointers(response) == {"status": "/status"}


async def test_agency_and_other_teams_cannot_reinstate(scenario: Scenario) -> None:
    path, declined = await decline_referral(scenario)
    etag = f'"{declined["version"]}"'
    assert (await scenario.partner_one.post(f"{path}/reinstate", REASON, etag=etag)).status_code == 403
    assert (await scenario.worker_south.post(f"{path}/reinstate", REASON, etag=etag)).status_code == 404
    assert (await scenario.supervisor_north.post(f"{path}/reinstate", REASON)).status_code == 428


async def test_one_of_two_simultaneous_reinstatements_succeeds(scenario: Scenario) -> None:
    path, declined = await decline_referral(scenario)
    etag = f'"{declined["version"]}"'
    callers = (scenario.supervisor_north, scenario.manager)
    responses = await asyncio.gather(
        *(caller.post(f"{path}/reinstate", REASON, etag=etag) for caller in callers)
    )
    assert sorted(response.status_code for response in responses) == [200, 412]


async def test_reinstated_referral_can_be_accepted(scenario: Scenario) -> None:
    path, _ = await decline_referral(scenario)
    supervisor = scenario.supervisor_north
    expect_json(await supervisor.act(path, "reinstate", REASON))
    expect_json(await supervisor.get(f"{path}/matches"))
    accepted = expect_json(await supervisor.act(path, "accept", acceptance_payload()))
    assert accepted["status"] == "accepted"
    assert len(accepted["reversals"]) == 1
