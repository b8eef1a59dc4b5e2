"""The timeline: what happened to a case, by kind, record and time; and never more than the reader's tiers."""

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


async def lines(caller: AuthenticatedClient, case: dict[str, Any], **filters: Any) -> list[dict[str, Any]]:
    answer = await caller.get(f"/v1/cases/{case['id']}/timeline", params={"limit": 200, **filters})
    found: list[dict[str, Any]] = expect_json(answer)["items"]
    return found


async def happened(superuser: Any, case: dict[str, Any], kind: str, **changes: Any) -> CaseHistoryEntry:
    told: dict[str, Any] = {
        "by_id": WORKER_ID,
        "record_kind": "case",
        "record_id": uuid.UUID(case["id"]),
        **changes,
    }
    return await insert_row(superuser, CaseHistoryEntry(**case_foreign_keys(case), kind=kind, **told))


async def test_each_reads_the_lines_of_their_tiers(scenario: Scenario, superuser_connection: Any) -> None:
    # Planted: the restrictive policy `tier_limits_visibility` dropped.
    case = await scenario.open_case()
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(CO_WORKER_ID)]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    for tier, kind in (
        ("case", "session_held"),
        ("legal", "legal_step_recorded"),
        ("clinical", "clinical_note_written"),
    ):
        await happened(superuser_connection, case, kind, tier=tier)
    expect_json(
        await scenario.worker_south.post(
            f"/v1/cases/{case['id']}/break-glass", {"reason": "In hospital now."}
        )
    )

    every = {"session_held", "legal_step_recorded", "clinical_note_written"}
    expected = {
        "worker_north": every,
        "worker_north_2": every - {"clinical_note_written"},
        "supervisor_north": every,
        "supervisor_both": every,
        "manager": every - {"clinical_note_written"},
        "worker_south": {"session_held"},
    }
    for name, kinds in expected.items():
        found = await lines(scenario.client_for(name), case)
        assert {line["kind"] for line in found} & every == kinds, name
        asked = await lines(scenario.client_for(name), case, kind=",".join(sorted(every)))
        assert {line["kind"] for line in asked} == kinds, name
        pages = expect_json(
            await scenario.client_for(name).get(
                f"/v1/cases/{case['id']}/timeline", params={"limit": len(found)}
            )
        )
        assert pages["next_cursor"] is None, "a page does not tell of lines that are out of sight"
    for name in ("supervisor_south", "dpo", "finance", "partner_one"):
        answer = await scenario.client_for(name).get(f"/v1/cases/{case['id']}/timeline")
        assert answer.status_code == (404 if name == "supervisor_south" else 403), name


async def test_a_clinical_line_is_its_authors_and_the_supervisors(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(CO_WORKER_ID)]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    await happened(superuser_connection, case, "clinical_note_written", tier="clinical", by_id=CO_WORKER_ID)
    asked = {"kind": "clinical_note_written"}
    assert [len(await lines(scenario.client_for(name), case, **asked)) for name in (
        "worker_north_2", "supervisor_north", "worker_north", "manager"
    )] == [1, 1, 0, 0]  # fmt: skip


async def test_it_is_filtered_by_kinds_records_and_days(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    record = {"record_kind": "review", "record_id": uuid.uuid4()}
    late_in_the_evening = datetime.combine(date_in_days(-10), datetime.max.time(), CAMBODIA_TIMEZONE)
    await happened(superuser_connection, case, "review_completed", at=late_in_the_evening, **record)
    await happened(
        superuser_connection, case, "review_scheduled", at=local_datetime(date_in_days(-9), 0), **record
    )
    await happened(superuser_connection, case, "exit_begun", at=local_datetime(date_in_days(-8), 0))
    me = scenario.worker_north

    async def kinds(**filters: Any) -> list[str]:
        return [line["kind"] for line in await lines(me, case, **filters)]

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
    assert await kinds(**{"from": "0001-01-01", "to": "9999-12-31"}) == await kinds()
    path = f"/v1/cases/{case['id']}/timeline"
    for wrong in (
        {"kind": "cooked"}, {"kind": "exit_begun,"}, {"kind": "exit_begun,cooked"}, {"record_kind": "diary"},
        {"from": "yesterday"}, {"to": "2026-02-30"}, {"tier": "clinical"}, {"since": nine}, {"kind": ""},
    ):  # fmt: skip
        assert (await me.get(path, params=wrong)).status_code == 422, wrong
    repeated = await me.get(f"{path}?kind=exit_begun&kind=case_opened")
    assert [fault["code"] for fault in repeated.json()["errors"]] == ["repeated"]


def days_of(found: list[dict[str, Any]], kind: str) -> list[tuple[int, int]]:
    """When such things happened and when they were written, as days from today in Cambodia."""
    moments = [(line["at"], line["recorded_at"]) for line in found if line["kind"] == kind]
    days = [
        [datetime.fromisoformat(moment).astimezone(CAMBODIA_TIMEZONE).date() for moment in pair]
        for pair in moments
    ]
    return [((happened - today()).days, (written - today()).days) for happened, written in days]


async def test_what_is_written_down_late_stands_where_it_happened(scenario: Scenario) -> None:
    # Before: a visit of 50 days ago that was recorded today came first, and `to` 30 days ago found nothing.
    with freeze_time(local_datetime(date_in_days(-60))):
        case, plan = await create_active_case(scenario)
    here, me = f"/v1/cases/{case['id']}", scenario.worker_north
    visit = {
        "kind": "home_visit",
        "held_at": local_datetime(date_in_days(-50)).isoformat(),
        "attendance": "attended",
    }
    expect_json(await me.post(f"{here}/support-sessions", visit), 201)
    failed = {
        "planned_at": local_datetime(date_in_days(-49)).isoformat(),
        "attendance": "missed_by_child",
        "missed_reason": "Ill.",
    }
    expect_json(await me.post(f"{here}/support-sessions", {"kind": "home_visit", **failed}), 201)
    for status, day in (("done", date_in_days(-48)), ("planned", date_in_days(30))):
        step = {"kind": "court_date", "status": status, "on": str(day)}
        expect_json(await me.post(f"{here}/legal-steps", step), 201)
    [goal] = plan["areas"]["emotional_health"]["goals"]
    action = f"/v1/actions/{goal['actions'][0]['id']}"
    changed = {"status": "done", "done_on": str(date_in_days(-47))}
    expect_json(await me.patch(action, changed, etag=(await me.get(action)).headers["etag"]))
    await complete_next_review(scenario, case["id"], held_on=str(date_in_days(-46)))

    found = await lines(me, case)
    for kind, days in (
        ("session_held", [(-50, 0)]), ("session_missed", [(-49, 0)]), ("legal_step_recorded", [(0, 0), (-48, 0)]),
        ("action_done", [(-47, 0)]), ("review_completed", [(-46, 0)]), ("care_plan_approved", [(-60, -60)]),
    ):  # fmt: skip
        assert days_of(found, kind) == days, kind
    late = ["review_completed", "action_done", "legal_step_recorded", "session_missed", "session_held"]
    assert [line["kind"] for line in await lines(me, case, to=str(date_in_days(-30)))][:5] == late
    span = {"from": str(date_in_days(-49)), "to": str(date_in_days(-47))}
    assert [line["kind"] for line in await lines(me, case, **span)] == late[1:4]
    assert late[-1] not in {line["kind"] for line in await lines(me, case, **{"from": str(date_in_days(-1))})}
    noon = next(line["at"] for line in found if line["kind"] == "action_done")
    assert noon == f"{date_in_days(-47)}T05:00:00Z", "of a day only, its noon in Cambodia"


async def test_a_follow_up_stands_on_the_day_it_was_held(scenario: Scenario) -> None:
    with freeze_time(local_datetime(date_in_days(-40))):
        case = await create_closed_case(scenario)
    here, me = f"/v1/cases/{case['id']}", scenario.worker_north
    first = min(expect_json(await me.get(f"{here}/follow-ups"))["items"], key=lambda one: one["months"])
    told = {"held_on": str(date_in_days(-9)), "wellbeing": "well", "note": "Plays football."}
    expect_json(await me.patch(f"/v1/follow-ups/{first['id']}", told, etag='"1"'))
    assert days_of(await lines(me, case), "follow_up_held") == [(-9, 0)]


async def test_a_cursor_belongs_to_its_filters(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    for n in range(5):
        await happened(superuser_connection, case, "session_held", at=local_datetime(date_in_days(-n)))
    path, me = f"/v1/cases/{case['id']}/timeline", scenario.worker_north
    first = await me.get(path, params={"limit": 2, "kind": "session_held", "from": str(date_in_days(-3))})
    cursor = expect_json(first)["next_cursor"]
    assert "from=" in first.headers["link"]
    same = {"limit": 2, "kind": "session_held", "from": str(date_in_days(-3)), "cursor": cursor}
    rest = expect_json(await me.get(path, params=same))
    assert (len(rest["items"]), rest["next_cursor"]) == (2, None)
    assert (await me.get(path, params={**same, "from": str(date_in_days(-4))})).status_code == 422
    assert (await me.get(path, params={**same, "record_kind": "case"})).status_code == 422


async def test_every_line_leads_to_its_record(scenario: Scenario, superuser_connection: Any) -> None:
    case, assessment = await create_assessed_case(scenario)
    plan = await insert_care_plan(superuser_connection, case, subject="family")
    goal = await insert_goal(superuser_connection, plan)
    planned: dict[str, Any] = {
        "planned_at": local_datetime(today()),
        "worker_id": WORKER_ID,
        "author_id": WORKER_ID,
    }
    session = await insert_row(
        superuser_connection, SupportSession(**case_foreign_keys(case), kind="therapy", **planned)
    )
    note = await insert_row(
        superuser_connection,
        ClinicalNote(**case_foreign_keys(case), session_id=session.id, author_id=WORKER_ID),
    )
    await happened(superuser_connection, case, "goal_achieved", record_kind="goal", record_id=goal.id)
    clinical: dict[str, Any] = {"tier": "clinical", "record_kind": "clinical_note", "record_id": note.id}
    await happened(superuser_connection, case, "clinical_note_written", **clinical)
    found = {line["kind"]: line["link"] for line in await lines(scenario.worker_north, case)}
    assert found["assessment_approved"] == f"/v1/assessments/{assessment['id']}"
    assert found["goal_achieved"] == f"/v1/goals/{goal.id}"
    assert found["clinical_note_written"] == f"/v1/support-sessions/{session.id}/clinical-note"
    for kind in ("assessment_approved", "case_opened", "consent_recorded", "person_added"):
        if kind in found:
            assert (await scenario.worker_north.get(found[kind])).status_code == 200, kind


@pytest.mark.parametrize("n", [3, 30])
async def test_a_timeline_takes_as_many_statements_however_long(
    scenario: Scenario, superuser_connection: Any, n: int
) -> None:
    case = await scenario.open_case()
    told: dict[str, Any] = {"kind": "therapy", "worker_id": WORKER_ID, "author_id": WORKER_ID}
    for _ in range(n):
        session = await insert_row(superuser_connection, SupportSession(**case_foreign_keys(case), **told))
        note = await insert_row(
            superuser_connection,
            ClinicalNote(**case_foreign_keys(case), session_id=session.id, author_id=WORKER_ID),
        )
        clinical: dict[str, Any] = {"tier": "clinical", "record_kind": "clinical_note", "record_id": note.id}
        await happened(superuser_connection, case, "clinical_note_written", **clinical)
    with record_statements(scenario) as statements:
        await lines(scenario.worker_north, case)
    # the actor's event, the case, its lines, the sessions whose notes they are about
    assert len(statements) == 4, statements
