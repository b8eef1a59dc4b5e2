"""Filters, sorts, paginates and counts the lists of the API, and restricts them to the records of the caller.

A list is declared once as a `ListQuery`. Each combination of filters, order and page size is compiled to SQL when it is
first requested. The values of filters are parameters. The limit is a literal, because PostgreSQL would plan a query with
a variable limit at each execution.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Label,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    true,
    tuple_,
    union,
)
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import Declaration, NoShownRecord, ReadQuery, RecordReader
from app.kit.case_scope import ArmSelector, CaseScope, Condition, RowSelect
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.dates import CAMBODIA_TIMEZONE
from app.schemas.wire import CountedPageQuery, PageQuery, parse_sort

MAX_TOTAL = 10_000
"""Maximum number of counted rows, so that the work of a request is bounded."""
PAGE_SIZES = (10, 25, 50, 100, 200)
"""Compiled limits, up to the maximum page size."""
MAX_COMPILED_SHAPES = 500
"""Maximum number of compiled queries per list."""
RELEVANCE = "relevance"
"""Order of a list that is searched with `q`."""
COUNTED = NoShownRecord("the rows are only counted")

Filters = Mapping[str, Condition | Mapping[object, Condition]]
"""Condition of each filter. Its parameter has the name of the filter. A filter with few values can have one condition
for each value instead, without a parameter."""


class Shape(NamedTuple):
    """The parts of a request that change the SQL of a list."""

    filters: tuple[tuple[str, object], ...]
    """Names of the present filters, each with its value if the filter has one condition for each value."""
    sort: str
    is_ascending: bool
    has_cursor: bool
    limit: int
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListPage:
    """The rows of one page, and the other fields of the response."""

    rows: list[Any]
    fields: dict[str, Any]
    """`next_cursor`, and for a list that can be counted also `total` and `total_is_capped`."""


@dataclass(eq=False)
class ListQuery:
    """The declaration of a list of records."""

    name: str
    """Name of the list. A cursor of another list is rejected."""
    record: type[Any]
    """Table of the listed records."""
    columns: RowSelect
    """Select of the columns of a row, with the id of the record as `id`."""
    _: KW_ONLY
    condition: Condition | None = None
    """Condition of every row, if the list contains only a part of the table."""
    filters: Filters = field(default_factory=dict)
    sorts: Mapping[str, Any]
    """Sort value of each order, or a tuple of several, never NULL (see `replace_null`). The id makes the order unique."""
    default_sort: str = "-created_at"
    """Order of a request without `sort`; a minus sign means descending."""
    scope: CaseScope | None = None
    """Restricts the list to the caller's records. None if a filter, such as the case in the path, limits the list."""
    set_filters: Mapping[str, Any] = field(default_factory=dict)
    """Columns of filters that have an index in the default order, such as `team_id`. For a caller who can see all records,
    such a filter restricts the list to the records with its values."""
    shows: Declaration | None = None
    """Records that a row shows, see `ReadQuery`."""

    def __post_init__(self) -> None:
        """Prepare the caches of compiled queries."""
        self._id = col(self.record.id)
        self._compile_page = lru_cache(MAX_COMPILED_SHAPES)(self._build_page_query)
        self._compile_count = lru_cache(MAX_COMPILED_SHAPES)(self._build_count_query)

    async def fetch_page(
        self,
        reader: RecordReader,
        caller: Caller,
        query: PageQuery,
        *,
        within: Mapping[str, object] | None = None,
        **parameters: object,
    ) -> ListPage:
        """Return the requested page.

        `within` contains the values of filters that are not query parameters, such as the case of the path. `parameters`
        are further parameters of the statement, to which a cursor is not bound.

        Raises:
            InvalidInput: the cursor is not valid for this list, its filters, its order and the caller.
        """
        binding = {**query.get_cursor_binding(), **(within or {})}
        shape = self._get_shape(query, caller, binding)
        parameters |= binding
        if self.scope:
            parameters |= self.scope.get_parameters(caller)
        binding["for"] = caller.id
        names = [value.name for value in self._label_sort_values(shape)]
        if query.cursor is not None:
            values = decode_cursor(self.name, binding, query.cursor, len(names) + 1)
            parameters |= {
                f"cursor_{name}": value for name, value in zip((*names, "id"), values, strict=True)
            }
        rows, has_more = await reader.fetch_page(self._compile_page(shape), query.limit, **parameters)
        last = [getattr(rows[-1], name) for name in (*names, "id")] if has_more else None
        fields: dict[str, Any] = {"next_cursor": last and encode_cursor(self.name, binding, last)}
        if isinstance(query, CountedPageQuery):
            fields |= await self._count(reader, shape, parameters, wanted=query.count)
        return ListPage(rows, fields)

    def _get_shape(self, query: PageQuery, caller: Caller, values: Mapping[str, object]) -> Shape:
        sort = RELEVANCE if "q" in values else str(values.get("sort", self.default_sort))
        filters = tuple(
            (name, value if isinstance(self.filters[name], Mapping) else None)
            for name, value in values.items()
            if name != "sort"
        )
        arms = self.scope.list_arms(caller) if self.scope else ()
        limit = get_compiled_limit(query.limit)
        return Shape(filters, *parse_sort(sort), query.cursor is not None, limit, arms)

    async def _count(
        self, reader: RecordReader, shape: Shape, parameters: dict[str, object], *, wanted: bool
    ) -> dict[str, Any]:
        """Count the records of the list up to `MAX_TOTAL`."""
        if not wanted:
            return {"total": None, "total_is_capped": None}
        row = await reader.fetch_one(self._compile_count(shape.filters, shape.arms), **parameters)
        return {"total": min(row.number, MAX_TOTAL), "total_is_capped": row.number > MAX_TOTAL}

    def _build_page_query(self, shape: Shape) -> ReadQuery:
        """Return the query of a page. With a scope, it selects the ids of the records and joins them with their columns."""
        sort_values = self._label_sort_values(shape)
        names = [value.name for value in sort_values]

        def limit(rows: RowSelect) -> RowSelect:
            return rows.order_by(*_build_order(rows.selected_columns, names, shape)).limit(shape.limit + 1)

        conditions = [_is_after_cursor(sort_values, self._id, shape)] if shape.has_cursor else []
        if self.scope is None:
            rows = self.columns.add_columns(*sort_values).where(*conditions)
            return ReadQuery(self._combine_arms(rows, shape.filters, (), limit), shows=self.shows)
        select_ids = select(self._id.label("id"), *sort_values).where(*conditions)
        is_default = shape.sort == parse_sort(self.default_sort)[0]
        page = self._combine_arms(select_ids, shape.filters, shape.arms, limit, is_default).subquery("page")
        rows = self.columns.add_columns(*(page.c[name] for name in names)).join(page, page.c.id == self._id)
        return ReadQuery(rows.order_by(*_build_order(page.c, names, shape)), shows=self.shows)

    def _label_sort_values(self, shape: Shape) -> list[Label[Any]]:
        """Return the sort values of an order with their names in the query: `sort_value_1` and so on."""
        values = self.sorts[shape.sort]
        values = values if isinstance(values, tuple) else (values,)
        return [value.label(f"sort_value_{number}") for number, value in enumerate(values, 1)]

    def _build_count_query(self, filters: tuple[tuple[str, object], ...], arms: tuple[str, ...]) -> ReadQuery:
        def limit(ids: RowSelect) -> RowSelect:
            return ids.limit(MAX_TOTAL + 1)

        ids = self._combine_arms(select(self._id.label("id")), filters, arms, limit)
        return ReadQuery(select(func.count().label("number")).select_from(ids.subquery()), shows=COUNTED)

    def _combine_arms(
        self,
        rows: RowSelect,
        filters: tuple[tuple[str, object], ...],
        arms: Sequence[str],
        limit: Callable[[RowSelect], RowSelect],
        is_default_order: bool = True,
    ) -> RowSelect:
        """Return the query of the rows in any arm that match the filters. `limit` limits each arm and their union.

        If no index has the rows of an arm in the order of the list, all rows of the arm are read and sorted. PostgreSQL would
        read the rows of all cases in the order of another index.
        """
        rows = rows.where(*(self._get_condition(*item) for item in filters))
        if self.condition is not None:
            rows = rows.where(self.condition)
        if self.scope is None:
            return limit(rows)

        is_indexed = is_default_order and ("all" in arms or self.scope.has_ordered_arms)

        def select_arm(condition: Condition) -> RowSelect:
            arm = rows.where(condition)
            # OFFSET keeps PostgreSQL from walking the index of the order.
            whole_set = arm.offset(0).correlate_except(self.record).lateral("whole_set")
            return limit(arm if is_indexed else select(*whole_set.c))

        if "all" in arms:
            return self._build_page_without_scope(rows, filters, limit, select_arm)
        selects = self.scope.build_arms(arms, select_arm)
        if len(selects) == 1:
            return selects[0]
        return limit(select(*union(*selects).subquery("arms").c))

    def _build_page_without_scope(
        self,
        rows: RowSelect,
        filters: tuple[tuple[str, object], ...],
        limit: Callable[[RowSelect], RowSelect],
        select_arm: ArmSelector,
    ) -> RowSelect:
        """Return the query of a page of all rows. A filter of `set_filters` reads only the sets with its values."""
        name = next((name for name, _ in filters if name in self.set_filters), None)
        if name is None:
            return limit(rows)
        set_column = self.set_filters[name]
        parameter = bindparam(name, type_=ARRAY(set_column.type))
        values = (
            select(func.unnest(parameter, type_=set_column.type).label("value")).distinct().subquery("sets")
        )
        page = select_arm(set_column == values.c.value).lateral("set_page")
        return limit(select(*page.c).select_from(values).join(page, true()))

    def _get_condition(self, name: str, value: object) -> Condition:
        condition = self.filters[name]
        return condition[value] if isinstance(condition, Mapping) else condition


def get_compiled_limit(page_size: int) -> int:
    """Return the limit of the query for a page: one of a few, because each new query takes some 15 ms to compile."""
    return next(size for size in PAGE_SIZES if size >= page_size)


def is_one_of(column: Any, name: str) -> Condition:
    """Return the condition of a filter with several values: the column equals one of the values of the parameter."""
    condition: Condition = column == any_(bindparam(name, type_=ARRAY(column.type)))
    return condition


def overlaps(column: Any, name: str) -> Condition:
    """Return the condition of a filter on an array column: it contains at least one of the values of the parameter."""
    condition: Condition = column.op("&&", is_comparison=True)(bindparam(name, type_=column.type))
    return condition


def replace_null(column: Any, substitute: date | str | int) -> ColumnElement[Any]:
    """Return the sort value of a column that can be NULL. The substitute determines the position of such rows.

    It uses CASE, because PostgreSQL does not use an index for a condition with COALESCE under row-level security.

    Raises:
        ValueError: the substitute is `date.min` or `date.max`, which the driver sends as infinite dates.
    """
    if substitute in {date.min, date.max}:
        raise ValueError("The substitute is an infinite date.")
    return case((column.is_(None), literal(substitute)), else_=column)


def build_day_start(name: str, offset: int = 0) -> ColumnElement[datetime]:
    """Return the time at which a day begins in Cambodia: the day in the parameter `name`, or `offset` days later."""
    day = bindparam(name, type_=Date) + literal(offset, Integer)
    return func.timezone(CAMBODIA_TIMEZONE.key, cast(day, DateTime))


def _build_order(columns: Any, sort_names: Sequence[str], shape: Shape) -> list[ColumnElement[Any]]:
    ordered = [columns[name] for name in (*sort_names, "id")]
    return [column.asc() if shape.is_ascending else column.desc() for column in ordered]


def _is_after_cursor(sort_values: Sequence[Label[Any]], record_id: Any, shape: Shape) -> Condition:
    row = tuple_(*(value.element for value in sort_values), record_id)
    parameters = [bindparam(f"cursor_{value.name}", type_=value.type) for value in sort_values]
    cursor = tuple_(*parameters, bindparam("cursor_id", type_=Uuid))
    return row > cursor if shape.is_ascending else row < cursor
