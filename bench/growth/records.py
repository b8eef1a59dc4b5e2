"""Name the generated records that the measured requests need."""

import asyncpg

from bench.environment import (
    SEARCH_COUNT,
    SEARCH_INTERVAL,
    GeneratedRecords,
    create_sessions,
    list_search_texts,
)
from bench.growth.contents import invent_referral, make_id
from bench.growth.generate import GrowthSize

PLANS_SQL = "SELECT case_id, id FROM care_plans WHERE case_id = ANY ($1)"


async def load_generated_records(connection: asyncpg.Connection, size: GrowthSize) -> GeneratedRecords:
    """Return the records, and create sessions of their callers."""
    case_ids = [make_id("case", number) for number in size.list_worker_case_numbers()]
    searched = [size.team_count * (1 + SEARCH_INTERVAL * index) for index in range(SEARCH_COUNT)]
    return GeneratedRecords(
        worker_case_ids=case_ids,
        cases_with_history=[tuple(row) for row in await connection.fetch(PLANS_SQL, case_ids)],
        search_texts=list_search_texts(invent_referral(size.get_seed(number)) for number in searched),
        most_read_child_id=make_id("child", size.most_read_case_number),
        pending_referral_ids=[make_id("referral", number) for number in size.list_pending_referral_numbers()],
        tokens=await create_sessions(
            connection, make_id("worker", 0), make_id("supervisor", 0), make_id("api client", 0)
        ),
    )
