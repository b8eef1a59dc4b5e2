"""Tests of the tiers of a case in SQL: which rows the row policies show to each caller."""

from typing import Any

import asyncpg
import pytest

from tests.support.database_cluster import Cluster
from tests.support.raw_sql import count_visible_rows, open_transaction_as
from tests.support.sample_rows import PopulatedDatabase, insert_sample_rows
from tests.support.scenario import Scenario, id_of

CASE_TIER_TABLES = {
    "assessments", "care_plans", "plan_areas", "goals", "actions", "support_sessions", "service_referrals", "reviews",
    "exit_plans", "follow_ups",
}  # fmt: skip
TIERED_TABLES = ("clinical_notes", "session_addenda", "legal_steps", "documents", "document_contents")
ALL_TIERS = {
    "clinical_notes": 1,
    "session_addenda": 2,
    "legal_steps": 1,
    "documents": 3,
    "document_contents": 1,
}
WITHOUT_CLINICAL = {"session_addenda": 1, "legal_steps": 1, "documents": 2, "document_contents": 1}
CASE_TIER_ONLY = {"session_addenda": 1, "documents": 1, "document_contents": 1}
VISIBLE_ROWS: dict[str, dict[str, int]] = {
    "worker_north": ALL_TIERS,  # lead worker and author of all rows
    "supervisor_north": ALL_TIERS,
    "worker_north_2": WITHOUT_CLINICAL,  # co-worker
    "manager": WITHOUT_CLINICAL,
    "supervisor_both": ALL_TIERS,
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
@pytest.mark.parametrize("name", VISIBLE_ROWS)
async def test_caller_sees_rows_of_permitted_tiers_only(api_connection: Any, name: str) -> None:
    # Catches: `true` for 'clinical' and then for 'legal' in access.can_read_tier.
    async with open_transaction_as(api_connection, name):
        assert await count_visible_rows(api_connection, list(TIERED_TABLES)) == VISIBLE_ROWS[name]
        assert set(await count_visible_rows(api_connection, sorted(CASE_TIER_TABLES))) == (
            CASE_TIER_TABLES if VISIBLE_ROWS[name] else set()
        )


async def test_break_glass_shows_neither_clinical_nor_legal_tier(
    cluster: Cluster, scenario: Scenario, populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    await insert_sample_rows(cluster, scenario, populated_database.break_glass_case, "worker_south")
    async with open_transaction_as(api_connection, "worker_north_2"):
        condition = f"WHERE case_id = '{populated_database.break_glass_case['id']}'"
        assert await count_visible_rows(
            api_connection, [f"{table} {condition}" for table in TIERED_TABLES]
        ) == {f"{table} {condition}": count for table, count in CASE_TIER_ONLY.items()}
        assert await api_connection.fetchval(f"SELECT count(*) FROM assessments {condition}") == 1  # noqa: S608 - an id


async def test_author_without_access_to_the_case_cannot_see_own_records(
    scenario: Scenario, populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    case = populated_database.north_case
    staff = {"lead_worker_id": str(id_of("worker_north_2")), "co_worker_ids": []}
    assert (
        await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff)
    ).status_code == 200
    async with open_transaction_as(api_connection, "worker_north"):
        assert await count_visible_rows(api_connection, [*TIERED_TABLES, *sorted(CASE_TIER_TABLES)]) == {}


@pytest.mark.usefixtures("populated_database")
async def test_clinical_note_can_be_updated_by_its_author_only_and_frozen_content_by_no_caller(
    api_connection: Any,
) -> None:
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
async def test_active_case_without_next_review_is_rejected(api_connection: Any) -> None:
    async with open_transaction_as(api_connection, "worker_north"):
        with pytest.raises(asyncpg.CheckViolationError, match="active_has_next_review"):
            await api_connection.execute("UPDATE cases SET status = 'active', next_review_on = NULL")
