"""Exit plans: editing, approval and revision; and the extension of support beyond 24 months."""

import asyncio
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    EXIT_CONDITIONS,
    complete_next_review,
    create_approved_exit_plan,
    create_exiting_case,
    exit_plan_payload,
    fill_next_review,
    iso_day,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of

ONE_DAY = timedelta(days=1)


async def test_exit_plan_approval_requires_a_complete_plan_and_another_supervisor(
    scenario: Scenario,
) -> None:
    case, _ = await create_exiting_case(scenario)
    plan_path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    unmet = (await scenario.supervisor_north.act(plan_path, "approve")).json()["unmet"]
    assert {fault["pointer"] for fault in unmet} == {
        *(f"/checklist/{condition}" for condition in EXIT_CONDITIONS), "/taper", "/ends_on",
    }  # fmt: skip
    incomplete_plan = {
        **exit_plan_payload(),
        "checklist": {name: {"met": False} for name in EXIT_CONDITIONS},
        "taper": [
            {"from": iso_day(30), "contacts_per_month": 1},
            {"from": iso_day(60), "contacts_per_month": 4},
        ],
        "follow_up_months": [6, 6],
    }
    draft = expect_json(await scenario.supervisor_north.put(plan_path, incomplete_plan, etag='"1"'))
    assert (draft["follow_up_months"], draft["author_id"]) == ([6], str(id_of("supervisor_north")))
    assert parse_unmet_pointers(await scenario.supervisor_north.act(plan_path, "approve")) == {
        "own_work": None,
        "note_missing": "/checklist/self_protection/note",
        "taper_not_falling": "/taper",
        "follow_ups_missing": "/follow_up_months",
    }
    late_taper_plan = {**exit_plan_payload(), "ends_on": iso_day(45)}
    expect_json(await worker.put(plan_path, late_taper_plan, etag='"2"'))
    assert parse_unmet_pointers(await scenario.supervisor_both.act(plan_path, "approve")) == {
        "taper_after_end": "/taper"
    }
    assert (await worker.put(plan_path, exit_plan_payload(), etag='"2"')).status_code == 412
    assert (await worker.put(plan_path, exit_plan_payload())).status_code == 428
    constant_taper = [{"from": day, "contacts_per_month": 2} for day in (iso_day(30), iso_day(60))]
    expect_json(await worker.put(plan_path, {**exit_plan_payload(), "taper": constant_taper[:1]}, etag='"3"'))
    expect_json(await scenario.supervisor_north.act(plan_path, "approve"))
    expect_json(
        await worker.put(plan_path, {**exit_plan_payload(), "taper": constant_taper[::-1]}, etag='"5"')
    )
    assert parse_unmet_pointers(await scenario.supervisor_both.act(plan_path, "approve")) == {
        "taper_not_falling": "/taper"
    }
    expect_json(await worker.put(plan_path, {**exit_plan_payload(), "taper": constant_taper}, etag='"6"'))
    assert (await worker.act(plan_path, "approve")).status_code == 403
    assert parse_unmet_pointers(await scenario.manager.act(plan_path, "approve")) == {"not_your_team": None}
    approved = expect_json(
        await scenario.supervisor_north.act(plan_path, "approve", {"comment": "Well done."})
    )
    assert (approved["status"], approved["decided_by_id"]) == ("approved", str(id_of("supervisor_north")))
    assert approved["decision_comment"] == "Well done."
    assert parse_unmet_pointers(await scenario.supervisor_both.act(plan_path, "approve")) == {
        "status": "/status"
    }


async def test_revised_plan_needs_a_new_approval_and_keeps_the_approved_version(
    scenario: Scenario,
) -> None:
    case, _ = await create_exiting_case(scenario)
    plan_path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    approved = await create_approved_exit_plan(scenario, case["id"])
    revised_plan = {
        **exit_plan_payload(),
        "ends_on": iso_day(120),
        "note": "The school asked for another month.",
    }
    draft = expect_json(await worker.put(plan_path, revised_plan, etag=f'"{approved["version"]}"'))
    assert (draft["status"], draft["ends_on"], draft["decided_at"]) == ("draft", iso_day(120), None)
    [earlier_edition] = draft["earlier"]
    assert (earlier_edition["ends_on"], earlier_edition["decided_by_id"]) == (
        iso_day(0),
        str(id_of("supervisor_north")),
    )
    next_draft = expect_json(await worker.put(plan_path, revised_plan, etag=f'"{draft["version"]}"'))
    assert next_draft["earlier"] == draft["earlier"]


async def test_exit_plan_rejects_invalid_fields_and_callers_without_access(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    plan_path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    for invalid_payload, expected_fault in (
        ({"checklist": {"rich": {"met": True}}}, ("/checklist/rich", "literal_error")),
        ({"checklist": {"friends": {"met": "yes"}}}, ("/checklist/friends/met", "bool_type")),
        ({"taper": [{"from": iso_day(30)}]}, ("/taper/0/contacts_per_month", "missing")),
        ({"follow_up_months": [0]}, ("/follow_up_months/0", "greater_than_equal")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
    ):
        assert parse_faults(await worker.put(plan_path, invalid_payload)) == {expected_fault}
    assert (await worker.put(plan_path, {}, etag='"1"')).status_code == 412
    responses = await asyncio.gather(*(worker.put(plan_path, {}) for _ in range(2)))
    assert sorted(response.status_code for response in responses) == [200, 428]
    for name, status in {
        "worker_south": 404, "supervisor_south": 404, "partner_one": 403, "dpo": 403, "admin": 403, "manager": 200,
    }.items():  # fmt: skip
        assert (await scenario.client_for(name).get(plan_path)).status_code == status, name
    assert (await scenario.worker_south.put(plan_path, {}, etag='"1"')).status_code == 404
    assert (await scenario.manager.put(plan_path, {}, etag='"1"')).status_code == 403


async def test_manager_extends_support_beyond_24_months_to_a_later_day(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    case_path = f"/v1/cases/{case['id']}"
    reason = {"reason": "The appeal is heard in spring."}
    support_end = add_months(today(), 24)
    for until in (today(), support_end):
        response = await scenario.manager.act(case_path, "extend", {"until": until.isoformat(), **reason})
        assert parse_unmet_pointers(response) == {"until_too_early": "/until"}
    late = {"until": (add_months(support_end, 12) + ONE_DAY).isoformat(), **reason}
    response = await scenario.manager.act(case_path, "extend", late)
    assert parse_unmet_pointers(response) == {"until_too_late": "/until"}
    extension = {"until": (support_end + ONE_DAY).isoformat(), **reason}
    for name, status in {"worker_north": 403, "supervisor_north": 403}.items():
        assert (await scenario.client_for(name).act(case_path, "extend", extension)).status_code == status, (
            name
        )
    extended_case = expect_json(await scenario.manager.act(case_path, "extend", extension))
    assert extended_case["extended_until"] == extension["until"]
    assert parse_unmet_pointers(await scenario.manager.act(case_path, "extend", extension)) == {
        "until_too_early": "/until"
    }
    entry = expect_json(await scenario.manager.get(f"{case_path}/timeline"))["items"][0]
    assert (entry["kind"], entry["detail"]) == ("case_extended", extension)
    assert (await scenario.manager.post(f"{case_path}/extend", extension)).status_code == 428
    assert parse_faults(await scenario.manager.act(case_path, "extend", {"until": "2030"})) == {
        ("/until", "date_parsing"),
        ("/reason", "missing"),
    }
    await superuser_connection.execute("UPDATE cases SET opened_on = $1", add_months(today(), -60))
    past_extension = {"until": today().isoformat(), **reason}
    assert parse_unmet_pointers(await scenario.manager.act(case_path, "extend", past_extension)) == {
        "until_too_early": "/until"
    }


async def test_short_taper_needs_a_note(scenario: Scenario) -> None:
    # Catches: the length counted from the last step; `<=` for `<`.
    case, _ = await create_exiting_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    taper = [{"from": iso_day(day), "contacts_per_month": 2} for day in (1, 20)]

    async def approve(ends_on: str, note: str | None) -> Any:
        payload = {**exit_plan_payload(), "taper": taper, "ends_on": ends_on, "note": note}
        expect_json(await worker.put(path, payload, etag=(await worker.get(path)).headers["etag"]))
        return await scenario.supervisor_north.act(path, "approve")

    assert parse_unmet_pointers(await approve(iso_day(28), None)) == {"taper_short": "/note"}
    expect_json(await approve(iso_day(28), "The family moves to her aunt."))
    expect_json(await approve(iso_day(29), None))


async def test_dates_of_an_exit_plan_lie_ahead_at_its_approval(scenario: Scenario) -> None:
    # Catches: `check_dates_ahead` missing from `approve_exit_plan`.
    case, _ = await create_exiting_case(scenario)
    plan_path, worker = f"/v1/cases/{case['id']}/exit-plan", scenario.worker_north
    taper = [{"from": iso_day(day), "contacts_per_month": 2} for day in (-3, -1)]
    past = {**exit_plan_payload(), "taper": taper, "ends_on": iso_day(-1), "note": "They move."}
    expect_json(await worker.put(plan_path, past, etag='"1"'))
    unmet = (await scenario.supervisor_north.act(plan_path, "approve")).json()["unmet"]
    assert [(fault["code"], fault["pointer"]) for fault in unmet] == [
        ("taper_past", "/taper/0/from"),
        ("taper_past", "/taper/1/from"),
        ("end_past", "/ends_on"),
    ]


async def test_review_returns_an_exiting_case_to_active_support(scenario: Scenario) -> None:
    # Catches: `withdraw_exit_plan` missing from `complete_review`; `check_return_to_active` removed.
    case, _ = await create_exiting_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    approved = await create_approved_exit_plan(scenario, case["id"])
    await complete_next_review(scenario, case["id"], "return_to_active")
    active = expect_json(await worker.get(case_path))
    assert active["status"] == "active"
    assert active["next_review_on"] is not None
    plan = expect_json(await worker.get(f"{case_path}/exit-plan"))
    assert (plan["status"], plan["ends_on"], plan["taper"]) == ("draft", None, [])
    assert [edition["ends_on"] for edition in plan["earlier"]] == [approved["ends_on"]]
    closure = {"reason_code": "goals_met", "outcome": "Well."}
    assert set(parse_unmet_pointers(await worker.act(case_path, "close", closure))) == {
        "exit_plan_not_approved",
        "final_review_missing",
    }
    kinds = [item["kind"] for item in expect_json(await worker.get(f"{case_path}/timeline"))["items"]]
    assert "exit_ended" in kinds
    path = await fill_next_review(scenario, case["id"], "return_to_active")
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {"not_exiting": "/decision"}
    await complete_next_review(scenario, case["id"], "begin_exit")
    assert expect_json(await worker.get(case_path))["status"] == "exiting"
