"""Cases of siblings: recorded without a conflict wall, and visible to callers who can see both cases."""

import asyncio
from typing import Any

from tests.support.list_pages import fetch_items
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


async def name_siblings(
    scenario: Scenario, by: str, case: dict[str, Any], sibling: dict[str, Any], status: int = 201
) -> dict[str, Any]:
    payload = {"sibling_case_id": sibling["id"], "note": "Younger brother."}
    return expect_json(
        await scenario.client_for(by).post(f"/v1/cases/{case['id']}/siblings", payload), status
    )


async def test_siblings_can_have_the_same_worker(scenario: Scenario) -> None:
    # Catches: `create_case_sibling` inserts a `CaseLink`.
    case, sibling = await scenario.open_case(), await scenario.open_case()
    pair = await name_siblings(scenario, "worker_north", case, sibling)
    assert {pair["case"]["id"], pair["sibling_case"]["id"]} == {case["id"], sibling["id"]}
    assert (pair["note"], pair["named_by"]["id"]) == ("Younger brother.", str(id_of("worker_north")))
    for own, other in ((case, sibling), (sibling, case)):
        path = f"/v1/cases/{own['id']}/siblings"
        assert await fetch_items(scenario.worker_north, path) == [pair]
        expect_json(await scenario.worker_north.get(f"/v1/cases/{other['id']}"))
    response = await scenario.worker_north.get(f"/v1/cases/{case['id']}/siblings")
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {case["child_id"], sibling["child_id"]}
    assert {entry["record"]["kind"] for entry in entries} == {"case_sibling"}


async def test_siblings_are_hidden_from_callers_who_see_only_one_case(scenario: Scenario) -> None:
    case, sibling = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    await name_siblings(scenario, "worker_north", case, sibling, 404)
    await name_siblings(scenario, "supervisor_both", case, sibling)
    assert await fetch_items(scenario.worker_north, f"/v1/cases/{case['id']}/siblings") == []
    expect_json(await scenario.worker_north.get(f"/v1/cases/{sibling['id']}/siblings"), 404)
    assert len(await fetch_items(scenario.manager, f"/v1/cases/{sibling['id']}/siblings")) == 1


async def test_siblings_must_be_two_children_and_are_recorded_once(scenario: Scenario) -> None:
    case, sibling = await scenario.open_case(), await scenario.open_case()
    same = await name_siblings(scenario, "worker_north", case, case, 422)
    assert [fault["code"] for fault in same["errors"]] == ["same_child"]
    path = f"/v1/cases/{case['id']}/siblings"
    payloads = ({"sibling_case_id": sibling["id"]},) * 3
    responses = await asyncio.gather(*(scenario.worker_north.post(path, payload) for payload in payloads))
    assert sorted(response.status_code for response in responses) == [201, 409, 409]
    other_direction = {"sibling_case_id": case["id"]}
    repeated = await scenario.worker_north.post(f"/v1/cases/{sibling['id']}/siblings", other_direction)
    assert repeated.status_code == 409
    assert len(await fetch_items(scenario.worker_north, path)) == 1


async def test_siblings_entered_in_error_leave_the_list_and_can_be_recorded_again(scenario: Scenario) -> None:
    case, sibling = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    pair = await name_siblings(scenario, "supervisor_both", case, sibling)
    path, reason = f"/v1/case-siblings/{pair['id']}/enter-in-error", {"reason": "Not related."}
    manager, both = scenario.manager, scenario.client_for("supervisor_both")
    assert (await scenario.worker_north.post(path, reason, etag='"1"')).status_code == 404
    assert (await both.post(path, reason)).status_code == 428
    response = await both.post(path, reason, etag='"1"')
    marked = expect_json(response)
    assert (marked["entered_in_error"]["reason"], marked["version"]) == (reason["reason"], 2)
    assert marked["entered_in_error"]["by_id"] == str(both.id)
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {case["child_id"], sibling["child_id"]}
    again = await both.post(path, reason, etag='"2"')
    assert [fault["code"] for fault in again.json()["unmet"]] == ["entered_in_error"]
    for each in (case, sibling):
        siblings = f"/v1/cases/{each['id']}/siblings"
        assert await fetch_items(manager, siblings) == []
        assert await fetch_items(manager, siblings, entered_in_error="true") == [marked]
    await name_siblings(scenario, "supervisor_both", case, sibling)


async def test_only_author_and_leads_of_either_case_can_mark_siblings(scenario: Scenario) -> None:
    leads = ("worker_north", "worker_north_2", "worker_north")
    cases = [await scenario.open_case(lead) for lead in leads]
    for case, lead in zip(cases, leads, strict=True):
        co_workers = [str(id_of(name)) for name in ("worker_north", "worker_north_2") if name != lead]
        staff = {"lead_worker_id": str(id_of(lead)), "co_worker_ids": co_workers}
        expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    reason = {"reason": "Not related."}
    for marker in ("worker_north", "worker_north_2"):
        pair = await name_siblings(scenario, "supervisor_north", cases[0], cases[1])
        path = f"/v1/case-siblings/{pair['id']}/enter-in-error"
        expect_json(await scenario.client_for(marker).post(path, reason, etag='"1"'))
    pair = await name_siblings(scenario, "supervisor_north", cases[0], cases[2])
    path = f"/v1/case-siblings/{pair['id']}/enter-in-error"
    refused = await scenario.client_for("worker_north_2").post(path, reason, etag='"1"')
    assert [fault["code"] for fault in refused.json()["unmet"]] == ["not_yours"]


async def test_break_glass_reader_cannot_record_siblings(scenario: Scenario) -> None:
    case, sibling = await scenario.open_case("worker_south"), await scenario.open_case("worker_south")
    for each in (case, sibling):
        reason = {"reason": "The child called the hotline."}
        expect_json(await scenario.worker_north.post(f"/v1/cases/{each['id']}/break-glass", reason))
    refused = await name_siblings(scenario, "worker_north", case, sibling, 409)
    assert [fault["code"] for fault in refused["unmet"]] == ["not_on_case"]
