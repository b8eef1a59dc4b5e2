"""The partitions of the access log in the commands."""

from app.config import Settings
from app.server import log_partitions
from tests.support.scenario import Scenario


async def test_partitions_are_created_ahead_and_listed(scenario: Scenario) -> None:
    # Catches: `create_log_partitions` that ignores the number of months.
    settings = Settings(owner_database_url=scenario.urls.owner)
    before = await log_partitions.list_log_partitions(settings)
    last = max(partition.month for partition in before if partition.month)
    assert await log_partitions.create_log_partitions(settings, 20) == 4  # two tables, two months
    assert await log_partitions.create_log_partitions(settings, 20) == 0
    after = await log_partitions.list_log_partitions(settings)
    assert len(after) == len(before) + 4
    assert max(partition.month for partition in after if partition.month) > last
    assert [partition.name for partition in after if partition.month is None] == [
        "access_entries_default",
        "access_events_default",
    ]
