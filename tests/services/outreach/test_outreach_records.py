"""Records of outreach in the access log and in the database: log entries, columns of reports, rules and encryption."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.support.outreach import ACTIVITIES, TRAINING_PAYLOAD, create_activity, create_attachment
from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json, patch_latest
from tests.support.row_changes import is_accepted
from tests.support.scenario import Scenario, id_of

PLAIN_COLUMNS = (
    "kind, topic, programme, starts_on, ends_on, sessions, place_code, copies, mean_before, mean_after"
)
SECRET = "Zqxcanary"


@pytest.fixture
async def reports_connection(scenario: Scenario) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role for reports."""
    connection = await asyncpg.connect(scenario.urls.reports)
    yield connection
    await connection.close()


async def get_entry(scenario: Scenario, response: Any) -> dict[str, Any]:
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    return entry


async def test_acts_are_logged_with_old_and_new_values_and_without_a_child(scenario: Scenario) -> None:
    # Catches: CONFIGURATION_KINDS without OutreachActivity; `record_change` omitted from `_replace_participants`.
    created = await scenario.worker_north.post(ACTIVITIES, TRAINING_PAYLOAD)
    activity = expect_json(created, 201)
    entry = await get_entry(scenario, created)
    assert (entry["act"], entry["outcome"], entry["child_id"]) == ("outreach.record", "allowed", None)
    assert entry["record"] == {"kind": "outreach_activity", "id": activity["id"]}
    changes = entry["changes"]
    assert changes["title"] == {"old": None, "new": "Working with boys"}
    assert changes["participants"]["new"] == activity["participants"]
    assert changes["description"]["new"] == "hidden"

    path = f"{ACTIVITIES}/{activity['id']}"
    changed = await patch_latest(scenario.me_officer, path, {"venue": "Town hall"})
    entry = await get_entry(scenario, changed)
    assert entry["act"] == "outreach.record"
    assert entry["changes"] == {"venue": {"old": "Office of the province", "new": "Town hall"}}

    attachment = await create_attachment(scenario, activity)
    mark = await scenario.manager.post(
        f"/v1/outreach-attachments/{attachment['id']}/enter-in-error", {"reason": "Wrong."}, etag='"1"'
    )
    entry = await get_entry(scenario, mark)
    assert entry["record"] == {"kind": "outreach_attachment", "id": attachment["id"]}


async def test_reads_and_refusals_are_logged_without_a_child(scenario: Scenario) -> None:
    # Catches: 'outreach_activity' removed from access.find_configuration_kind().
    activity = await create_activity(scenario)
    attachment = await create_attachment(scenario, activity)
    path = f"{ACTIVITIES}/{activity['id']}"
    for reader_path in (
        ACTIVITIES,
        path,
        f"{path}/history",
        f"/v1/outreach-attachments/{attachment['id']}/content",
    ):
        entry = await get_entry(scenario, await scenario.finance.get(reader_path))
        assert (entry["act"], entry["outcome"], entry["child_id"]) == ("outreach.read", "allowed", None)
    stale = await scenario.worker_north.patch(path, {"sessions": 2}, etag='"9"')
    for refused, outcome in ((await scenario.dpo.get(path), "forbidden"), (stale, "conflict")):
        entry = await get_entry(scenario, refused)
        assert (entry["outcome"], entry["child_id"]) == (outcome, None)
        assert entry["record"] == {"kind": "outreach_activity", "id": activity["id"]}


async def test_reports_role_reads_numbers_and_no_free_text(
    scenario: Scenario, reports_connection: asyncpg.Connection
) -> None:
    # Catches: GRANT SELECT ON outreach_activities TO firststep_reports.
    await create_activity(scenario, payload=TRAINING_PAYLOAD)
    row = await reports_connection.fetchrow(
        f"SELECT {PLAIN_COLUMNS}, sum(p.persons) AS persons, sum(p.sex_female) AS women FROM outreach_activities a"  # noqa: S608 - names of columns
        " JOIN outreach_participants p ON p.activity_id = a.id WHERE entered_in_error_at IS NULL GROUP BY a.id"
    )
    assert row is not None
    assert (row["kind"], row["persons"], row["women"], row["mean_after"]) == ("training", 18, 10, 15.25)
    for column in (
        "title",
        "venue",
        "partner_names",
        "description_encrypted",
        "search_key",
        "recorded_by_id",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reports_connection.fetch(f"SELECT {column} FROM outreach_activities")  # noqa: S608 - names of columns
    for table in ("outreach_changes", "outreach_attachments", "outreach_attachment_contents"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reports_connection.fetch(f"SELECT id FROM {table}")  # noqa: S608 - names of tables


async def test_descriptions_reasons_and_files_are_encrypted(
    scenario: Scenario, superuser_connection: asyncpg.Connection
) -> None:
    # Catches: the changes of the history stored as JSON.
    activity = await create_activity(scenario, description=SECRET)
    path = f"{ACTIVITIES}/{activity['id']}"
    await patch_latest(scenario.worker_north, path, {"description": f"{SECRET} again"})
    attachment = await create_attachment(
        scenario, activity, title=SECRET, file_name=SECRET, description=SECRET
    )
    mark = f"/v1/outreach-attachments/{attachment['id']}/enter-in-error"
    expect_json(await scenario.worker_north.post(mark, {"reason": SECRET}, etag='"1"'))
    for table in ("activities", "changes", "attachments", "attachment_contents"):
        rows = await superuser_connection.fetch(f"SELECT t::text AS row FROM outreach_{table} t")  # noqa: S608 - names of tables
        assert rows
        for row in rows:
            assert SECRET not in row["row"]
            assert SECRET.encode().hex() not in row["row"]


async def test_database_rejects_forged_and_contradictory_rows(
    scenario: Scenario, api_connection: asyncpg.Connection
) -> None:
    # Catches: the trigger validate_change missing from outreach_activities; ck_outreach_participants_sex dropped.
    activity = await create_activity(scenario, payload=TRAINING_PAYLOAD)
    await patch_latest(scenario.worker_north, f"{ACTIVITIES}/{activity['id']}", {"sessions": 4})
    copy = "INSERT INTO outreach_participants SELECT (jsonb_populate_record(p, '{}')).* FROM outreach_participants p"
    numbers = ('{"sex_male": 8}', '{"age_unknown": 1}', '{"disability_no": 18}', '{"attendances": 17}', '{"persons": 17}',
               '{"sex_male": -1, "sex_female": 18}')  # fmt: skip
    async with open_transaction_as(api_connection, "worker_north"):
        valid = copy.replace("'{}'", """'{"audience": "parents", "sex_male": 6, "sex_female": 11}'""")
        assert await is_accepted(api_connection, valid)
        assert not await is_accepted(api_connection, "UPDATE outreach_activities SET place_code = '99'")
        await assert_statements_rejected(
            api_connection,
            *(
                copy.replace("'{}'", f"""'{{"audience": "parents"}}'::jsonb || '{each}'""")
                for each in numbers
            ),
            "UPDATE outreach_activities SET ends_on = starts_on - 1",
            "UPDATE outreach_activities SET mean_after = 21",
            "UPDATE outreach_activities SET tested_after = NULL",
            "UPDATE outreach_activities SET place_code = NULL",
            "UPDATE outreach_activities SET version = version - 1",
            "UPDATE outreach_activities SET recorded_by_id = recorded_by_id",
            "UPDATE outreach_participants SET persons = persons",
            "DELETE FROM outreach_activities",
            "DELETE FROM outreach_changes",
            "UPDATE outreach_changes SET changed_at = now()",
            *(
                "INSERT INTO outreach_changes SELECT (jsonb_populate_record(c, jsonb_build_object("  # noqa: S608 - constants
                f"'id', gen_random_uuid(), {forged}))).* FROM outreach_changes c"
                for forged in (
                    "'changed_at', now() + interval '1 hour'",
                    f"'changed_by_id', '{id_of('manager')}'",
                )
            ),
        )


async def test_database_keeps_marked_activities_final(
    scenario: Scenario, api_connection: asyncpg.Connection, superuser_connection: asyncpg.Connection
) -> None:
    # Catches: the trigger protect_mark missing from outreach_activities, protect_outreach_part missing from
    # outreach_participants.
    activity = await create_activity(scenario)
    await create_attachment(scenario, activity)
    mark = "UPDATE outreach_activities SET version = version + 1, entered_in_error_at = now(), entered_in_error_by_id = (SELECT x.caller_id FROM access.context() x), entered_in_error_reason_encrypted = 'x'"
    unmark = "UPDATE outreach_activities SET entered_in_error_at = NULL"
    async with open_transaction_as(api_connection, "worker_south"):
        assert await is_accepted(api_connection, mark)
        await assert_statements_rejected(
            api_connection, f"{mark}, sessions = 2", mark.replace("(SELECT x.caller_id FROM access.context() x)", "recorded_by_id"),
            "UPDATE outreach_activities SET entered_in_error_at = now()",
        )  # fmt: skip
    await superuser_connection.execute(
        "UPDATE outreach_activities SET entered_in_error_at = now(), entered_in_error_by_id = recorded_by_id, entered_in_error_reason_encrypted = 'x'"
    )
    async with open_transaction_as(api_connection, "worker_south"):
        await assert_statements_rejected(
            api_connection, unmark, mark, "UPDATE outreach_activities SET sessions = 9", "DELETE FROM outreach_participants",
            "INSERT INTO outreach_participants SELECT (jsonb_populate_record(p, '{\"audience\": \"parents\"}')).* FROM outreach_participants p",
            mark.replace("outreach_activities", "outreach_attachments"),
        )  # fmt: skip
