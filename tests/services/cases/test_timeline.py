"""Tests of the timeline: filters, order, links, and the tiers that a caller can see."""

import uuid
from datetime import datetime
from typing import Any

import pytest

from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.models import CaseHistoryEntry, ClinicalNote, SupportSession
from app.models.record import freeze_time
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    create_assessed_case,
    create_closed_case,
)
from tests.support.payloads import TRANSFER_PAYLOAD
from tests.support.responses import expect_json
from tests.support.row_factories import (
    CO_WORKER_ID,
    WORKER_ID,
    case_foreign_keys,
    date_in_days,
    insert_care_plan,
    insert_goal,
    insert_row,
    local_datetime,
)
from tests.support.scenario import AuthenticatedClient, Scenario
from tests.support.sql_statements import record_statements


async def list_timeline(
    caller: AuthenticatedClient, case: dict[str, Any], **filters: Any
) -> list[dict[str, Any]]:
    response = await caller.get(f"/v1/cases/{case['id']}/timeline", params={"limit": 200, **filters})
    entries: list[dict[str, Any]] = expect_json(response)["items"]
    return entries


async def insert_history_entry(
    superuser: Any, case: dict[str, Any], kind: str, **changes: Any
) -> CaseHistoryEntry:
    fields: dict[str, Any] = {
        "by_id": WORKER_ID,
        "record_kind": "case",
        "record_id": uuid.UUID(case["id"]),
        **changes,
    }
    return await insert_row(superuser, CaseHistoryEntry(**case_foreign_keys(case), kind=kind, **fields))


async def test_timeline_contains_the_tiers_that_the_caller_can_read(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the restrictive policy `tier_limits_visibility` dropped.
    case = await scenario.open_case()
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(CO_WORKER_ID)]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    for tier, kind in (
        ("case", "session_held"),
        ("legal", "legal_step_recorded"),
        ("clinical", "clinical_note_written"),
    ):
        await insert_history_entry(superuser_connection, case, kind, tier=tier)
    expect_json(
        await scenario.worker_south.post(
            f"/v1/cases/{case['id']}/break-glass", {"reason": "In hospital now."}
        )
    )

    all_kinds = {"session_held", "legal_step_recorded", "clinical_note_written"}
    expected = {
        "worker_north": all_kinds,
        "worker_north_2": all_kinds - {"clinical_note_written"},
        "supervisor_north": all_kinds,
        "supervisor_both": all_kinds,
        "manager": all_kinds - {"clinical_note_written"},
        "worker_south": {"session_held"},
    }
    for name, kinds in expected.items():
        entries = await list_timeline(scenario.client_for(name), case)
        assert {entry["kind"] for entry in entries} & all_kinds == kinds, name
        filtered = await list_timeline(scenario.client_for(name), case, kind=",".join(sorted(all_kinds)))
        assert {entry["kind"] for entry in filtered} == kinds, name
        pages = expect_json(
            await scenario.client_for(name).get(
                f"/v1/cases/{case['id']}/timeline", params={"limit": len(entries)}
            )
        )
        assert pages["next_cursor"] is None, "the last page has no cursor, although hidden entries exist"
    for name in ("supervisor_south", "dpo", "finance", "partner_one"):
        response = await scenario.client_for(name).get(f"/v1/cases/{case['id']}/timeline")
        assert response.status_code == (404 if name == "supervisor_south" else 403), name


async def test_clinical_entry_is_visible_to_author_and_supervisor_only(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(CO_WORKER_ID)]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    await insert_history_entry(
        superuser_connection, case, "clinical_note_written", tier="clinical", by_id=CO_WORKER_ID
    )
    filters = {"kind": "clinical_note_written"}
    assert [len(await list_timeline(scenario.client_for(name), case, **filters)) for name in (
        "worker_north_2", "supervisor_north", "worker_north", "manager"
    )] == [1, 1, 0, 0]  # fmt: skip


async def test_timeline_is_filtered_by_kind_record_kind_and_date(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    record = {"record_kind": "review", "record_id": uuid.uuid4()}
    end_of_day = datetime.combine(date_in_days(-10), datetime.max.time(), CAMBODIA_TIMEZONE)
    await insert_history_entry(superuser_connection, case, "review_completed", at=end_of_day, **record)
    await insert_history_entry(
        superuser_connection, case, "review_scheduled", at=local_datetime(date_in_days(-9), 0), **record
    )
    await insert_history_entry(
        superuser_connection, case, "exit_begun", at=local_datetime(date_in_days(-8), 0)
    )
    worker = scenario.worker_north

    async def kinds(**filters: Any) -> list[str]:
        return [entry["kind"] for entry in await list_timeline(worker, case, **filters)]

    assert await kinds(kind="exit_begun") == ["exit_begun"]
    assert await kinds(kind="review_completed,exit_begun") == ["exit_begun", "review_completed"]
    assert await kinds(record_kind="review") == ["review_scheduled", "review_completed"]
    assert set(await kinds(record_kind="review,consent")) == {
        "review_scheduled",
        "review_completed",
        "consent_recorded",
    }
    assert await kinds(record_kind="review", kind="exit_begun") == []
    ten, nine, eight = (str(date_in_days(-n)) for n in (10, 9, 8))
    assert await kinds(to=nine) == ["review_scheduled", "review_completed"]
    assert await kinds(**{"from": nine, "to": nine}) == ["review_scheduled"]
    assert await kinds(**{"from": ten, "to": ten}) == ["review_completed"]
    assert (await kinds(**{"from": eight}))[-1] == "exit_begun"
    assert await kinds(**{"from": str(date_in_days(1))}) == []
    assert await kinds(**{"from": "1900-01-01", "to": "2199-12-31"}) == await kinds()
    path = f"/v1/cases/{case['id']}/timeline"
    for invalid in (
        {"kind": "cooked"}, {"kind": "exit_begun,"}, {"kind": "exit_begun,cooked"}, {"record_kind": "diary"},
        {"from": "yesterday"}, {"to": "2026-02-30"}, {"tier": "clinical"}, {"since": nine}, {"kind": ""},
    ):  # fmt: skip
        assert (await worker.get(path, params=invalid)).status_code == 422, invalid
    repeated = await worker.get(f"{path}?from={eight}&from={nine}")
    assert [fault["code"] for fault in repeated.json()["errors"]] == ["repeated"]


def days_of(entries: list[dict[str, Any]], kind: str) -> list[tuple[int, int]]:
    """Return `at` and `recorded_at` of the entries of a kind, in days from today in Cambodia."""
    moments = [(entry["at"], entry["recorded_at"]) for entry in entries if entry["kind"] == kind]
    days = [
        [datetime.fromisoformat(moment).astimezone(CAMBODIA_TIMEZONE).date() for moment in pair]
        for pair in moments
    ]
    return [((at - today()).days, (recorded_at - today()).days) for at, recorded_at in days]


async def test_entry_recorded_late_is_sorted_by_the_time_of_its_event(scenario: Scenario) -> None:
    # A visit of 50 days ago that is recorded today is sorted and filtered by its own date.
    with freeze_time(local_datetime(date_in_days(-60))):
        case, plan = await create_active_case(scenario)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    visit = {
        "kind": "home_visit",
        "held_at": local_datetime(date_in_days(-50)).isoformat(),
        "attendance": "attended",
    }
    expect_json(await worker.post(f"{path}/support-sessions", visit), 201)
    missed_visit = {
        "planned_at": local_datetime(date_in_days(-49)).isoformat(),
        "attendance": "missed_by_child",
        "missed_reason": "Ill.",
    }
    expect_json(await worker.post(f"{path}/support-sessions", {"kind": "home_visit", **missed_visit}), 201)
    for status, day in (("done", date_in_days(-48)), ("planned", date_in_days(30))):
        step = {"kind": "court_date", "status": status, "on": str(day)}
        expect_json(await worker.post(f"{path}/legal-steps", step), 201)
    [goal] = plan["areas"]["emotional_health"]["goals"]
    action = f"/v1/actions/{goal['actions'][0]['id']}"
    patch = {"status": "done", "done_on": str(date_in_days(-47))}
    expect_json(await worker.patch(action, patch, etag=(await worker.get(action)).headers["etag"]))
    await complete_next_review(scenario, case["id"], held_on=str(date_in_days(-46)))

    entries = await list_timeline(worker, case)
    for kind, days in (
        ("session_held", [(-50, 0)]), ("session_missed", [(-49, 0)]), ("legal_step_recorded", [(0, 0), (-48, 0)]),
        ("action_done", [(-47, 0)]), ("review_completed", [(-46, 0)]), ("care_plan_approved", [(-60, -60)]),
    ):  # fmt: skip
        assert days_of(entries, kind) == days, kind
    recorded_late = [
        "review_completed",
        "action_done",
        "legal_step_recorded",
        "session_missed",
        "session_held",
    ]
    assert [entry["kind"] for entry in await list_timeline(worker, case, to=str(date_in_days(-30)))][
        :5
    ] == recorded_late
    span = {"from": str(date_in_days(-49)), "to": str(date_in_days(-47))}
    assert [entry["kind"] for entry in await list_timeline(worker, case, **span)] == recorded_late[1:4]
    assert recorded_late[-1] not in {
        entry["kind"] for entry in await list_timeline(worker, case, **{"from": str(date_in_days(-1))})
    }
    noon = next(entry["at"] for entry in entries if entry["kind"] == "action_done")
    assert noon == f"{date_in_days(-47)}T05:00:00Z", "an event with a date only is at noon in Cambodia"


async def test_follow_up_entry_has_the_date_on_which_it_was_held(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await create_closed_case(scenario)
    await superuser_connection.execute(
        "UPDATE cases SET opened_on = opened_on - 40, closed_on = closed_on - 40"
    )
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    follow_ups = expect_json(await worker.get(f"{path}/follow-ups"))["items"]
    first = min(follow_ups, key=lambda follow_up: follow_up["months"])
    patch = {"held_on": str(date_in_days(-9)), "wellbeing": "well", "note": "Plays football."}
    expect_json(await worker.patch(f"/v1/follow-ups/{first['id']}", patch, etag='"1"'))
    assert days_of(await list_timeline(worker, case), "follow_up_held") == [(-9, 0)]


async def test_cursor_is_rejected_with_other_filters(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    for n in range(5):
        await insert_history_entry(
            superuser_connection, case, "session_held", at=local_datetime(date_in_days(-n))
        )
    path, worker = f"/v1/cases/{case['id']}/timeline", scenario.worker_north
    first = await worker.get(path, params={"limit": 2, "kind": "session_held", "from": str(date_in_days(-3))})
    cursor = expect_json(first)["next_cursor"]
    assert "from=" in first.headers["link"]
    params = {"limit": 2, "kind": "session_held", "from": str(date_in_days(-3)), "cursor": cursor}
    rest = expect_json(await worker.get(path, params=params))
    assert (len(rest["items"]), rest["next_cursor"]) == (2, None)
    assert (await worker.get(path, params={**params, "from": str(date_in_days(-4))})).status_code == 422
    assert (await worker.get(path, params={**params, "record_kind": "case"})).status_code == 422


async def test_transfer_entry_contains_team_names_with_one_additional_statement(scenario: Scenario) -> None:
    case = await scenario.open_case()
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "transfer", TRANSFER_PAYLOAD))
    with record_statements(scenario) as statements:
        entries = await list_timeline(scenario.manager, case)
    assert len(statements) == 2, statements
    detail = next(entry["detail"] for entry in entries if "to_team" in entry["detail"])
    assert (detail["from_team_name"], detail["to_team_name"]) == ("north", "south")
    assert {entry["by"]["name"] for entry in entries} == {"Supervisor North", "Manager"}


async def test_entry_links_to_its_record(scenario: Scenario, superuser_connection: Any) -> None:
    case, assessment = await create_assessed_case(scenario)
    plan = await insert_care_plan(superuser_connection, case, subject="family")
    goal = await insert_goal(superuser_connection, plan)
    planned_session: dict[str, Any] = {
        "planned_at": local_datetime(today()),
        "worker_id": WORKER_ID,
        "author_id": WORKER_ID,
    }
    session = await insert_row(
        superuser_connection, SupportSession(**case_foreign_keys(case), kind="therapy", **planned_session)
    )
    note = await insert_row(
        superuser_connection,
        ClinicalNote(**case_foreign_keys(case), session_id=session.id, author_id=WORKER_ID),
    )
    await insert_history_entry(
        superuser_connection, case, "goal_achieved", record_kind="goal", record_id=goal.id
    )
    clinical: dict[str, Any] = {"tier": "clinical", "record_kind": "clinical_note", "record_id": note.id}
    await insert_history_entry(superuser_connection, case, "clinical_note_written", **clinical)
    links = {entry["kind"]: entry["link"] for entry in await list_timeline(scenario.worker_north, case)}
    assert links["assessment_approved"] == f"/v1/assessments/{assessment['id']}"
    assert links["goal_achieved"] == f"/v1/goals/{goal.id}"
    assert links["clinical_note_written"] == f"/v1/support-sessions/{session.id}/clinical-note"
    for kind in ("assessment_approved", "case_opened", "consent_recorded", "person_added"):
        if kind in links:
            assert (await scenario.worker_north.get(links[kind])).status_code == 200, kind


@pytest.mark.parametrize("n", [3, 30])
async def test_timeline_statement_count_is_independent_of_its_length(
    scenario: Scenario, superuser_connection: Any, n: int
) -> None:
    case = await scenario.open_case()
    session_fields: dict[str, Any] = {"kind": "therapy", "worker_id": WORKER_ID, "author_id": WORKER_ID}
    session_fields["planned_at"] = local_datetime(today())
    for _ in range(n):
        session = await insert_row(
            superuser_connection, SupportSession(**case_foreign_keys(case), **session_fields)
        )
        note = await insert_row(
            superuser_connection,
            ClinicalNote(**case_foreign_keys(case), session_id=session.id, author_id=WORKER_ID),
        )
        clinical: dict[str, Any] = {"tier": "clinical", "record_kind": "clinical_note", "record_id": note.id}
        await insert_history_entry(superuser_connection, case, "clinical_note_written", **clinical)
    with record_statements(scenario) as statements:
        await list_timeline(scenario.worker_north, case)
    # the entries with the sessions of the clinical notes
    assert len(statements) == 1, statements
