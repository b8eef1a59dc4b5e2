"""From a partner's referral to a case, with the access entries of each read."""

from tests.support.scenario import Scenario, acceptance_payload, child_ids_in


async def test_referral_becomes_a_case_and_every_read_is_logged(scenario: Scenario) -> None:
    referral = await scenario.create_referral()
    assert referral["status"] == "received"
    path = f"/v1/referrals/{referral['id']}"
    supervisor = scenario.supervisor_north
    assert (await supervisor.act(path, "acknowledge")).json()["status"] == "acknowledged"
    accepted = await supervisor.act(path, "accept", acceptance_payload())
    assert accepted.status_code == 200, accepted.text
    case_id, child_id = accepted.json()["case_id"], accepted.json()["child_id"]

    worker = scenario.worker_north
    for read_path in (
        f"/v1/cases/{case_id}", "/v1/cases", f"/v1/children/{child_id}", "/v1/children?q=Keo", path,
        f"/v1/cases/{case_id}/people", f"/v1/cases/{case_id}/consents", f"/v1/cases/{case_id}/timeline",
    ):  # fmt: skip
        response = await worker.get(read_path)
        assert response.status_code == 200, (read_path, response.text)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        child_ids = {child_id} if read_path.startswith("/v1/children") else child_ids_in(response.json())
        assert child_ids == {child_id} == {entry["child_id"] for entry in entries}, read_path
        assert {entry["actor"]["id"] for entry in entries} == {str(worker.id)}
