"""Write access events and entries as requests of a caller would, without the requests."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from tests.support.raw_sql import conclude_access, open_access

SET_THRESHOLDS_SQL = """
    UPDATE alert_thresholds SET children_per_day = $1, children_per_day_of_manager = $2, matches_per_day = $3
"""


async def write_reads(connection: Any, name: str, child_ids: Iterable[UUID], act: str = "child.read") -> None:
    """Write one request of a caller for each child."""
    for child_id in child_ids:
        await conclude_access(connection, await open_access(connection, name, act), child_id)


def new_child_ids(number: int) -> list[UUID]:
    return [uuid4() for _ in range(number)]


async def set_thresholds(owner: Any, children: int = 3, of_manager: int = 6, matches: int = 4) -> None:
    """Set the thresholds of alerts with the role of the table owner."""
    await owner.execute(SET_THRESHOLDS_SQL, children, of_manager, matches)


async def raise_alerts(connection: Any) -> int:
    """Search the log with the role of the API, and return how many alerts were raised."""
    raised: int = await connection.fetchval("SELECT access.raise_alerts()")
    return raised
