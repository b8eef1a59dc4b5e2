"""Acceptance, update and assignment of referrals: the conditions of the gate and the validation of patches."""

import re
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.referrals import create_referral_after_acts
from tests.support.responses import parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
SOUTH_TEAM_ID = str(id_of("south"))
CONSENT_WITHOUT_SERVICES = {**referral_payload()["consent"], "scope": ["share_with_fsc"]}

UNMET_CONDITIONS: list[tuple[dict[str, Any], dict[str, str | None]]] = [
    ({"case_kind": None}, {"case_kind_missing": "/case_kind"}),
    ({"screening": None}, {"screening_missing": "/screening"}),
    ({"screening": {"meets_criteria": False}}, {"criteria_not_met": "/screening/meets_criteria"}),
    ({"duplicates_reviewed": False}, {"duplicates_not_reviewed": "/duplicates_reviewed"}),
    ({"team_id": None}, {"team_missing": "/team_id", "lead_worker_unfit": "/lead_worker_id"}),
    ({"team_id": UNKNOWN_ID}, {"not_your_team": "/team_id", "lead_worker_unfit": "/lead_worker_id"}),
    (
        {"team_id": SOUTH_TEAM_ID, "lead_worker_id": str(id_of("worker_south"))},
        {"not_your_team": "/team_id", "not_yours": "/lead_worker_id"},
    ),
    ({"lead_worker_id": None}, {"lead_worker_missing": "/lead_worker_id"}),
    ({"lead_worker_id": str(id_of("worker_south"))}, {"lead_worker_unfit": "/lead_worker_id"}),
    ({"lead_worker_id": str(id_of("finance"))}, {"lead_worker_unfit": "/lead_worker_id"}),
    ({"lead_worker_id": UNKNOWN_ID}, {"lead_worker_unfit": "/lead_worker_id"}),
    ({"child_id": UNKNOWN_ID}, {"child_unknown": "/child_id"}),
]


def build_child(**changes: Any) -> dict[str, Any]:
    return {**referral_payload()["child"], **changes}


def build_child_of_age(years: int, days: int = 0) -> dict[str, Any]:
    """Return a child who reached the age of `years` a number of `days` ago."""
    day = add_months(today(), -12 * years) - timedelta(days=days)
    return build_child(birth={"date": day.isoformat(), "precision": "day"})


async def test_each_unmet_condition_rejects_the_acceptance(scenario: Scenario) -> None:
    path, supervisor = await create_referral_after_acts(scenario, "acknowledge"), scenario.supervisor_north
    before = (await supervisor.get(path)).json()
    for changes, expected in UNMET_CONDITIONS:
        assert (
            parse_unmet_pointers(await supervisor.act(path, "accept", {**acceptance_payload(), **changes}))
            == expected
        ), changes
    assert (await supervisor.get(path)).json() == before
    assert (await supervisor.get("/v1/cases")).json()["items"] == []
    assert (await supervisor.act(path, "accept", acceptance_payload())).status_code == 200


async def test_rejection_lists_all_unmet_conditions(scenario: Scenario) -> None:
    path = await create_referral_after_acts(
        scenario, child=build_child_of_age(4), consent=CONSENT_WITHOUT_SERVICES
    )
    assert parse_unmet_pointers(
        await scenario.supervisor_north.act(path, "accept", {"child_id": UNKNOWN_ID})
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


async def test_acceptance_requires_consent_to_services(scenario: Scenario) -> None:
    path, supervisor = (
        await create_referral_after_acts(scenario, "acknowledge", consent=CONSENT_WITHOUT_SERVICES),
        scenario.supervisor_north,
    )
    assert parse_unmet_pointers(await supervisor.act(path, "accept", acceptance_payload())) == {
        "consent_missing": None
    }
    patch = {"consent": {"scope": ["services", "share_with_fsc"]}}
    patched = await scenario.partner_one.patch(path, patch, etag='"2"')
    assert patched.status_code == 200, patched.text
    assert (await supervisor.act(path, "accept", acceptance_payload())).status_code == 200


async def test_age_at_referral_is_computed_to_the_day(scenario: Scenario) -> None:
    estimated_birth = {"estimated_age": 17, "estimated_on": add_months(today(), -3).isoformat()}
    for child, is_in_range in (
        (build_child_of_age(5), True),
        (build_child_of_age(5, -1), False),
        (build_child_of_age(18, -1), True),
        (build_child_of_age(18), False),
        (build_child(birth=estimated_birth), False),
    ):
        path = await create_referral_after_acts(scenario, "acknowledge", child=child)
        response = await scenario.supervisor_north.act(path, "accept", acceptance_payload())
        if is_in_range:
            assert response.status_code == 200, response.text
        else:
            assert parse_unmet_pointers(response) == {"age_outside_range": "/screening/reason"}
            (age_range,) = re.findall("[0-9]+ and [0-9]+", response.json()["unmet"][0]["detail"])
            assert age_range == "5 and 17"  # not the age of the child


async def test_dates_in_the_future_are_rejected(scenario: Scenario) -> None:
    tomorrow = today() + timedelta(days=1)
    consent = referral_payload()["consent"]
    basis = {"basis": "vital_interest", "decided_by": "A doctor", "on": tomorrow.isoformat(), "reason": "x"}
    for changes, pointer in (
        ({"consent": {**consent, "on": tomorrow.isoformat()}}, "/consent/on"),
        ({"consent": {"basis_without_consent": basis}}, "/consent/basis_without_consent/on"),
        (
            {"concern": {**referral_payload()["concern"], "occurred_on": tomorrow.isoformat()}},
            "/concern/occurred_on",
        ),
        (
            {"child": build_child(birth={"estimated_age": 9, "estimated_on": tomorrow.isoformat()})},
            "/child/birth/estimated_on",
        ),
    ):
        created = await scenario.create_referral(**changes)
        assert (pointer, "date_in_future") in {
            (item["pointer"], item["code"]) for item in created["warnings"]
        }
    consent_today = {**consent, "on": today().isoformat()}
    assert (await scenario.create_referral(consent=consent_today))["status"] == "received"


async def test_social_worker_cannot_name_another_lead_worker(scenario: Scenario) -> None:
    referral = await scenario.create_referral("worker_north", external_id=None)
    path, worker = f"/v1/referrals/{referral['id']}", scenario.worker_north
    assert (await worker.act(path, "acknowledge")).status_code == 200
    acceptance = acceptance_payload("worker_north_2")
    assert parse_unmet_pointers(await worker.act(path, "accept", acceptance)) == {
        "not_yours": "/lead_worker_id"
    }
    assert (await worker.act(path, "accept", acceptance_payload("worker_north"))).status_code == 200


async def test_patch_updates_named_fields_and_null_removes_them(scenario: Scenario) -> None:
    payload = referral_payload(
        child=build_child(
            nickname="Chet", school={"status": "attending", "grade": "4"}, phone={"number": "012345678"},
            disability={"has_difficulty": True, "difficulties": {"seeing": "some", "hearing": "a_lot"}},
        )
    )  # fmt: skip
    path = (await scenario.partner_one.post("/v1/referrals", payload)).headers["location"]
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
    patched = await scenario.partner_one.patch(path, patch, etag='"1"')
    assert (patched.status_code, patched.headers["etag"]) == (200, '"2"')
    assert "child" not in patched.json()
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
            "phone": {**before["child"]["phone"], "owner": "friend"},
            "phones": [{**before["child"]["phone"], "owner": "friend"}],
            "disability": {"has_difficulty": True, "difficulties": {"hearing": "a_lot"}, "note": None},
        },
        "caregiver": {**before["caregiver"], "phone": None, "phones": []},
    }
    assert after == expected
    assert after["updated_at"] > before["updated_at"]
    queue_items = (await scenario.supervisor_north.get("/v1/referrals?urgency=emergency")).json()["items"]
    assert [item["id"] for item in queue_items] == [after["id"]]


async def test_patch_with_an_invalid_result_is_rejected(scenario: Scenario) -> None:
    path, partner = await create_referral_after_acts(scenario), scenario.partner_one
    before = (await scenario.supervisor_north.get(path)).json()
    for patch, fault in (
        ({"urgency": None}, ("/urgency", "missing")),
        ({"child": None}, ("/child", "missing")),
        ({"child": {"birth": {"precision": None}}}, ("/child/birth", "birth_form")),
        ({"child": {"birth": {"date": "2016-03-11", "estimated_age": 9}}}, ("/child/birth", "birth_form")),
        ({"child": {"birth": {"estimated_age_min": 9}}}, ("/child/birth", "birth_form")),
        ({"child": {"names": None}}, ("/child", "name_missing")),
        ({"child": {"names": [{"script": "latin"}]}}, ("/child/names/0", "name_empty")),
        ({"child": {"place_code": "99"}}, ("/child/place_code", "place_unknown")),
        ({"concern": {"summary": None}}, ("/concern/summary", "missing")),
        ({"status": "accepted"}, ("/status", "extra_forbidden")),
        ({"external_id": "other"}, ("/external_id", "extra_forbidden")),
        ({"id": UNKNOWN_ID}, ("/id", "extra_forbidden")),
    ):
        faults = parse_faults(await partner.patch(path, patch, etag='"1"'))
        assert faults == {fault}, patch
    assert (await scenario.supervisor_north.get(path)).json() == before
    assert (await partner.patch(path, {"urgency": "routine"})).status_code == 428


async def test_supervisor_assigns_a_referral_to_a_team_member(scenario: Scenario) -> None:
    path, supervisor, worker = (
        await create_referral_after_acts(scenario),
        scenario.supervisor_north,
        scenario.worker_north,
    )
    north = str(id_of("north"))
    assignment = {"handed_to_id": str(worker.id), "team_id": north}
    assert parse_faults(await scenario.partner_one.patch(path, assignment, etag='"1"')) == {
        ("/handed_to_id", "not_yours"), ("/team_id", "not_yours"),
    }  # fmt: skip
    for invalid_assignment, fault in (
        ({"team_id": SOUTH_TEAM_ID}, ("/team_id", "not_your_team")),
        ({"handed_to_id": str(worker.id)}, ("/handed_to_id", "not_in_team")),
        ({"handed_to_id": str(id_of("worker_south")), "team_id": north}, ("/handed_to_id", "not_in_team")),
        ({"handed_to_id": UNKNOWN_ID, "team_id": north}, ("/handed_to_id", "not_in_team")),
    ):
        assert parse_faults(await supervisor.patch(path, invalid_assignment, etag='"1"')) == {fault}
    assert (await worker.get(path)).status_code == 404
    assert (
        await scenario.supervisor_south.get(path)
    ).status_code == 200  # not assigned to a team: in every queue

    assigned = (await supervisor.patch(path, assignment, etag='"1"')).json()
    assert (assigned["handed_to_id"], assigned["team_id"], assigned["status"]) == (
        str(worker.id),
        north,
        "received",
    )
    assert (await worker.get(path)).status_code == 200
    assert [item["id"] for item in (await worker.get("/v1/referrals")).json()["items"]] == [assigned["id"]]
    for name in ("worker_north_2", "worker_south", "supervisor_south"):
        assert (await scenario.client_for(name).get(path)).status_code == 404, name
        assert (await scenario.client_for(name).get("/v1/referrals")).json()["items"] == [], name
    assert parse_faults(await worker.patch(path, {"handed_to_id": None}, etag='"2"')) == {
        ("/handed_to_id", "not_yours")
    }
    assert (await supervisor.patch(path, {"handed_to_id": None}, etag='"2"')).status_code == 200
    assert (await worker.get(path)).status_code == 404


async def test_assigned_worker_can_update_and_accept_the_referral(scenario: Scenario) -> None:
    path, worker = await create_referral_after_acts(scenario), scenario.worker_north
    assignment = {"team_id": str(id_of("north")), "handed_to_id": str(worker.id)}
    assert (await scenario.supervisor_both.act(path, "acknowledge", assignment)).status_code == 200
    updated = await worker.patch(path, {"child": {"nickname": "Chet"}}, etag='"2"')
    assert (updated.status_code, updated.json()["child"]["nickname"]) == (200, "Chet")
    accepted = await worker.act(path, "accept", acceptance_payload("worker_north"))
    assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
