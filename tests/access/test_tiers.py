"""Who reads which tier of a case, asked of the database itself: a screen may forget a rule, a policy does not."""

from typing import Any

import asyncpg
import pytest

from tests.support.database_cluster import Cluster
from tests.support.raw_sql import count_visible_rows, open_transaction_as
from tests.support.sample_rows import PopulatedDatabase, insert_sample_rows
from tests.support.scenario import Scenario, id_of

CASE = {
    "assessments", "care_plans", "plan_areas", "goals", "actions", "support_sessions", "service_referrals", "reviews",
    "exit_plans", "follow_ups",
}  # fmt: skip
TIERED = ("clinical_notes", "session_addenda", "legal_steps", "documents", "document_contents")
ALL = {"clinical_notes": 1, "session_addenda": 2, "legal_steps": 1, "documents": 3, "document_contents": 1}
WITHOUT_CLINICAL = {"session_addenda": 1, "legal_steps": 1, "documents": 2, "document_contents": 1}
AT_THE_DOOR = {"session_addenda": 1, "documents": 1, "document_contents": 1}
READERS: dict[str, dict[str, int]] = {
    "worker_north": ALL,  # leads, and wrote all of it
    "supervisor_north": ALL,
    "worker_north_2": WITHOUT_CLINICAL,  # works beside her
    "manager": WITHOUT_CLINICAL,
    "supervisor_both": ALL,
    "worker_south": {},
    "supervisor_south": {},
    "finance": {},
    "me_officer": {},
    "dpo": {},
    "admin": {},
    "partner_one": {},
    "reporting": {},
}


@pytest.mark.usefixtures("populated_database")
@pytest.mark.parametrize("name", READERS)
async def test_a_tier_is_read_by_those_it_is_for(api_connection: Any, name: str) -> None:
    # Planted: `true` for 'clinical' and then for 'legal' in access.can_read_tier.
    async with open_transaction_as(api_connection, name):
        assert await count_visible_rows(api_connection, list(TIERED)) == READERS[name]
        assert set(await count_visible_rows(api_connection, sorted(CASE))) == (
            CASE if READERS[name] else set()
        )


async def test_broken_glass_opens_the_case_and_neither_the_clinical_nor_the_legal_tier(
    cluster: Cluster, scenario: Scenario, populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    await insert_sample_rows(cluster, scenario, populated_database.break_glass_case, "worker_south")
    async with open_transaction_as(api_connection, "worker_north_2"):
        here = f"WHERE case_id = '{populated_database.break_glass_case['id']}'"
        assert await count_visible_rows(api_connection, [f"{table} {here}" for table in TIERED]) == {
            f"{table} {here}": count for table, count in AT_THE_DOOR.items()
        }
        assert await api_connection.fetchval(f"SELECT count(*) FROM assessments {here}") == 1  # noqa: S608 - an id


async def test_an_author_who_no_longer_sees_the_case_no_longer_reads_what_they_wrote(
    scenario: Scenario, populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    case = populated_database.north_case
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    assert (
        await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff)
    ).status_code == 200
    async with open_transaction_as(api_connection, "worker_north"):
        assert await count_visible_rows(api_connection, [*TIERED, *sorted(CASE)]) == {}


@pytest.mark.usefixtures("populated_database")
async def test_a_note_is_changed_by_its_author_alone_and_frozen_words_by_nobody(api_connection: Any) -> None:
    async with open_transaction_as(api_connection, "supervisor_north"):
        assert (
            await api_connection.execute("UPDATE clinical_notes SET text_encrypted = 'changed'") == "UPDATE 0"
        )
    async with open_transaction_as(api_connection, "worker_north"):
        assert (
            await api_connection.execute("UPDATE clinical_notes SET text_encrypted = 'changed'") == "UPDATE 1"
        )
        for table in ("assessments", "care_plans"):
            with pytest.raises(asyncpg.CheckViolationError, match="frozen"):
                async with api_connection.transaction():
                    await api_connection.execute(f"UPDATE {table} SET content_encrypted = 'changed'")  # noqa: S608 - two names
        for table, column in (
            ("session_addenda", "text_encrypted"),
            ("document_contents", "content_encrypted"),
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with api_connection.transaction():
                    await api_connection.execute(f"UPDATE {table} SET {column} = 'changed'")  # noqa: S608 - two names


@pytest.mark.usefixtures("populated_database")
async def test_an_active_case_has_a_next_review_whatever_is_written(api_connection: Any) -> None:
    async with open_transaction_as(api_connection, "worker_north"):
        with pytest.raises(asyncpg.CheckViolationError, match="active_has_next_review"):
            await api_connection.execute("UPDATE cases SET status = 'active', next_review_on = NULL")
