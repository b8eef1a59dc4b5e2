"""Feedback of children and caregivers: who records, reads and marks it, and when it can be given."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import (
    create_active_case,
    create_closed_case,
    create_exiting_case,
    get_next_review,
    list_timeline_lines,
)
from tests.support.payloads import feedback_payload
from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of


def exit_feedback() -> dict[str, Any]:
    return {"given_by": "caregiver", "rating": 5, "occasion": "exit", "given_on": today().isoformat()}


MISTAKE = {"reason": "Recorded for another child."}


async def create_case_with_co_worker(scenario: Scenario) -> tuple[str, dict[str, Any]]:
    """Open an active case with a co-worker, record feedback as its lead worker, and return its path and the feedback."""
    case, _ = await create_active_case(scenario)
    path = f"/v1/cases/{case['id']}"
    staff = {"lead_worker_id": case["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    return path, expect_json(await scenario.worker_north.post(f"{path}/feedback", feedback_payload()), 201)


async def test_feedback_is_visible_to_its_author_and_supervisors_only(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the policy visible_to_author_and_supervisors replaced with the visibility of the case.
    path, feedback = await create_case_with_co_worker(scenario)
    assert {name: feedback[name] for name in feedback_payload()} == feedback_payload()
    assert feedback["author_id"] == str(id_of("worker_north"))
    emergency = {"reason": "The child called the on-call number."}
    expect_json(await scenario.worker_south.post(f"{path}/break-glass", emergency))
    feedback_path = f"/v1/feedback/{feedback['id']}"
    for name, (status, count) in {
        "worker_north": (200, 1), "supervisor_north": (200, 1), "manager": (200, 1), "supervisor_both": (200, 1),
        "worker_north_2": (404, 0), "worker_south": (404, 0), "supervisor_south": (404, None),
        "finance": (403, None), "dpo": (403, None), "me_officer": (403, None), "admin": (403, None), "partner_one": (403, None),
    }.items():  # fmt: skip
        client = scenario.client_for(name)
        assert (await client.get(feedback_path)).status_code == status, name
        page = await client.get(f"{path}/feedback")
        assert page.status_code == (200 if count is not None else status), name
        if count is not None:
            assert len(page.json()["items"]) == count, name
            file = expect_json(await client.get(f"{path}/file", params={"parts": "feedback"}))
            assert len(file["feedback"]["items"]) == count, name
    stored = await superuser_connection.fetchval("SELECT feedback::text FROM feedback")
    assert feedback_payload()["comment"].encode().hex() not in stored


async def test_timeline_shows_that_feedback_was_given_and_neither_rating_nor_comment(
    scenario: Scenario,
) -> None:
    # Catches: the rating added to the detail of the history entry.
    path, feedback = await create_case_with_co_worker(scenario)
    [entry] = await list_timeline_lines(scenario.worker_north_2, path, "feedback_recorded")
    assert (entry["detail"], entry["record_id"]) == (
        {"given_by": "child", "occasion": "review"},
        feedback["id"],
    )


async def test_feedback_is_marked_by_a_supervisor_who_does_not_work_on_the_case(scenario: Scenario) -> None:
    # Catches: `_check_no_worker` returned nothing, with the trigger prevent_change_by_case_worker dropped.
    path, feedback = await create_case_with_co_worker(scenario)
    feedback_path = f"/v1/feedback/{feedback['id']}"
    mark = f"{feedback_path}/enter-in-error"
    for name, status in {"worker_north": 403, "worker_north_2": 403, "supervisor_south": 404}.items():
        assert (await scenario.client_for(name).post(mark, MISTAKE, etag='"1"')).status_code == status, name
    lead = {
        "lead_worker_id": str(id_of("supervisor_north")),
        "co_worker_ids": [str(id_of("supervisor_both"))],
    }
    expect_json(await scenario.supervisor_north.act(path, "assign", lead))
    for name in ("supervisor_north", "supervisor_both"):  # the lead worker and the co-worker
        response = await scenario.client_for(name).post(mark, MISTAKE, etag='"1"')
        assert parse_unmet_pointers(response) == {"own_work": None}, name
    assert (await scenario.manager.post(mark, MISTAKE)).status_code == 428
    assert (await scenario.manager.post(mark, MISTAKE, etag='"7"')).status_code == 412
    marked = expect_json(await scenario.manager.post(mark, MISTAKE, etag='"1"'))
    assert (marked["version"], marked["entered_in_error"]["reason"]) == (2, MISTAKE["reason"])
    assert expect_json(await scenario.manager.get(f"{path}/feedback"))["items"] == []
    [listed] = expect_json(
        await scenario.manager.get(f"{path}/feedback", params={"entered_in_error": "true"})
    )["items"]
    assert listed == marked


async def test_feedback_never_changes_in_the_database(scenario: Scenario, api_connection: Any) -> None:
    # Catches: GRANT UPDATE (rating) ON feedback; the triggers dropped; DELETE granted.
    path, _ = await create_case_with_co_worker(scenario)
    expect_json(
        await scenario.supervisor_north.act(
            path, "assign", {"lead_worker_id": str(id_of("supervisor_north")), "co_worker_ids": []}
        )
    )
    mark = """
        UPDATE feedback SET version = 2, entered_in_error_at = now(), entered_in_error_by_id = '{}',
                            entered_in_error_reason_encrypted = 'x'
    """
    for name in ("worker_north", "supervisor_north", "supervisor_both", "manager"):
        async with open_transaction_as(api_connection, name):
            await assert_statements_rejected(
                api_connection,
                "UPDATE feedback SET rating = 5",
                "UPDATE feedback SET comment_encrypted = NULL",
                "DELETE FROM feedback",
            )
            if name == "supervisor_north":
                await assert_statements_rejected(
                    api_connection, mark.format(id_of(name)), "UPDATE feedback SET version = 2"
                )
            if name == "worker_north":
                assert await api_connection.execute("UPDATE feedback SET version = 2") == "UPDATE 0"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"occasion": "exit"}, {"status": "/occasion"}),
        (
            {"given_on": "2020-01-01"},
            {"before_support": "/given_on"},
        ),
        ({"given_by": "caregiver", "helped_by": "caregiver"}, {"not_asked": "/helped_by"}),
    ],
)
async def test_feedback_that_does_not_fit_an_active_case_is_refused(
    scenario: Scenario, changes: dict[str, Any], faults: dict[str, str]
) -> None:
    case, _ = await create_active_case(scenario)
    response = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/feedback", {**feedback_payload(), **changes}
    )
    assert parse_unmet_pointers(response) == faults


async def test_review_id_is_required_only_for_feedback_at_a_review(scenario: Scenario) -> None:
    # Catches: `col(Review.case_id) == case.id` removed.
    case, other = (await create_exiting_case(scenario))[0], (await create_active_case(scenario))[0]
    path, worker = f"/v1/cases/{case['id']}/feedback", scenario.worker_north
    review, other_review = [(await get_next_review(scenario, each["id"]))["id"] for each in (case, other)]
    created = expect_json(await worker.post(path, {**feedback_payload(), "review_id": review}), 201)
    assert created["review_id"] == review
    for review_id in (other_review, str(uuid4())):
        response = await worker.post(path, {**feedback_payload(), "review_id": review_id})
        assert (response.status_code, parse_faults(response)) == (422, {("/review_id", "reference_unknown")})
    response = await worker.post(path, {**exit_feedback(), "review_id": review})
    assert parse_unmet_pointers(response) == {"not_asked": "/review_id"}


async def test_feedback_at_an_exit_can_follow_the_closing_and_feedback_at_a_review_cannot(
    scenario: Scenario,
) -> None:
    # Catches: `closed` missing from the statuses for an exit.
    opened, closed = await scenario.open_case(), await create_closed_case(scenario)
    for case, payload, status in (
        (opened, feedback_payload(), 409),
        (opened, exit_feedback(), 409),
        (closed, feedback_payload(), 409),
        (closed, exit_feedback(), 201),
    ):
        response = await scenario.worker_north.post(f"/v1/cases/{case['id']}/feedback", payload)
        assert response.status_code == status, payload


async def test_feedback_of_another_case_and_with_invalid_values_is_rejected(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    path = f"/v1/cases/{case['id']}/feedback"
    emergency = {"reason": "The child called the on-call number."}
    expect_json(await scenario.worker_south.post(f"/v1/cases/{case['id']}/break-glass", emergency))
    response = await scenario.worker_south.post(path, feedback_payload())
    assert parse_unmet_pointers(response) == {"not_on_case": None}
    assert (await scenario.supervisor_south.post(path, feedback_payload())).status_code == 404
    tomorrow = (today() + timedelta(days=1)).isoformat()
    for changes, fault in (
        ({"rating": 0}, ("/rating", "greater_than_equal")),
        ({"rating": 6}, ("/rating", "less_than_equal")),
        ({"rating": "4"}, ("/rating", "int_type")),
        ({"rating": None}, ("/rating", "int_type")),
        ({"given_by": "worker"}, ("/given_by", "literal_error")),
        ({"helped_by": "friend"}, ("/helped_by", "literal_error")),
        ({"given_on": tomorrow}, ("/given_on", "date_in_future")),
        ({"given_on": "2569-01-01"}, ("/given_on", "date_buddhist_era")),
        ({"comment": " "}, ("/comment", "blank")),
        ({"face": 1}, ("/face", "extra_forbidden")),
    ):
        response = await scenario.worker_north.post(path, {**feedback_payload(), **changes})
        assert response.status_code == 422, changes
        assert fault in parse_faults(response), changes


async def test_list_filters_by_giver_and_occasion_and_repeated_requests_create_one(
    scenario: Scenario,
) -> None:
    case, _ = await create_exiting_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/feedback", scenario.worker_north
    chosen_id = str(uuid4())
    first, second = [
        await worker.post(path, {**feedback_payload(), "id": chosen_id}, key="once") for _ in range(2)
    ]
    assert (first.status_code, second.json()) == (201, first.json())
    assert (await worker.post(path, {**feedback_payload(), "id": chosen_id})).status_code == 409
    expect_json(await worker.post(path, exit_feedback()), 201)
    for params, count in (
        ({}, 2),
        ({"given_by": "child"}, 1),
        ({"occasion": "exit"}, 1),
        ({"given_by": "child", "occasion": "exit"}, 0),
        ({"given_by": "child,caregiver"}, 2),
    ):
        page = expect_json(await scenario.supervisor_north.get(path, params=params))
        assert len(page["items"]) == count, params
