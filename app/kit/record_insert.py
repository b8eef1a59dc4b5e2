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


class RecordInsert:
    """An INSERT of one record that belongs to no child, together with its related rows.

    `related_sql` is an INSERT of these rows. `{id}` in it stands for the parameter with the id of the record, and
    `{values}` for one further parameter.
    """

    def __init__(self, model: type[Record], related_sql: str) -> None:
        """Build the statement."""
        fields = model.model_fields
        self._kind = RECORD_KINDS[model]
        self._row_type: Any = namedtuple("Row", fields)  # type: ignore[misc]  # noqa: PYI024 - the names vary
        self._defaults = {name: field.default for name, field in fields.items()}
        self._factories: dict[str, Any] = {
            name: field.default_factory for name, field in fields.items() if field.default_factory
        }
        parameters = {name: f"${number}" for number, name in enumerate(fields, 1)}
        related_sql = related_sql.format(id=parameters["id"], values=f"${len(fields) + 1}")
        columns, values = ", ".join(parameters), ", ".join(parameters.values())
        self._sql = (
            f"WITH record AS (INSERT INTO {model.__tablename__} ({columns}) VALUES ({values}))"  # noqa: S608 - names of the model
            + related_sql
        )

    async def execute(self, session: AsyncSession, related_values: object, **values: object) -> Any:
        """Insert a record and add it to the access log. Columns without a value get the default of the model.

        Returns:
            The columns of the record as a named tuple.
        """
        created = {name: create() for name, create in self._factories.items() if name not in values}
        row = self._row_type(**{**self._defaults, **created, **values})
        await get_driver_connection(session).execute(self._sql, *row, related_values)
        get_accessed_records(session).add(AccessedRecord(None, None, self._kind, str(row.id)))
        return row
