"""Counts the records of a list for `count=true`."""

from typing import TypedDict

from sqlalchemy import Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

MAX_TOTAL = 10_000
"""Counting stops here, so that the work of a request is bounded."""


class Totals(TypedDict):
    """The fields `total` and `total_is_capped` of `app.schemas.wire.CountedPage`."""

    total: int | None
    total_is_capped: bool | None


async def count_records(session: AsyncSession, query: Select[*tuple[object, ...]], *, wanted: bool) -> Totals:
    """Return the number of rows of `query`, which has filters but no limit. Unless `wanted`, both fields are null.

    The rows are not loaded, so that the access log names only the records that the response contains.
    """
    if not wanted:
        return Totals(total=None, total_is_capped=None)
    rows = query.with_only_columns(literal(1), maintain_column_froms=True).limit(MAX_TOTAL + 1).subquery()
    number = await session.scalar(select(func.count()).select_from(rows)) or 0
    return Totals(total=min(number, MAX_TOTAL), total_is_capped=number > MAX_TOTAL)
