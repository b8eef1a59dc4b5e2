"""Accepting, completing and handing over: every condition one by one, all at once, and what a patch may leave."""

import re
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.referrals import create_referral_after_acts
from tests.support.responses import parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SOUTH = str(id_of("south"))
WITHOUT_SERVICES = {**referral_payload()["consent"], "scope": ["share_with_fsc"]}

LACKING: list[tuple[dict[str, Any], dict[str, str | None]]] = [
    ({"case_kind": None}, {"case_kind_missing": "/case_kind"}),
    ({"screening": None}, {"screening_missing": "/screening"}),
    ({"screening": {"meets_criteria": False}}, {"criteria_not_met": "/screening/meets_criteria"}),
    ({"duplicates_reviewed": False}, {"duplicates_not_reviewed": "/duplicates_reviewed"}),
    ({"team_id": None}, {"team_missing": "/team_id", "lead_worker_unfit": "/lead_worker_id"}),
    ({"team_id": UNKNOWN}, {"not_your_team": "/team_id", "lead_worker_unfit": "/lead_worker_id"}),
    (
        {"team_id": SOUTH, "lead_worker_id": str(id_of("worker_south"))},
        {"not_your_team": "/team_id", "not_yours": "/lead_worker_id"},
    ),
    ({"lead_worker_id": None}, {"lead_worker_missing": "/lead_worker_id"}),
    ({"lead_worker_id": str(id_of("worker_south"))}, {"lead_worker_unfit": "/lead_worker_id"}),
    ({"lead_worker_id": str(id_of("finance"))}, {"lead_worker_unfit": "/lead_worker_id"}),
    ({"lead_worker_id": UNKNOWN}, {"lead_worker_unfit": "/lead_worker_id"}),
    ({"child_id": UNKNOWN}, {"child_unknown": "/child_id"}),
]


def child(**changes: Any) -> dict[str, Any]:
    return {**referral_payload()["child"], **changes}


def born(years: int, days: int = 0) -> dict[str, Any]:
    """Somebody who was `years` old `days` ago."""
    day = add_months(today(), -12 * years) - timedelta(days=days)
    return child(birth={"date": day.isoformat(), "precision": "day"})


async def test_each_condition_of_accepting_is_told_by_itself_and_changes_nothing(scenario: Scenario) -> None:
    path, supervisor = await create_referral_after_acts(scenario, "acknowledge"), scenario.supervisor_north
    before = (await supervisor.get(path)).json()
    for lacking, expected in LACKING:
        assert (
            parse_unmet_pointers(await supervisor.act(path, "accept", {**acceptance_payload(), **lacking}))
            == expected
        ), lacking
    assert (await supervisor.get(path)).json() == before
    assert (await supervisor.get("/v1/cases")).json()["items"] == []
    assert (await supervisor.act(path, "accept", acceptance_payload())).status_code == 200


async def test_all_conditions_are_told_at_once(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, child=born(4), consent=WITHOUT_SERVICES)
    assert parse_unmet_pointers(
        await scenario.supervisor_north.act(path, "accept", {"child_id": UNKNOWN})
    ) == {
        "status": "/status",
        "case_kind_missing": "/case_kind",
        "screening_missing": "/screening",
        "age_outside_range": "/screening/reason",
        "duplicates_not_reviewed": "/duplicates_reviewed",
        "consent_missing": None,
        "team_missing": "/team_id",
        "lead_worker_missing": "/lead_worker_id",
        "child_unknown": "/child_id",
    }


async def test_consent_to_services_is_asked_for_and_may_be_completed(scenario: Scenario) -> None:
    path, supervisor = (
        await create_referral_after_acts(scenario, "acknowledge", consent=WITHOUT_SERVICES),
        scenario.supervisor_north,
    )
    assert parse_unmet_pointers(await supervisor.act(path, "accept", acceptance_payload())) == {
        "consent_missing": None
    }
    added = {"consent": {"scope": ["services"]}}
    patched = await scenario.partner_one.patch(path, added, etag='"2"')
    assert patched.status_code == 200, patched.text
    assert (await supervisor.act(path, "accept", acceptance_payload())).status_code == 200


async def test_the_age_at_referral_is_judged_to_the_day(scenario: Scenario) -> None:
    perhaps_eighteen = {"estimated_age": 17, "estimated_on": add_months(today(), -3).isoformat()}
    for told, is_in_range in (
        (born(5), True),
        (born(5, -1), False),
        (born(18, -1), True),
        (born(18), False),
        (child(birth=perhaps_eighteen), False),
    ):
        path = await create_referral_after_acts(scenario, "acknowledge", child=told)
        answer = await scenario.supervisor_north.act(path, "accept", acceptance_payload())
        if is_in_range:
            assert answer.status_code == 200, answer.text
        else:
            assert parse_unmet_pointers(answer) == {"age_outside_range": "/screening/reason"}
            (told_of,) = re.findall("[0-9]+ and [0-9]+", answer.json()["unmet"][0]["detail"])
            assert told_of == "5 and 17"  # the range, and not the child's age


async def test_what_is_told_has_happened_already(scenario: Scenario) -> None:
    # Before: agreed to in five years, and accepted today.
    tomorrow = today() + timedelta(days=1)
    told = referral_payload()
    decided = {"basis": "vital_interest", "decided_by": "A doctor", "on": tomorrow.isoformat(), "reason": "x"}
    for wrong, pointer in (
        ({"consent": {**told["consent"], "on": tomorrow.isoformat()}}, "/consent/on"),
        ({"consent": {"basis_without_consent": decided}}, "/consent/basis_without_consent/on"),
        ({"concern": {**told["concern"], "occurred_on": tomorrow.isoformat()}}, "/concern/occurred_on"),
        (
            {"child": child(birth={"estimated_age": 9, "estimated_on": tomorrow.isoformat()})},
            "/child/birth/estimated_on",
        ),
    ):
        answer = await scenario.partner_one.post("/v1/referrals", referral_payload(**wrong))
        assert parse_faults(answer) == {(pointer, "date_in_future")}
    now = {**told["consent"], "on": today().isoformat()}
    assert (await scenario.create_referral(consent=now))["status"] == "received"


async def test_a_social_worker_names_nobody_else(scenario: Scenario) -> None:
    told = await scenario.create_referral("worker_north", external_id=None)
    path, worker = f"/v1/referrals/{told['id']}", scenario.worker_north
    assert (await worker.act(path, "acknowledge")).status_code == 200
    another = acceptance_payload("worker_north_2")
    assert parse_unmet_pointers(await worker.act(path, "accept", another)) == {"not_yours": "/lead_worker_id"}
    assert (await worker.act(path, "accept", acceptance_payload("worker_north"))).status_code == 200


async def test_a_patch_changes_what_it_names_and_null_takes_away(scenario: Scenario) -> None:
    told = referral_payload(
        child=child(
            nickname="Chet", school={"status": "attending", "grade": "4"}, phone={"number": "012345678"},
            disability={"has_difficulty": True, "difficulties": {"seeing": "some", "hearing": "a_lot"}},
        )
    )  # fmt: skip
    path = (await scenario.partner_one.post("/v1/referrals", told)).headers["location"]
    before = (await scenario.supervisor_north.get(path)).json()
    patch = {
        "urgency": "emergency",
        "child": {
            "nickname": None, "school": {"grade": None}, "languages": ["km", "vi"], "phone": {"owner": "friend"},
            "disability": {"difficulties": {"seeing": None}},
        },
        "caregiver": {"phone": None},
        "referrer": None,
    }  # fmt: skip
    partial = await scenario.partner_one.patch(path, patch, etag='"1"')
    assert (partial.status_code, partial.headers["etag"]) == (200, '"2"')
    assert "child" not in partial.json()
    after = (await scenario.supervisor_north.get(path)).json()
    expected = {
        **before,
        "version": 2,
        "urgency": "emergency",
        "updated_at": after["updated_at"],
        "referrer": None,
        "child": {
            **before["child"],
            "nickname": None,
            "languages": ["km", "vi"],
            "school": {"status": "attending", "grade": None, "name": None},
            "phone": {"number": "+85512345678", "owner": "friend", "safe_to_call": None},
            "disability": {"has_difficulty": True, "difficulties": {"hearing": "a_lot"}, "note": None},
        },
        "caregiver": {**before["caregiver"], "phone": None},
    }
    assert after == expected
    assert after["updated_at"] > before["updated_at"]
    in_queue = (await scenario.supervisor_north.get("/v1/referrals?urgency=emergency")).json()["items"]
    assert [item["id"] for item in in_queue] == [after["id"]]


async def test_what_a_patch_leaves_must_still_be_a_referral(scenario: Scenario) -> None:
    path, partner = await create_referral_after_acts(scenario), scenario.partner_one
    before = (await scenario.supervisor_north.get(path)).json()
    for patch, fault in (
        ({"urgency": None}, ("/urgency", "missing")),
        ({"child": None}, ("/child", "missing")),
        ({"child": {"birth": None}}, ("/child/birth", "missing")),
        ({"child": {"birth": {"precision": None}}}, ("/child/birth", "birth_form")),
        ({"child": {"birth": {"estimated_age": 9}}}, ("/child/birth", "birth_form")),
        ({"child": {"names": None}}, ("/child", "name_missing")),
        ({"child": {"names": [{"script": "latin"}]}}, ("/child/names/0", "name_empty")),
        ({"child": {"place_code": "99"}}, ("/child/place_code", "place_unknown")),
        ({"caregiver": {"phone": {"number": "12"}}}, ("/caregiver/phone/number", "phone_invalid")),
        ({"concern": {"summary": None}}, ("/concern/summary", "missing")),
        ({"consent": {"given_by": []}}, ("/consent", "consent_missing")),
        ({"status": "accepted"}, ("/status", "extra_forbidden")),
        ({"external_id": "other"}, ("/external_id", "extra_forbidden")),
        ({"id": UNKNOWN}, ("/id", "extra_forbidden")),
    ):
        refused = parse_faults(await partner.patch(path, patch, etag='"1"'))
        assert refused == {fault}, patch
    assert (await scenario.supervisor_north.get(path)).json() == before
    assert (await partner.patch(path, {"urgency": "routine"})).status_code == 428


async def test_a_supervisor_hands_over_to_a_worker_of_the_team(scenario: Scenario) -> None:
    path, supervisor, worker = (
        await create_referral_after_acts(scenario),
        scenario.supervisor_north,
        scenario.worker_north,
    )
    north = str(id_of("north"))
    mine = {"handed_to_id": str(worker.id), "team_id": north}
    assert parse_faults(await scenario.partner_one.patch(path, mine, etag='"1"')) == {
        ("/handed_to_id", "not_yours"), ("/team_id", "not_yours"),
    }  # fmt: skip
    for handing, fault in (
        ({"team_id": SOUTH}, ("/team_id", "not_your_team")),
        ({"handed_to_id": str(worker.id)}, ("/handed_to_id", "not_in_team")),
        ({"handed_to_id": str(id_of("worker_south")), "team_id": north}, ("/handed_to_id", "not_in_team")),
        ({"handed_to_id": UNKNOWN, "team_id": north}, ("/handed_to_id", "not_in_team")),
    ):
        assert parse_faults(await supervisor.patch(path, handing, etag='"1"')) == {fault}
    assert (await worker.get(path)).status_code == 404
    assert (await scenario.supervisor_south.get(path)).status_code == 200  # nobody's yet: in every queue

    handed = (await supervisor.patch(path, mine, etag='"1"')).json()
    assert (handed["handed_to_id"], handed["team_id"], handed["status"]) == (
        str(worker.id),
        north,
        "received",
    )
    assert (await worker.get(path)).status_code == 200
    assert [item["id"] for item in (await worker.get("/v1/referrals")).json()["items"]] == [handed["id"]]
    for name in ("worker_north_2", "worker_south", "supervisor_south"):
        assert (await scenario.client_for(name).get(path)).status_code == 404, name
        assert (await scenario.client_for(name).get("/v1/referrals")).json()["items"] == [], name
    assert parse_faults(await worker.patch(path, {"handed_to_id": None}, etag='"2"')) == {
        ("/handed_to_id", "not_yours")
    }
    assert (await supervisor.patch(path, {"handed_to_id": None}, etag='"2"')).status_code == 200
    assert (await worker.get(path)).status_code == 404


async def test_a_worker_to_whom_a_referral_was_handed_completes_and_accepts_it(scenario: Scenario) -> None:
    path, worker = await create_referral_after_acts(scenario), scenario.worker_north
    taking = {"team_id": str(id_of("north")), "handed_to_id": str(worker.id)}
    assert (await scenario.supervisor_both.act(path, "acknowledge", taking)).status_code == 200
    completed = await worker.patch(path, {"child": {"nickname": "Chet"}}, etag='"2"')
    assert (completed.status_code, completed.json()["child"]["nickname"]) == (200, "Chet")
    accepted = await worker.act(path, "accept", acceptance_payload("worker_north"))
    assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
