"""Record the SQL statements of a request."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tests.support.scenario import Scenario


@contextmanager
def record_statements(scenario: Scenario) -> Iterator[list[str]]:
    """Yield the list of statements that SQLAlchemy sends in the block.

    It does not include the statements on the driver's connection: opening the access event and writing its entries.
    """
    statements: list[str] = []

    def record(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(scenario.database.engine.sync_engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(scenario.database.engine.sync_engine, "before_cursor_execute", record)
