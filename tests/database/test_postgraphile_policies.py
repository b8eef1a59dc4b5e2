"""The database rules of the benchmark program `postgraphile` restrict callers to their cases, and log new referrals."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.database.embedded import ADMIN_ROLE
from app.database.urls import to_sqlalchemy_url
from bench.environment import _create_plain_tables
from bench.postgraphile.installation import SOURCE
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster

DATABASE = "postgraphile_policies"
WORKER, CO_WORKER, OTHER_WORKER, SUPERVISOR, PARTNER = (uuid4() for _ in range(5))
TEAM, OTHER_TEAM, AGENCY = (uuid4() for _ in range(3))
INSERT_USER_SQL = "INSERT INTO users (id, email, role) VALUES ($1, $2, 'any')"
INSERT_CASE_SQL = """
    WITH child AS (INSERT INTO children (id, sex, birth_date, names) VALUES (gen_random_uuid(), 'female', '2015-01-01', '[]') RETURNING id)
    INSERT INTO cases (id, version, number, child_id, kind, status, team_id, lead_worker_id, co_worker_ids, opened_on,
                       age_at_referral_min, age_at_referral_max, created_at, updated_at)
    SELECT gen_random_uuid(), 1, gen_random_uuid(), id, 'survivor', 'active', $1, $2, $3, '2026-01-01', 9, 10, now(), now() FROM child
"""
INSERT_REFERRAL_SQL = """
    INSERT INTO referrals (external_id, urgency, concern, child, consent, services_already_given)
    VALUES (gen_random_uuid(), 'routine', '{}', '{}', '{}', '[]') RETURNING id
"""
COUNT_ROWS_SQL = "SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM children)"


@pytest.fixture(scope="module")
async def connection(cluster: Cluster) -> AsyncIterator[Any]:
    """A superuser's connection to the tables of `plain` with the policies, and one case in each of two teams."""
    await cluster.execute_as_superuser(f"CREATE DATABASE {DATABASE}")
    url = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, DATABASE)
    await _create_plain_tables({"BENCH_PLAIN_URL": to_sqlalchemy_url(url), "BENCH_PLAIN_SECRET": "any"})
    connection = await asyncpg.connect(url)
    await connection.execute((SOURCE / "schema.sql").read_text())
    for user_id in (WORKER, OTHER_WORKER, PARTNER):
        await connection.execute(INSERT_USER_SQL, user_id, str(user_id))
    await connection.execute(INSERT_CASE_SQL, TEAM, WORKER, [CO_WORKER])
    await connection.execute(INSERT_CASE_SQL, OTHER_TEAM, OTHER_WORKER, [])
    yield connection
    await connection.close()
    await cluster.drop(DATABASE)
    await cluster.execute_as_superuser("DROP ROLE postgraphile_login, postgraphile_caller")


async def run_as(connection: Any, statement: str, user_id: UUID, **claims: object) -> tuple[Any, ...]:
    settings = {"role": "postgraphile_caller", "jwt.claims.sub": user_id}
    settings |= {f"jwt.claims.{name}": value for name, value in claims.items()}
    async with connection.transaction():
        for name, value in settings.items():
            await connection.execute("SELECT set_config($1, $2, true)", name, str(value))
        return tuple(await connection.fetchrow(statement))


@pytest.mark.parametrize("user_id", [WORKER, CO_WORKER, OTHER_WORKER])
async def test_policies_show_own_cases_to_a_worker(connection: Any, user_id: UUID) -> None:
    # Catches: policies that show all rows.
    assert await run_as(connection, COUNT_ROWS_SQL, user_id, role="social_worker") == (1, 1)


async def test_policies_show_cases_of_the_team_to_its_supervisor_only(connection: Any) -> None:
    # Catches: a policy without the condition on the role.
    supervisor = {"role": "supervisor", "team_id": TEAM}
    assert await run_as(connection, COUNT_ROWS_SQL, SUPERVISOR, **supervisor) == (1, 1)
    worker = {"role": "social_worker", "team_id": TEAM}
    assert await run_as(connection, COUNT_ROWS_SQL, SUPERVISOR, **worker) == (0, 0)
    partner = {"role": "partner", "agency_id": AGENCY}
    assert await run_as(connection, COUNT_ROWS_SQL, PARTNER, **partner) == (0, 0)


async def test_referral_is_logged_in_the_transaction_that_creates_it(connection: Any) -> None:
    # Catches: a trigger for another role.
    (referral_id,) = await run_as(connection, INSERT_REFERRAL_SQL, PARTNER, role="partner", agency_id=AGENCY)
    entries = await connection.fetch("SELECT user_id, action, record_id FROM audit_log")
    assert [tuple(entry) for entry in entries] == [(PARTNER, "referral.create", referral_id)]


async def test_referral_is_rejected_without_an_agency(connection: Any) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_as(connection, INSERT_REFERRAL_SQL, WORKER, role="social_worker")
