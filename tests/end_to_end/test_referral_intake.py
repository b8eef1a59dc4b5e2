"""A referral becomes a case, every look at it leaves a trace."""

from tests.support.scenario import Scenario, acceptance_payload, child_ids_in


async def test_a_partners_referral_becomes_a_case_and_every_look_is_logged(scenario: Scenario) -> None:
    told = await scenario.create_referral()
    assert told["status"] == "received"
    path = f"/v1/referrals/{told['id']}"
    supervisor = scenario.supervisor_north
    assert (await supervisor.act(path, "acknowledge")).json()["status"] == "acknowledged"
    accepted = await supervisor.act(path, "accept", acceptance_payload())
    assert accepted.status_code == 200, accepted.text
    case_id, child_id = accepted.json()["case_id"], accepted.json()["child_id"]

    worker = scenario.worker_north
    for look in (
        f"/v1/cases/{case_id}", "/v1/cases", f"/v1/children/{child_id}", "/v1/children?q=Keo", path,
        f"/v1/cases/{case_id}/people", f"/v1/cases/{case_id}/consents", f"/v1/cases/{case_id}/timeline",
    ):  # fmt: skip
        answer = await worker.get(look)
        assert answer.status_code == 200, (look, answer.text)
        entries = await scenario.list_access_entries(answer.headers["x-request-id"])
        shown = {child_id} if look.startswith("/v1/children") else child_ids_in(answer.json())
        assert shown == {child_id} == {entry["child_id"] for entry in entries}, look
        assert {entry["actor"]["id"] for entry in entries} == {str(worker.id)}
