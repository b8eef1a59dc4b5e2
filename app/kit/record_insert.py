"""Insert a new record with one statement that is built once, for requests that create many records.

The ORM takes longer to insert a row than PostgreSQL does. All other writes use the session.
"""

from collections import namedtuple
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import RECORD_KINDS, AccessedRecord
from app.access.log import get_driver_connection
from app.access.session_records import get_accessed_records
from app.models.record import Record

INSERT_SQL = """
    WITH conflict AS MATERIALIZED (SELECT WHERE {reject_similar} AND EXISTS ({similar_sql})),
         record AS (INSERT INTO {table} ({columns}) SELECT {parameters} WHERE NOT EXISTS (SELECT FROM conflict)),
         related AS ({related_sql} WHERE NOT EXISTS (SELECT FROM conflict))
    SELECT NOT EXISTS (SELECT FROM conflict)
"""


class RecordInsert:
    """An INSERT of one record that belongs to no child, together with its related rows.

    `related_sql` is an INSERT ... SELECT of the related rows, without WHERE. `{related_values}` in it stands for one further
    parameter. `similar_sql` is a SELECT of records that are similar to the new one. In both of them, the name of a column
    in braces stands for its parameter.
    """

    def __init__(self, model: type[Record], related_sql: str, similar_sql: str) -> None:
        """Build the statement."""
        fields = model.model_fields
        self._kind = RECORD_KINDS[model]
        self._row_type: Any = namedtuple("Row", fields)  # type: ignore[misc]  # noqa: PYI024 - the names vary
        self._defaults = {name: field.default for name, field in fields.items()}
        self._factories: dict[str, Any] = {
            name: field.default_factory for name, field in fields.items() if field.default_factory
        }
        names = [*fields, "related_values", "reject_similar"]
        parameters = {name: f"${number}" for number, name in enumerate(names, 1)}
        self._sql = INSERT_SQL.format(
            reject_similar=parameters["reject_similar"],
            similar_sql=similar_sql.format(**parameters),
            table=model.__tablename__,
            columns=", ".join(fields),
            parameters=", ".join(parameters[name] for name in fields),
            related_sql=related_sql.format(**parameters),
        )

    async def execute(
        self, session: AsyncSession, related_values: object, *, reject_similar: bool, **values: object
    ) -> Any:
        """Insert a record and add it to the access log. Columns without a value get the default of the model.

        Returns:
            The columns of the record as a named tuple, or None if nothing was inserted, because `reject_similar` is true and
            a similar record exists.
        """
        created = {name: create() for name, create in self._factories.items() if name not in values}
        row = self._row_type(**{**self._defaults, **created, **values})
        connection = get_driver_connection(session)
        if not await connection.fetchval(self._sql, *row, related_values, reject_similar):
            return None
        get_accessed_records(session).add(AccessedRecord(None, None, self._kind, str(row.id)))
        return row
