"""Generate the access log of a child that was read very often."""

from uuid import UUID

import asyncpg

from bench.caseload import InventedCase

ENTRY_COUNT = 20_000
INSERT_ENTRIES_SQL = """
    WITH event AS (
        INSERT INTO access_events (id, opened_at, kind, actor_id, roles, supervised_team_ids, act, request_id, address)
        SELECT uuidv7(opened_at - clock_timestamp()), opened_at, 'person', $1, '{social_worker}', '{}', 'case.read',
               'bench-' || n, '10.0.0.1'
          FROM generate_series(1, $2::int) AS n
          CROSS JOIN LATERAL (SELECT clock_timestamp() - interval '700 days' * (n::float / $2)) AS t (opened_at)
        RETURNING id, opened_at
    )
    INSERT INTO access_entries (event_id, n, at, child_id, case_id, record_kind, record_id, outcome, status)
    SELECT id, 1, opened_at, $3, $4, 'case', $4, 'allowed', 200 FROM event
"""


async def fill_access_log(connection: asyncpg.Connection, case: InventedCase, worker_id: UUID) -> None:
    """Insert 20,000 accesses of a worker to a case within 700 days, as the administrator role."""
    await connection.execute(INSERT_ENTRIES_SQL, worker_id, ENTRY_COUNT, case.child_id, case.case_id)
