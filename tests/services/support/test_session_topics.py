"""Topics of support sessions: coded, several for a session, and a filter of the lists."""

from typing import Any

import pytest

from tests.support.case_lifecycle import create_case_path
from tests.support.payloads import HELD_SESSION_PAYLOAD, PLANNED_VISIT_PAYLOAD
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario

TOPICS = ["self_protection", "sexual_behaviour", "emotions"]


async def test_session_has_several_topics_each_once_in_the_given_order(scenario: Scenario) -> None:
    # Catches: `dict.fromkeys` replaced with the list; topics missing from the columns that an author can correct.
    path, worker = await create_case_path(scenario), scenario.worker_north
    payload = {**HELD_SESSION_PAYLOAD, "topics": [*TOPICS, TOPICS[0]]}
    created = expect_json(await worker.post(f"{path}/support-sessions", payload), 201)
    assert created["topics"] == TOPICS
    session_path = f"/v1/support-sessions/{created['id']}"
    corrected = expect_json(await worker.patch(session_path, {"topics": ["problem_solving"]}, etag='"1"'))
    assert corrected["topics"] == ["problem_solving"]
    untouched = expect_json(await worker.patch(session_path, {"place": "Garden"}, etag='"2"'))
    assert untouched["topics"] == ["problem_solving"]
    none_given = expect_json(await worker.post(f"{path}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    assert none_given["topics"] == []


async def test_session_keeps_its_topics_when_it_is_held_and_a_series_copies_them(
    scenario: Scenario,
) -> None:
    # Catches: topics stored for held sessions only; topics missing from SupportSessionPlan.
    path, worker = await create_case_path(scenario), scenario.worker_north
    planned = expect_json(
        await worker.post(f"{path}/support-sessions", {**PLANNED_VISIT_PAYLOAD, "topics": TOPICS}), 201
    )
    held = {"held_at": "2026-01-20T02:00:00Z", "attendance": "attended"}
    session_path = f"/v1/support-sessions/{planned['id']}"
    assert expect_json(await worker.patch(session_path, held, etag='"1"'))["topics"] == TOPICS
    series = {"kind": "therapy", "first_at": "2027-01-05T02:00:00Z", "count": 3, "topics": TOPICS}
    items = expect_json(await worker.post(f"{path}/support-sessions/series", series), 201)["items"]
    assert [item["topics"] for item in items] == [TOPICS] * 3


@pytest.mark.parametrize(
    ("topics", "fault"),
    [
        (["tired"], ("/topics/0", "literal_error")),
        ("emotions", ("/topics", "list_type")),
        (["emotions"] * 21, ("/topics", "too_long")),
        ([None], ("/topics/0", "literal_error")),
    ],
)
async def test_topics_outside_the_code_list_are_rejected(
    scenario: Scenario, topics: Any, fault: tuple[str, str]
) -> None:
    path = await create_case_path(scenario)
    payload = {**HELD_SESSION_PAYLOAD, "topics": topics}
    response = await scenario.worker_north.post(f"{path}/support-sessions", payload)
    assert response.status_code == 422
    assert fault in parse_faults(response)


async def test_lists_filter_sessions_by_topic(scenario: Scenario) -> None:
    # Catches: the filter missing from FILTERS; `overlaps` replaced with the equality of both lists.
    path, worker = await create_case_path(scenario), scenario.worker_north
    for topics in (TOPICS, ["emotions"], []):
        payload = {**HELD_SESSION_PAYLOAD, "topics": topics}
        expect_json(await worker.post(f"{path}/support-sessions", payload), 201)
    for list_path in (f"{path}/support-sessions", "/v1/support-sessions"):
        for topic, count in {"emotions": 2, "self_protection": 1, "school": 0, "school,emotions": 2}.items():
            page = expect_json(await worker.get(list_path, params={"topic": topic}))
            assert len(page["items"]) == count, (list_path, topic)
        assert (await worker.get(list_path, params={"topic": "tired"})).status_code == 422
