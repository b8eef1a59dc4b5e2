"""Counting of the SQL statements that a request sends."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tests.support.scenario import Scenario


@contextmanager
def record_statements(scenario: Scenario) -> Iterator[list[str]]:
    """Collect the statements of the request's own transaction.

    Opening the access is one more, elsewhere; the log's entries are one, whatever was shown, said to the driver.
    """
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    event.listen(scenario.database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(scenario.database.engine.sync_engine, "before_cursor_execute", note)
