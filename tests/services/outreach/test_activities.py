"""Outreach activities: recording, corrections with their history, and marks as entered in error."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.support.outreach import ACTIVITIES, AWARENESS_PAYLOAD, TRAINING_PAYLOAD, create_activity
from tests.support.responses import expect_json, get_etag, parse_unmet_pointers, patch_latest
from tests.support.scenario import Scenario, id_of

WRITERS = ("worker_north", "supervisor_south", "manager", "me_officer")
READERS = (*WRITERS, "finance", "admin")
OUTSIDERS = ("dpo", "partner_one", "reporting")


async def test_activity_is_recorded_with_all_fields_and_read_by_other_staff(scenario: Scenario) -> None:
    # Catches: `venue` omitted from `_store_fields`; the participants read without their activity.
    agency, worker = str(id_of("Safe Steps")), str(id_of("worker_south"))
    payload = {**TRAINING_PAYLOAD, "partner_ids": [agency], "facilitator_ids": [worker]}
    await create_activity(scenario)
    response = await scenario.me_officer.post(ACTIVITIES, payload)
    activity = expect_json(response, 201)
    assert response.headers["location"] == f"{ACTIVITIES}/{activity['id']}"
    assert {name: activity[name] for name in payload.keys() - {"participants"}} == {
        name: value for name, value in payload.items() if name != "participants"
    }
    assert activity["participants"] == [
        {
            "audience": "social_service_workers",
            "persons": 18,
            "attendances": 50,
            "by_sex": {"male": 7, "female": 10, "other": 0, "unknown": 1},
            "by_age_group": {
                "under_5": 0, "from_5_to_9": 0, "from_10_to_13": 0, "from_14_to_17": 0, "from_18_to_24": 0,
                "from_25_to_59": 18, "from_60": 0, "unknown": 0,
            },
            "by_disability": {"yes": 1, "no": 17, "unknown": 0},
        }
    ]  # fmt: skip
    assert (activity["persons"], activity["attendances"]) == (18, 50)
    assert activity["partners"] == [{"id": agency, "name": "Safe Steps"}]
    assert activity["facilitators"] == [{"id": worker, "name": "Worker South"}]
    assert activity["recorded_by"] == {"id": str(id_of("me_officer")), "name": "Me Officer"}
    assert activity["place"]["code"] == "120101"
    assert (activity["entered_in_error"], activity["attachment_count"], activity["warnings"]) == (None, 0, [])
    for name in READERS:
        read = await scenario.client_for(name).get(f"{ACTIVITIES}/{activity['id']}")
        assert (expect_json(read), read.headers["etag"]) == (activity, '"1"')


async def test_numbers_that_are_left_out_are_completed(scenario: Scenario) -> None:
    # Catches: `attendances` of 0 by default; the rest of `by_sex` not added to `unknown`.
    parents = {
        "audience": "parents",
        "persons": 30,
        "by_sex": {"female": 22},
        "by_disability": {"unknown": 30},
    }
    children = {
        "audience": "children",
        "persons": 12,
        "attendances": 20,
        "by_age_group": {"under_5": 1, "unknown": 11},
    }
    activity = await create_activity(scenario, participants=[parents, children], sessions=2)
    by_audience = {item["audience"]: item for item in activity["participants"]}
    assert by_audience["parents"]["attendances"] == 30
    assert by_audience["parents"]["by_sex"] == {"male": 0, "female": 22, "other": 0, "unknown": 8}
    assert by_audience["parents"]["by_age_group"]["unknown"] == 30
    assert by_audience["children"]["by_sex"]["unknown"] == 12
    assert by_audience["children"]["by_age_group"]["under_5"] == 1
    assert (activity["persons"], activity["attendances"]) == (42, 50)


@pytest.mark.parametrize("name", [*READERS, *OUTSIDERS])
async def test_roles_that_can_record_and_read_activities(scenario: Scenario, name: str) -> None:
    # Catches: `outreach.read` for data protection officers; `outreach.record` for finance officers.
    activity = await create_activity(scenario)
    caller = scenario.client_for(name)
    path = f"{ACTIVITIES}/{activity['id']}"
    written = 201 if name in WRITERS else 403
    assert (await caller.post(ACTIVITIES, AWARENESS_PAYLOAD)).status_code == written
    read = 403 if name in OUTSIDERS else 200
    for suffix in ("", "/history", "/attachments"):
        assert (await caller.get(f"{path}{suffix}")).status_code == read, suffix
    assert (await caller.get(ACTIVITIES)).status_code == read
    changed = await caller.patch(path, {"title": "Body safety"}, etag='"1"')
    assert changed.status_code == (200 if name in WRITERS else 403)
    marked = await caller.post(f"{path}/enter-in-error", {"reason": "Twice."}, etag='"2"')
    assert marked.status_code == (200 if name in WRITERS else 403)


async def test_creation_can_be_retried(scenario: Scenario) -> None:
    payload = {**AWARENESS_PAYLOAD, "id": str(uuid.uuid4())}
    first = await scenario.worker_north.post(ACTIVITIES, payload, key="once")
    retried = await scenario.worker_north.post(ACTIVITIES, payload, key="once")
    assert (first.status_code, retried.json()) == (201, first.json())
    assert retried.headers["idempotent-replayed"] == "true"
    assert (await scenario.worker_north.post(ACTIVITIES, payload)).status_code == 409
    assert len(expect_json(await scenario.manager.get(ACTIVITIES))["items"]) == 1


async def test_correction_keeps_the_values_before_and_after(scenario: Scenario) -> None:
    # Catches: `record_outreach_change` before `_store_fields`; the old rows of the participants not deleted.
    activity = await create_activity(scenario, payload=TRAINING_PAYLOAD)
    path = f"{ACTIVITIES}/{activity['id']}"
    assert expect_json(await scenario.finance.get(f"{path}/history"))["items"] == []
    participants = [
        {"audience": "teachers", "persons": 5},
        {"audience": "social_service_workers", "persons": 17},
    ]
    patch = {
        "participants": participants,
        "description": None,
        "scores": {"after": {"mean": 16}},
        "venue": "Town hall",
    }
    changed = expect_json(await patch_latest(scenario.manager, path, patch))
    assert (changed["version"], changed["persons"], changed["attendances"]) == (2, 22, 22)
    assert changed["scores"]["after"] == {"persons": 17, "mean": 16}
    assert changed["updated_at"] > activity["updated_at"]
    (entry,) = expect_json(await scenario.worker_south.get(f"{path}/history"))["items"]
    assert entry["by"] == {"id": str(id_of("manager")), "name": "Manager"}
    changes = {change["field"]: (change["before"], change["after"]) for change in entry["changes"]}
    assert changes.keys() == {"participants", "description", "scores", "venue"}
    assert changes["participants"] == (activity["participants"], changed["participants"])
    assert changes["venue"] == ("Office of the province", "Town hall")
    assert changes["description"] == ("Three days with practice.", None)

    expect_json(await patch_latest(scenario.manager, path, {"venue": "Town hall"}))
    expect_json(await patch_latest(scenario.worker_north, path, {"sessions": 4}))
    history = expect_json(await scenario.manager.get(f"{path}/history"))["items"]
    assert [[change["field"] for change in entry["changes"]] for entry in history] == [
        ["sessions"],
        ["description", "participants", "scores", "venue"],
    ]
    filtered = expect_json(await scenario.manager.get(f"{path}/history?field=venue,copies"))["items"]
    assert filtered == history[1:]
    assert (await scenario.manager.get(f"{ACTIVITIES}/{uuid.uuid4()}/history")).status_code == 404


async def test_correction_requires_the_current_version(scenario: Scenario) -> None:
    activity = await create_activity(scenario)
    path = f"{ACTIVITIES}/{activity['id']}"
    assert (await scenario.worker_north.patch(path, {"sessions": 2})).status_code == 428
    assert (await scenario.worker_north.patch(path, {"sessions": 2}, etag='"7"')).status_code == 412
    assert (
        await scenario.worker_north.patch(f"{ACTIVITIES}/{uuid.uuid4()}", {}, etag='"1"')
    ).status_code == 404


async def test_only_one_of_two_concurrent_corrections_succeeds(scenario: Scenario) -> None:
    # Catches: `get_record` instead of `get_version_for_update`.
    activity = await create_activity(scenario)
    path = f"{ACTIVITIES}/{activity['id']}"
    patches: list[dict[str, Any]] = [
        {"participants": [{"audience": "children", "persons": 41}]},
        {"participants": [{"audience": "parents", "persons": 42}]},
    ]
    responses = await asyncio.gather(
        *(
            caller.patch(path, patch, etag='"1"')
            for caller, patch in zip((scenario.worker_north, scenario.me_officer), patches, strict=True)
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412]
    (winner,) = [response.json() for response in responses if response.status_code == 200]
    current = expect_json(await scenario.manager.get(path))
    assert current["participants"] == winner["participants"]
    assert len(expect_json(await scenario.manager.get(f"{path}/history"))["items"]) == 1


async def test_marked_activity_is_final_and_not_listed(scenario: Scenario) -> None:
    # Catches: `build_error_filter` omitted from the filters; `check_not_entered_in_error` omitted from `mark_…`.
    wrong, right = await create_activity(scenario), await create_activity(scenario)
    path = f"{ACTIVITIES}/{wrong['id']}"
    reason = {"reason": "The same session was recorded twice."}
    assert (await scenario.worker_north.post(f"{path}/enter-in-error", reason)).status_code == 428
    assert (await scenario.worker_north.post(f"{path}/enter-in-error", {}, etag='"1"')).status_code == 422
    marked = expect_json(await scenario.supervisor_south.post(f"{path}/enter-in-error", reason, etag='"1"'))
    assert marked["entered_in_error"]["reason"] == reason["reason"]
    assert marked["entered_in_error"]["by"]["name"] == "Supervisor South"
    listed = expect_json(await scenario.finance.get(ACTIVITIES, params={"count": "true"}))
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([right["id"]], 1)
    marked_list = expect_json(await scenario.finance.get(f"{ACTIVITIES}?entered_in_error=true"))["items"]
    assert [item["id"] for item in marked_list] == [wrong["id"]]
    assert expect_json(await scenario.finance.get(path)) == marked
    etag = await get_etag(path, scenario.worker_north)
    for refused in (
        await scenario.worker_north.patch(path, {"sessions": 2}, etag=etag),
        await scenario.worker_north.post(f"{path}/enter-in-error", reason, etag=etag),
    ):
        assert parse_unmet_pointers(refused) == {"entered_in_error": None}
    (entry,) = expect_json(await scenario.worker_north.get(f"{path}/history"))["items"]
    assert entry["changes"] == [{"field": "entered_in_error", "before": None, "after": reason["reason"]}]
