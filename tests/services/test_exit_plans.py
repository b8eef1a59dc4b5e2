"""The exit plan: written, approved by another, written anew; and the extension past 24 months."""

import asyncio
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.pathway import EXIT_PLAN, done, exit_plan_for, exiting
from tests.services.test_referral_life import faults, unmet
from tests.world import World, id_of

DAY = timedelta(days=1)
ALL = ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")


async def test_an_exit_plan_is_approved_by_a_supervisor_who_did_not_write_it_and_only_whole(
    world: World,
) -> None:
    case, _ = await exiting(world)
    path, worker = f"/v1/cases/{case['id']}/exit-plan", world.worker_north
    refused = (await world.supervisor_north.act(path, "approve")).json()["unmet"]
    assert {fault["pointer"] for fault in refused} == {
        *(f"/checklist/{condition}" for condition in ALL), "/taper", "/ends_on",
    }  # fmt: skip
    half = {
        **EXIT_PLAN,
        "checklist": {name: {"met": False} for name in ALL},
        "taper": [
            {"from": "2027-01-01", "contacts_per_month": 1},
            {"from": "2027-02-01", "contacts_per_month": 4},
        ],
        "follow_up_months": [6, 6],
    }
    written = done(await world.supervisor_north.put(path, half, etag='"1"'))
    assert (written["follow_up_months"], written["author_id"]) == ([6], str(id_of("supervisor_north")))
    assert unmet(await world.supervisor_north.act(path, "approve")) == {
        "own_work": None,
        "note_missing": "/checklist/self_protection/note",
        "taper_not_falling": "/taper",
        "follow_ups_missing": "/follow_up_months",
    }
    late = {**EXIT_PLAN, "ends_on": "2027-01-15"}
    done(await worker.put(path, late, etag='"2"'))
    assert unmet(await world.supervisor_both.act(path, "approve")) == {"taper_after_end": "/taper"}
    assert (await worker.put(path, EXIT_PLAN, etag='"2"')).status_code == 412
    assert (await worker.put(path, EXIT_PLAN)).status_code == 428
    level = [{"from": day, "contacts_per_month": 2} for day in ("2027-01-01", "2027-02-01")]
    done(await worker.put(path, {**EXIT_PLAN, "taper": level[:1]}, etag='"3"'))
    done(await world.supervisor_north.act(path, "approve"))
    done(await worker.put(path, {**EXIT_PLAN, "taper": level[::-1]}, etag='"5"'))
    assert unmet(await world.supervisor_both.act(path, "approve")) == {"taper_not_falling": "/taper"}
    done(await worker.put(path, {**EXIT_PLAN, "taper": level}, etag='"6"'))
    assert (await worker.act(path, "approve")).status_code == 403
    assert (await world.manager.act(path, "approve")).status_code == 403
    approved = done(await world.supervisor_north.act(path, "approve", {"comment": "Well done."}))
    assert (approved["status"], approved["decided_by_id"]) == ("approved", str(id_of("supervisor_north")))
    assert approved["decision_comment"] == "Well done."
    assert unmet(await world.supervisor_both.act(path, "approve")) == {"status": "/status"}


async def test_an_approved_plan_written_anew_asks_for_another_approval_and_keeps_what_was_approved(
    world: World,
) -> None:
    case, _ = await exiting(world)
    path, worker = f"/v1/cases/{case['id']}/exit-plan", world.worker_north
    approved = await exit_plan_for(world, case["id"])
    anew = {**EXIT_PLAN, "ends_on": "2027-03-31", "note": "The school asked for another month."}
    draft = done(await worker.put(path, anew, etag=f'"{approved["version"]}"'))
    assert (draft["status"], draft["ends_on"], draft["decided_at"]) == ("draft", "2027-03-31", None)
    [before] = draft["earlier"]
    assert (before["ends_on"], before["decided_by_id"]) == ("2027-02-26", str(id_of("supervisor_north")))
    again = done(await worker.put(path, anew, etag=f'"{draft["version"]}"'))
    assert again["earlier"] == draft["earlier"]


async def test_an_exit_plan_refuses_what_it_does_not_know_and_shows_itself_to_its_own(world: World) -> None:
    case = await world.case()
    path, worker = f"/v1/cases/{case['id']}/exit-plan", world.worker_north
    for wrong, fault in (
        ({"checklist": {"rich": {"met": True}}}, ("/checklist/rich", "literal_error")),
        ({"checklist": {"friends": {"met": "yes"}}}, ("/checklist/friends/met", "bool_type")),
        ({"taper": [{"from": "2027-01-01"}]}, ("/taper/0/contacts_per_month", "missing")),
        ({"follow_up_months": [0]}, ("/follow_up_months/0", "greater_than_equal")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
    ):
        assert faults(await worker.put(path, wrong)) == {fault}
    assert (await worker.put(path, {}, etag='"1"')).status_code == 412
    answers = await asyncio.gather(*(worker.put(path, {}) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 428]
    for name, status in {
        "worker_south": 404, "supervisor_south": 404, "partner_one": 403, "dpo": 403, "admin": 403, "manager": 200,
    }.items():  # fmt: skip
        assert (await world.as_(name).get(path)).status_code == status, name
    assert (await world.worker_south.put(path, {}, etag='"1"')).status_code == 404
    assert (await world.manager.put(path, {}, etag='"1"')).status_code == 403


async def test_support_is_extended_past_24_months_by_a_manager_to_a_later_day(
    world: World, superuser: Any
) -> None:
    case = await world.case()
    path = f"/v1/cases/{case['id']}"
    reason = {"reason": "The appeal is heard in spring."}
    ends = add_months(today(), 24)
    for until in (today(), ends):
        early = await world.manager.act(path, "extend", {"until": until.isoformat(), **reason})
        assert unmet(early) == {"until_too_early": "/until"}
    longer = {"until": (ends + DAY).isoformat(), **reason}
    for name, status in {"worker_north": 403, "supervisor_north": 403}.items():
        assert (await world.as_(name).act(path, "extend", longer)).status_code == status, name
    extended = done(await world.manager.act(path, "extend", longer))
    assert extended["extended_until"] == longer["until"]
    assert unmet(await world.manager.act(path, "extend", longer)) == {"until_too_early": "/until"}
    line = done(await world.manager.get(f"{path}/timeline"))["items"][0]
    assert (line["kind"], line["detail"]) == ("case_extended", longer)
    assert (await world.manager.post(f"{path}/extend", longer)).status_code == 428
    assert faults(await world.manager.act(path, "extend", {"until": "2030"})) == {
        ("/until", "date_parsing"),
        ("/reason", "missing"),
    }
    await superuser.execute("UPDATE cases SET opened_on = $1", add_months(today(), -60))
    past = {"until": today().isoformat(), **reason}
    assert unmet(await world.manager.act(path, "extend", past)) == {"until_too_early": "/until"}
