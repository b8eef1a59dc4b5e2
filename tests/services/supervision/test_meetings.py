"""Supervision meetings: who records, reads and corrects them, the discussed cases, and the confidential notes."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.row_factories import date_in_days
from tests.support.scenario import Scenario, id_of
from tests.support.supervision import MEETINGS, create_meeting, meeting_payload

REASON = {"reason": "Recorded for another worker."}


async def test_meeting_has_its_people_cases_actions_and_notes(scenario: Scenario) -> None:
    case = await scenario.open_case()
    payload = meeting_payload(
        case_numbers=[case["number"]],
        notes="Tired.",
        actions=[
            {"what": "Call the school.", "due_on": str(date_in_days(9))},
            {
                "what": "Book a room.",
                "due_on": str(date_in_days(3)),
                "owner_id": str(id_of("supervisor_north")),
            },
        ],
    )
    response = await scenario.supervisor_north.post(MEETINGS, payload)
    meeting = expect_json(response, 201)
    assert response.headers["location"] == f"{MEETINGS}/{meeting['id']}"
    assert (meeting["worker"]["id"], meeting["supervisor"]["name"], meeting["team"]["name"]) == (
        str(id_of("worker_north")),
        "Supervisor North",
        "north",
    )
    assert meeting["cases"] == [{"id": case["id"], "number": case["number"], "child_id": case["child_id"]}]
    assert [(action["what"], action["owner"]["name"]) for action in meeting["actions"]] == [
        ("Book a room.", "Supervisor North"),
        ("Call the school.", "Worker North"),
    ]
    assert meeting["notes"] == "Tired."
    assert expect_json(await scenario.supervisor_north.get(f"{MEETINGS}/{meeting['id']}")) == meeting


@pytest.mark.parametrize(
    ("name", "status", "notes"),
    [
        ("worker_north", 200, "Tired."),
        ("supervisor_north", 200, "Tired."),
        ("supervisor_both", 200, None),
        ("manager", 200, None),
        ("worker_north_2", 404, None),
        ("supervisor_south", 404, None),
        ("dpo", 403, None),
        ("admin", 403, None),
    ],
)
async def test_only_the_two_participants_read_the_notes(
    scenario: Scenario, name: str, status: int, notes: str | None
) -> None:
    # Catches: the policy visible_to_participants with the condition of visible_with_meeting.
    meeting = await create_meeting(scenario, notes="Tired.")
    response = await scenario.client_for(name).get(f"{MEETINGS}/{meeting['id']}")
    assert response.status_code == status
    if status == 200:
        assert response.json()["notes"] == notes
        listed = expect_json(await scenario.client_for(name).get(MEETINGS))["items"]
        assert [item["notes"] for item in listed] == [notes]
    elif status == 404:
        assert expect_json(await scenario.client_for(name).get(MEETINGS))["items"] == []


async def test_each_discussed_case_is_logged_when_it_is_named_and_read(scenario: Scenario) -> None:
    # Catches: CASES_QUERY with NO_CHILD instead of a shown record.
    cases = [await scenario.open_case() for _ in range(2)]
    payload = meeting_payload(case_numbers=[case["number"] for case in cases])
    created = await scenario.supervisor_north.post(MEETINGS, payload)
    meeting = expect_json(created, 201)
    read = await scenario.worker_north.get(f"{MEETINGS}/{meeting['id']}")
    listed = await scenario.manager.get(MEETINGS)
    for response in (created, read, listed):
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        children = {entry["child_id"] for entry in entries} - {None}
        assert children == {case["child_id"] for case in cases}, response.url


async def test_reader_sees_only_the_cases_that_the_policies_show(scenario: Scenario) -> None:
    own, linked = await scenario.open_case(), await scenario.open_case(lead="worker_south")
    response = await scenario.supervisor_both.post(
        MEETINGS, meeting_payload(case_numbers=[own["number"], linked["number"]])
    )
    meeting = expect_json(response, 201)
    assert len(meeting["cases"]) == 2
    path = f"{MEETINGS}/{meeting['id']}"
    for name in ("worker_north", "supervisor_north"):
        read = await scenario.client_for(name).get(path)
        assert [case["number"] for case in expect_json(read)["cases"]] == [own["number"]], name
        entries = await scenario.list_access_entries(read.headers["x-request-id"])
        assert {entry["child_id"] for entry in entries} == {own["child_id"]}, name


async def test_conflict_wall_hides_a_discussed_case_and_a_correction_keeps_it(scenario: Scenario) -> None:
    # Catches: `hidden_ids` missing from the corrected cases.
    own, other = await scenario.open_case(), await scenario.open_case()
    wall = await scenario.open_case(lead="worker_south")
    response = await scenario.supervisor_both.post(
        MEETINGS, meeting_payload(case_numbers=[own["number"], wall["number"]])
    )
    meeting = expect_json(response, 201)
    path = f"{MEETINGS}/{meeting['id']}"
    link = {"linked_case_id": wall["id"], "reason": "The same matter."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{own['id']}/links", link), 201)
    seen = expect_json(await scenario.worker_north.get(path))["cases"]
    assert [case["number"] for case in seen] == [own["number"]]
    moved = await scenario.admin.patch(
        f"/v1/users/{id_of('supervisor_both')}",
        {"teams": [{"team_id": str(id_of("north")), "is_supervisor": True}]},
        etag=(await scenario.admin.get(f"/v1/users/{id_of('supervisor_both')}")).headers["etag"],
    )
    expect_json(moved)
    corrected = await scenario.supervisor_both.patch(
        path, {"case_numbers": [other["number"]]}, etag=f'"{meeting["version"]}"'
    )
    assert [case["number"] for case in expect_json(corrected)["cases"]] == [other["number"]]
    complete = expect_json(await scenario.manager.get(path))["cases"]
    assert {case["number"] for case in complete} == {other["number"], wall["number"]}


async def test_hidden_and_unknown_cases_get_the_same_answer(scenario: Scenario) -> None:
    hidden = await scenario.open_case(lead="worker_south")
    for number in (hidden["number"], "FSC-2026-9999", "x", "FSC-2026-0001'"):
        response = await scenario.supervisor_north.post(MEETINGS, meeting_payload(case_numbers=[number]))
        assert (response.status_code, parse_faults(response)) == (
            422,
            {("/case_numbers/0", "reference_unknown")},
        )
    assert expect_json(await scenario.manager.get(MEETINGS))["items"] == []


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"worker_id": str(id_of("worker_south"))}, {("/worker_id", "not_in_team")}),
        ({"worker_id": str(uuid4())}, {("/worker_id", "not_in_team")}),
        ({"worker_id": str(id_of("supervisor_north"))}, {("/worker_id", "own_work")}),
        ({"team_id": str(id_of("south"))}, {("/team_id", "not_your_team")}),
        ({"team_id": str(uuid4())}, {("/team_id", "not_your_team")}),
        ({"held_on": "2999-01-01"}, {("/held_on", "date_in_future")}),
        ({"held_on": "1999-12-31"}, {("/held_on", "date_too_early")}),
        ({"held_on": "2569-01-01"}, {("/held_on", "date_buddhist_era")}),
        ({"next_on": "2020-01-01"}, {("/next_on", "date_too_early")}),
        ({"notes": "  "}, {("/notes", "blank")}),
        ({"id": "0190b5c0-0000-7000-8000-000000000000"}, {("/id", "id_not_random")}),
        (
            {"actions": [{"what": "x", "due_on": "2026-12-01", "owner_id": str(id_of("manager"))}]},
            {("/actions/0/owner_id", "reference_unknown")},
        ),
        ({"actions": [{"what": "x"}]}, {("/actions/0/due_on", "missing")}),
        ({"supervisor_id": str(id_of("supervisor_north"))}, {("/supervisor_id", "extra_forbidden")}),
    ],
)
async def test_invalid_meetings_are_rejected(scenario: Scenario, changes: Any, faults: Any) -> None:
    response = await scenario.supervisor_north.post(MEETINGS, meeting_payload(**changes))
    assert (response.status_code, parse_faults(response)) == (422, faults)


async def test_repeated_request_with_the_same_id_creates_one_meeting(scenario: Scenario) -> None:
    payload = meeting_payload(id=str(uuid4()))
    responses = await asyncio.gather(
        *(scenario.supervisor_north.post(MEETINGS, payload, key="retry-of-a-meeting") for _ in range(3))
    )
    assert {response.status_code for response in responses} <= {201, 409}
    again = await scenario.supervisor_north.post(MEETINGS, payload, key="retry-of-a-meeting")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    conflict = await scenario.supervisor_north.post(MEETINGS, payload)
    assert conflict.status_code == 409
    assert conflict.headers["location"] == f"{MEETINGS}/{payload['id']}"
    assert len(expect_json(await scenario.manager.get(MEETINGS))["items"]) == 1


async def test_only_one_of_two_concurrent_corrections_succeeds(scenario: Scenario) -> None:
    meeting = await create_meeting(scenario)
    path = f"{MEETINGS}/{meeting['id']}"
    assert (await scenario.supervisor_north.patch(path, {"notes": "First."})).status_code == 428
    responses = await asyncio.gather(
        *(scenario.supervisor_north.patch(path, {"notes": text}, etag='"1"') for text in ("One.", "Two."))
    )
    assert sorted(response.status_code for response in responses) == [200, 412]
    [accepted] = [response.json() for response in responses if response.status_code == 200]
    assert expect_json(await scenario.worker_north.get(path))["notes"] == accepted["notes"]


async def test_only_the_supervisor_who_held_a_meeting_corrects_it(scenario: Scenario) -> None:
    meeting = await create_meeting(scenario, notes="Tired.")
    path = f"{MEETINGS}/{meeting['id']}"
    for name in ("supervisor_both", "manager"):
        response = await scenario.client_for(name).patch(path, {"held_on": "2026-01-05"}, etag='"1"')
        assert parse_unmet_pointers(response) == {"not_yours": None}, name
        action = {"what": "More.", "due_on": str(date_in_days(1))}
        response = await scenario.client_for(name).post(f"{path}/actions", action)
        assert parse_unmet_pointers(response) == {"not_yours": None}, name
    assert (await scenario.worker_north.patch(path, {"notes": "Fine."}, etag='"1"')).status_code == 403
    assert (await scenario.supervisor_south.patch(path, {"notes": "Fine."}, etag='"1"')).status_code == 404
    cleared = await scenario.supervisor_north.patch(path, {"notes": None}, etag='"1"')
    assert expect_json(cleared)["notes"] is None
    [entry] = await scenario.list_access_entries(cleared.headers["x-request-id"])
    assert (entry["record"]["kind"], entry["changes"]["notes"]) == (
        "supervision_meeting",
        {"old": "hidden", "new": "hidden"},
    )


async def test_marked_meeting_is_final_and_leaves_the_lists(scenario: Scenario) -> None:
    meeting = await create_meeting(
        scenario, actions=[{"what": "Call the school.", "due_on": str(date_in_days(2))}]
    )
    path, [action] = f"{MEETINGS}/{meeting['id']}", meeting["actions"]
    refused = await scenario.supervisor_both.post(f"{path}/enter-in-error", REASON, etag='"1"')
    assert parse_unmet_pointers(refused) == {"not_yours": None}
    marked = await scenario.supervisor_north.post(f"{path}/enter-in-error", REASON, etag='"1"')
    assert expect_json(marked)["entered_in_error"]["reason"] == REASON["reason"]
    for response in (
        await scenario.supervisor_north.patch(path, {"next_on": None}, etag='"2"'),
        await scenario.worker_north.patch(
            f"/v1/supervision-actions/{action['id']}", {"done_on": str(date_in_days(0))}, etag='"1"'
        ),
        await scenario.supervisor_north.post(
            f"{path}/actions", {"what": "x", "due_on": str(date_in_days(1))}
        ),
    ):
        assert parse_unmet_pointers(response) == {"entered_in_error": None}
    assert expect_json(await scenario.worker_north.get(MEETINGS))["items"] == []
    params = {"entered_in_error": "true"}
    assert len(expect_json(await scenario.worker_north.get(MEETINGS, params=params))["items"]) == 1
    assert expect_json(await scenario.worker_north.get("/v1/me/agenda"))["items"] == []


async def test_participants_and_successors_complete_an_action(scenario: Scenario) -> None:
    meeting = await create_meeting(
        scenario, actions=[{"what": "Call the school.", "due_on": str(date_in_days(2))}]
    )
    path = f"/v1/supervision-actions/{meeting['actions'][0]['id']}"
    for version, name in enumerate(("worker_north", "supervisor_north", "supervisor_both", "manager"), 1):
        done_on = str(date_in_days(-version + 1))
        response = await scenario.client_for(name).patch(path, {"done_on": done_on}, etag=f'"{version}"')
        assert expect_json(response)["done_on"] == done_on, name
    for name in ("worker_north_2", "supervisor_south"):
        assert (await scenario.client_for(name).get(path)).status_code == 404
        assert (await scenario.client_for(name).patch(path, {"done_on": None}, etag='"5"')).status_code == 404
    changed = await scenario.worker_north.patch(path, {"what": "Other."}, etag='"5"')
    assert parse_faults(changed) == {("/what", "extra_forbidden")}
    future = await scenario.worker_north.patch(path, {"done_on": str(date_in_days(1))}, etag='"5"')
    assert parse_faults(future) == {("/done_on", "date_in_future")}


async def test_list_filters_sorts_and_pages(scenario: Scenario) -> None:
    first = await create_meeting(scenario, held_on="2026-01-05")
    second = await create_meeting(
        scenario, held_on="2026-02-05", actions=[{"what": "x", "due_on": str(date_in_days(2))}]
    )
    south = await create_meeting(
        scenario,
        "supervisor_south",
        worker_id=str(id_of("worker_south")),
        team_id=str(id_of("south")),
        held_on="2026-03-05",
    )

    async def list_ids(name: str = "manager", **params: Any) -> list[str]:
        page = expect_json(await scenario.client_for(name).get(MEETINGS, params=params))
        return [item["id"] for item in page["items"]]

    assert await list_ids() == [south["id"], second["id"], first["id"]]
    assert await list_ids(sort="held_on") == [first["id"], second["id"], south["id"]]
    assert await list_ids(worker_id=str(id_of("worker_south"))) == [south["id"]]
    assert await list_ids(team_id=str(id_of("north")), held_from="2026-01-06") == [second["id"]]
    assert await list_ids(held_to="2026-02-05", open_actions="false") == [first["id"]]
    assert await list_ids(open_actions="true") == [second["id"]]
    assert await list_ids("worker_north") == [second["id"], first["id"]]
    page = expect_json(await scenario.manager.get(MEETINGS, params={"limit": 2, "count": "true"}))
    assert (page["total"], len(page["items"])) == (3, 2)
    assert await list_ids(limit=2, cursor=page["next_cursor"]) == [first["id"]]


async def test_worker_who_changes_the_team_keeps_the_meetings_and_the_new_supervisor_does_not_see_them(
    scenario: Scenario,
) -> None:
    meeting = await create_meeting(scenario, notes="Tired.")
    worker = f"/v1/users/{id_of('worker_north')}"
    teams = {"teams": [{"team_id": str(id_of("south")), "is_supervisor": False}]}
    etag = (await scenario.admin.get(worker)).headers["etag"]
    expect_json(await scenario.admin.patch(worker, teams, etag=etag))
    path = f"{MEETINGS}/{meeting['id']}"
    assert expect_json(await scenario.worker_north.get(path))["notes"] == "Tired."
    assert (await scenario.supervisor_south.get(path)).status_code == 404
    assert (await scenario.supervisor_north.get(path)).status_code == 200
    refused = await scenario.supervisor_north.post(MEETINGS, meeting_payload())
    assert parse_faults(refused) == {("/worker_id", "not_in_team")}


async def test_programme_manager_holds_a_meeting_with_a_supervisor(scenario: Scenario) -> None:
    meeting = await create_meeting(
        scenario, "manager", worker_id=str(id_of("supervisor_north")), notes="Plan."
    )
    read = await scenario.supervisor_north.get(f"{MEETINGS}/{meeting['id']}")
    assert expect_json(read)["notes"] == "Plan."


async def test_database_keeps_meetings_between_their_people(scenario: Scenario, api_connection: Any) -> None:
    meeting = await create_meeting(
        scenario, notes="Tired.", actions=[{"what": "x", "due_on": str(date_in_days(2))}]
    )
    columns = "(id, created_at, version, worker_id, supervisor_id, team_id, held_on, case_ids, updated_at)"
    forged = (
        f"INSERT INTO supervision_meetings {columns} SELECT gen_random_uuid(), now(), 1, '{id_of('worker_north')}',"
        f" '{{supervisor}}', '{id_of('north')}', current_date, '{{{{}}}}', now()"
    )
    async with open_transaction_as(api_connection, "worker_north", "supervision.update_action"):
        await assert_statements_rejected(
            api_connection,
            forged.format(supervisor=id_of("worker_north")),
            forged.format(supervisor=id_of("supervisor_north")),
            "UPDATE supervision_meetings SET version = version + 1, next_on = NULL",
            "UPDATE supervision_meetings SET worker_id = supervisor_id",
            "UPDATE supervision_actions SET what_encrypted = ''",
            "DELETE FROM supervision_meetings",
        )
        assert (
            await api_connection.execute("UPDATE supervision_notes SET text_encrypted = NULL") == "UPDATE 0"
        )
    async with open_transaction_as(api_connection, "supervisor_both", "supervision.hold"):
        await assert_statements_rejected(api_connection, forged.format(supervisor=id_of("supervisor_north")))
        assert await api_connection.fetchval("SELECT count(*) FROM supervision_notes") == 0
    for name in ("worker_north_2", "supervisor_south", "dpo", "admin", "finance", "me_officer"):
        async with open_transaction_as(api_connection, name, "case.read"):
            for table in ("supervision_meetings", "supervision_notes", "supervision_actions"):
                query = f"SELECT count(*) FROM {table}"  # noqa: S608 - names from this test
                assert await api_connection.fetchval(query) == 0, (name, table)
    assert meeting["notes"] == "Tired."
