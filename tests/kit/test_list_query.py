"""The mechanism of lists: order, cursors, filters, totals and compiled queries."""

import random
import uuid
from datetime import date
from typing import Any

import pytest
from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.accessed_records import AccessedRecords
from app.access.caller import Caller, OpenAccess
from app.access.reader import RecordReader
from app.errors import InvalidInput
from app.kit.list_query import MAX_TOTAL, ListQuery, is_one_of, replace_null
from app.models import User
from app.schemas.wire import CountedPageQuery
from tests.support.scenario import Scenario, id_of

CALLER = Caller(
    id=id_of("worker_north"), kind="person", name="", roles=frozenset(), agency_id=None, team_ids=frozenset(),
    supervised_team_ids=frozenset(), case_ids=(), session_id=uuid.uuid4(),
    access=OpenAccess(uuid.uuid4(), uuid.uuid4()), signed_in_at=None,
)  # fmt: skip


class UserQuery(CountedPageQuery):
    sort: str = "-created_at"
    name: list[str] | None = None
    is_active: bool | None = None
    unknown: int | None = None


def build_list() -> ListQuery:
    return ListQuery(
        "test_users",
        User,
        select(col(User.id), col(User.name), col(User.totp_last_step)),
        filters={
            "name": is_one_of(col(User.name), "name"),
            "is_active": {True: col(User.is_active).is_(True), False: col(User.is_active).is_(False)},
            "agency": col(User.email) == bindparam("agency"),
        },
        sorts={
            "created_at": col(User.created_at),
            "step": replace_null(col(User.totp_last_step), -1),
            "name": col(User.name),
        },
    )


async def insert_users(superuser: Any, count: int, **columns: str) -> None:
    names = ", ".join(columns)
    values = ", ".join(columns.values())
    await superuser.execute(
        f"INSERT INTO users (id, created_at, version, email, email_key, name_key, is_active, roles, {names})"  # noqa: S608 - constants
        f" SELECT gen_random_uuid(), now(), 1, '', gen_random_uuid()::text, '', true, '{{}}', {values}"
        f" FROM generate_series(1, {count}) AS number"
    )


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "step", "-step", "name", "-name"])
async def test_pages_neither_skip_nor_repeat_records(
    scenario: Scenario, superuser_connection: Any, sort: str
) -> None:
    # Catches: NULL not replaced in `replace_null`; the id missing from the order; `>` for both directions.
    users, randomness = build_list(), random.Random(sort)  # noqa: S311 - reproducible
    await insert_users(
        superuser_connection, 40, name="'n' || number % 7", totp_last_step="nullif(number % 5, 0)"
    )
    async with scenario.database.read_pool.acquire() as connection:
        reader = RecordReader(connection, AccessedRecords())
        everyone = await users.fetch_page(reader, CALLER, UserQuery(limit=200, sort=sort))
        assert everyone.fields["next_cursor"] is None
        ids: list[str] = []
        cursor = None
        while not ids or cursor:
            query = UserQuery(limit=randomness.randint(1, 9), sort=sort, cursor=cursor)
            page = await users.fetch_page(reader, CALLER, query)
            ids += [row.id for row in page.rows]
            cursor = page.fields["next_cursor"]
            await insert_users(superuser_connection, 1, name="'new'", totp_last_step="2")
    known_ids = [row.id for row in everyone.rows]
    assert len(ids) == len(set(ids))
    assert [user_id for user_id in ids if user_id in known_ids] == known_ids
    values = [row.sort_value_1 for row in everyone.rows]
    assert values == sorted(values, reverse=sort.startswith("-"))


async def test_cursor_is_bound_to_order_filters_and_caller(scenario: Scenario) -> None:
    # Catches: `sort` removed from the binding.
    users = build_list()
    async with scenario.database.read_pool.acquire() as connection:
        reader = RecordReader(connection, AccessedRecords())
        cursor = (await users.fetch_page(reader, CALLER, UserQuery(limit=1))).fields["next_cursor"]
        assert (await users.fetch_page(reader, CALLER, UserQuery(limit=9, cursor=cursor))).rows
        for changes in ({"sort": "created_at"}, {"is_active": True}, {"cursor": f"{cursor}A"}):
            with pytest.raises(InvalidInput):
                await users.fetch_page(reader, CALLER, UserQuery(**{"cursor": cursor, **changes}))
        with pytest.raises(InvalidInput):
            await users.fetch_page(reader, CALLER, UserQuery(cursor=cursor), within={"agency": "x"})
        other_caller = Caller(**{**{f: getattr(CALLER, f) for f in Caller.__slots__}, "id": uuid.uuid4()})
        with pytest.raises(InvalidInput):
            await users.fetch_page(reader, other_caller, UserQuery(cursor=cursor))


async def test_filters_have_a_parameter_or_a_condition_for_each_value(scenario: Scenario) -> None:
    # Catches: filters without a condition ignored.
    users = build_list()
    async with scenario.database.read_pool.acquire() as connection:
        reader = RecordReader(connection, AccessedRecords())

        async def names(**filters: Any) -> set[str]:
            return {row.name for row in (await users.fetch_page(reader, CALLER, UserQuery(**filters))).rows}

        assert await names(name=["Finance", "Dpo"]) == {"Finance", "Dpo"}
        assert await names(name=["Finance"], is_active=False) == set()
        assert await names(name=["Finance"], is_active=True) == {"Finance"}
        with pytest.raises(KeyError):
            await names(unknown=1)


async def test_each_shape_is_compiled_once_with_a_literal_limit(scenario: Scenario) -> None:
    # Catches: the values of the filters in the shape; `query.limit` instead of the next of `PAGE_SIZES`.
    users = build_list()
    async with scenario.database.read_pool.acquire() as connection:
        reader = RecordReader(connection, AccessedRecords())
        for name, limit in (("Finance", 51), ("Dpo", 77), ("Admin", 100)):
            await users.fetch_page(reader, CALLER, UserQuery(limit=limit, name=[name]))
        prepared = await connection.fetch(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE $1",
            "%LIMIT 101%",
        )
    assert users._compile_page.cache_info().misses == 1
    assert [tuple(statement) for statement in prepared] == [(0, 3)]


async def test_total_is_counted_only_on_request_and_up_to_a_maximum(
    scenario: Scenario, superuser_connection: Any
) -> None:
    users = build_list()
    existing = await superuser_connection.fetchval("SELECT count(*) FROM users")
    async with scenario.database.read_pool.acquire() as connection:
        reader = RecordReader(connection, AccessedRecords())

        async def count(**query: Any) -> tuple[Any, Any]:
            page = await users.fetch_page(reader, CALLER, UserQuery(limit=1, **query))
            return page.fields["total"], page.fields["total_is_capped"]

        assert await count() == (None, None)
        assert await count(count=True) == (existing, False)
        assert await count(count=True, name=["Dpo"]) == (1, False)
        await insert_users(superuser_connection, MAX_TOTAL - existing, name="'n'", totp_last_step="1")
        assert await count(count=True) == (MAX_TOTAL, False)
        await insert_users(superuser_connection, 1, name="'n'", totp_last_step="1")
        assert await count(count=True) == (MAX_TOTAL, True)


def test_substitute_of_null_is_a_finite_date() -> None:
    # The driver sends date.max as infinity, so that the cursor would not equal the sort value.
    for infinite in (date.min, date.max):
        with pytest.raises(ValueError, match="infinite"):
            replace_null(col(User.totp_last_step), infinite)
