"""The exit plan: written, approved by another, written anew; and the extension past 24 months."""

import asyncio
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import EXIT_PLAN_PAYLOAD, create_approved_exit_plan, create_exiting_case
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of

DAY = timedelta(days=1)
ALL = ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")


async def test_an_exit_plan_is_approved_by_a_supervisor_who_did_not_write_it_and_only_whole(
    scenario: Scenario,
) -> None:
    case, _ = await create_exiting_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    refused = (await scenario.supervisor_north.act(path, "approve")).json()["unmet"]
    assert {fault["pointer"] for fault in refused} == {
        *(f"/checklist/{condition}" for condition in ALL), "/taper", "/ends_on",
    }  # fmt: skip
    half = {
        **EXIT_PLAN_PAYLOAD,
        "checklist": {name: {"met": False} for name in ALL},
        "taper": [
            {"from": "2027-01-01", "contacts_per_month": 1},
            {"from": "2027-02-01", "contacts_per_month": 4},
        ],
        "follow_up_months": [6, 6],
    }
    written = expect_json(await scenario.supervisor_north.put(path, half, etag='"1"'))
    assert (written["follow_up_months"], written["author_id"]) == ([6], str(id_of("supervisor_north")))
    assert parse_unmet_pointers(await scenario.supervisor_north.act(path, "approve")) == {
        "own_work": None,
        "note_missing": "/checklist/self_protection/note",
        "taper_not_falling": "/taper",
        "follow_ups_missing": "/follow_up_months",
    }
    late = {**EXIT_PLAN_PAYLOAD, "ends_on": "2027-01-15"}
    expect_json(await worker.put(path, late, etag='"2"'))
    assert parse_unmet_pointers(await scenario.supervisor_both.act(path, "approve")) == {
        "taper_after_end": "/taper"
    }
    assert (await worker.put(path, EXIT_PLAN_PAYLOAD, etag='"2"')).status_code == 412
    assert (await worker.put(path, EXIT_PLAN_PAYLOAD)).status_code == 428
    level = [{"from": day, "contacts_per_month": 2} for day in ("2027-01-01", "2027-02-01")]
    expect_json(await worker.put(path, {**EXIT_PLAN_PAYLOAD, "taper": level[:1]}, etag='"3"'))
    expect_json(await scenario.supervisor_north.act(path, "approve"))
    expect_json(await worker.put(path, {**EXIT_PLAN_PAYLOAD, "taper": level[::-1]}, etag='"5"'))
    assert parse_unmet_pointers(await scenario.supervisor_both.act(path, "approve")) == {
        "taper_not_falling": "/taper"
    }
    expect_json(await worker.put(path, {**EXIT_PLAN_PAYLOAD, "taper": level}, etag='"6"'))
    assert (await worker.act(path, "approve")).status_code == 403
    assert (await scenario.manager.act(path, "approve")).status_code == 403
    approved = expect_json(await scenario.supervisor_north.act(path, "approve", {"comment": "Well done."}))
    assert (approved["status"], approved["decided_by_id"]) == ("approved", str(id_of("supervisor_north")))
    assert approved["decision_comment"] == "Well done."
    assert parse_unmet_pointers(await scenario.supervisor_both.act(path, "approve")) == {"status": "/status"}


async def test_an_approved_plan_written_anew_asks_for_another_approval_and_keeps_what_was_approved(
    scenario: Scenario,
) -> None:
    case, _ = await create_exiting_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    approved = await create_approved_exit_plan(scenario, case["id"])
    anew = {**EXIT_PLAN_PAYLOAD, "ends_on": "2027-03-31", "note": "The school asked for another month."}
    draft = expect_json(await worker.put(path, anew, etag=f'"{approved["version"]}"'))
    assert (draft["status"], draft["ends_on"], draft["decided_at"]) == ("draft", "2027-03-31", None)
    [before] = draft["earlier"]
    assert (before["ends_on"], before["decided_by_id"]) == ("2027-02-26", str(id_of("supervisor_north")))
    again = expect_json(await worker.put(path, anew, etag=f'"{draft["version"]}"'))
    assert again["earlier"] == draft["earlier"]


async def test_an_exit_plan_refuses_what_it_does_not_know_and_shows_itself_to_its_own(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    for wrong, fault in (
        ({"checklist": {"rich": {"met": True}}}, ("/checklist/rich", "literal_error")),
        ({"checklist": {"friends": {"met": "yes"}}}, ("/checklist/friends/met", "bool_type")),
        ({"taper": [{"from": "2027-01-01"}]}, ("/taper/0/contacts_per_month", "missing")),
        ({"follow_up_months": [0]}, ("/follow_up_months/0", "greater_than_equal")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
    ):
        assert parse_faults(await worker.put(path, wrong)) == {fault}
    assert (await worker.put(path, {}, etag='"1"')).status_code == 412
    answers = await asyncio.gather(*(worker.put(path, {}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 428]
    for name, status in {
        "worker_south": 404, "supervisor_south": 404, "partner_one": 403, "dpo": 403, "admin": 403, "manager": 200,
    }.items():  # fmt: skip
        assert (await scenario.client_for(name).get(path)).status_code == status, name
    assert (await scenario.worker_south.put(path, {}, etag='"1"')).status_code == 404
    assert (await scenario.manager.put(path, {}, etag='"1"')).status_code == 403


async def test_support_is_extended_past_24_months_by_a_manager_to_a_later_day(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    reason = {"reason": "The appeal is heard in spring."}
    ends = add_months(today(), 24)
    for until in (today(), ends):
        early = await scenario.manager.act(path, "extend", {"until": until.isoformat(), **reason})
        assert parse_unmet_pointers(early) == {"until_too_early": "/until"}
    longer = {"until": (ends + DAY).isoformat(), **reason}
    for name, status in {"worker_north": 403, "supervisor_north": 403}.items():
        assert (await scenario.client_for(name).act(path, "extend", longer)).status_code == status, name
    extended = expect_json(await scenario.manager.act(path, "extend", longer))
    assert extended["extended_until"] == longer["until"]
    assert parse_unmet_pointers(await scenario.manager.act(path, "extend", longer)) == {
        "until_too_early": "/until"
    }
    line = expect_json(await scenario.manager.get(f"{path}/timeline"))["items"][0]
    assert (line["kind"], line["detail"]) == ("case_extended", longer)
    assert (await scenario.manager.post(f"{path}/extend", longer)).status_code == 428
    assert parse_faults(await scenario.manager.act(path, "extend", {"until": "2030"})) == {
        ("/until", "date_parsing"),
        ("/reason", "missing"),
    }
    await superuser_connection.execute("UPDATE cases SET opened_on = $1", add_months(today(), -60))
    past = {"until": today().isoformat(), **reason}
    assert parse_unmet_pointers(await scenario.manager.act(path, "extend", past)) == {
        "until_too_early": "/until"
    }
