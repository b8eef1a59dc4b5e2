"""Queries of the read path: compilation, declarations of what they show, and access log entries."""

import uuid
from typing import Any

import pytest
from sqlalchemy import ARRAY, Select, Text, Uuid, bindparam, func, select
from sqlmodel import col

from app.access.accessed_records import AccessedRecord, AccessedRecords
from app.access.reader import NoShownRecord, ReadQuery, RecordReader, ShownRecord
from app.errors import NotFound
from app.models import Case, CaseWorker, Child, Team, User
from tests.support.raw_sql import open_transaction_as
from tests.support.scenario import Scenario, id_of

CASE_COLUMNS = select(col(Case.id), col(Case.child_id), col(Case.number))
CASES_QUERY = ReadQuery(CASE_COLUMNS.order_by(col(Case.number)), shows=ShownRecord("case", case_id="id"))
CASE_QUERY = ReadQuery(
    CASE_COLUMNS.where(col(Case.id) == bindparam("case_id")), shows=ShownRecord("case", case_id="id")
)


@pytest.mark.parametrize(
    "statement",
    [
        select(col(Child.identity_encrypted)),
        select(col(User.totp_encrypted)),
        select(col(Team.id)).join(Case, col(Case.team_id) == col(Team.id)),
        select(func.array(select(col(CaseWorker.case_id)).scalar_subquery()).label("case_ids")),
        select(col(User.id)).where(select(Case).where(col(Case.lead_worker_id) == col(User.id)).exists()),
    ],
)
def test_query_of_child_data_without_declaration_is_rejected(statement: Select[*tuple[Any, ...]]) -> None:
    # Catches: only the FROM clause of the statement checked, which misses subqueries.
    with pytest.raises(ValueError, match="declare the records that it shows"):
        ReadQuery(statement)
    ReadQuery(statement, shows=NoShownRecord("only counted"))


@pytest.mark.parametrize(
    "shows",
    [
        ShownRecord("cases", case_id="id"),
        ShownRecord("case"),
        [ShownRecord("case", case_id="id"), ShownRecord("person")],
    ],
)
def test_declaration_of_unknown_kind_or_column_is_rejected(shows: Any) -> None:
    with pytest.raises(ValueError, match=r"Unknown record kind: cases|does not select case_id"):
        ReadQuery(CASE_COLUMNS, shows=shows)


def test_query_has_literal_constants_and_numbered_parameters() -> None:
    # Catches: `_replace_constant` not applied.
    query = ReadQuery(
        select(col(Team.id), col(Team.name))
        .where(col(Team.name) != "it's", col(Team.name) == func.any(bindparam("names", type_=ARRAY(Text))))
        .where(col(Team.id) == bindparam("id"), col(Team.id) == bindparam("id"))
        .limit(3)
    )
    assert query.parameter_names == ("names", "id")
    assert "name != 'it''s'" in query.sql
    assert query.sql.count("$2::UUID") == 2
    assert query.sql.rstrip().endswith("LIMIT 3")


async def test_rows_have_text_ids_and_decoded_json(scenario: Scenario) -> None:
    query = ReadQuery(
        select(
            col(Team.id),
            func.array_agg(col(Team.id), type_=ARRAY(Uuid)).label("ids"),
            func.json_build_object("name", col(Team.name)).label("document"),
        )
        .where(col(Team.id) == bindparam("id"))
        .group_by(col(Team.id))
    )
    async with scenario.database.read_pool.acquire() as connection:
        (row,) = await RecordReader(connection, AccessedRecords()).fetch(query, id=id_of("north"))
    team_id = str(id_of("north"))
    assert tuple(row) == (team_id, [team_id], {"name": "north"})


async def test_reader_logs_the_returned_rows_only(scenario: Scenario, api_connection: Any) -> None:
    # Catches: `fetch_page` recording all fetched rows.
    cases = [await scenario.open_case() for _ in range(3)]
    async with open_transaction_as(api_connection, "worker_north"):
        records = AccessedRecords()
        page, has_more = await RecordReader(api_connection, records).fetch_page(CASES_QUERY, 2)
        assert has_more
        assert [row.id for row in page] == [case["id"] for case in cases[:2]]
        assert list(records) == [AccessedRecord(c["child_id"], c["id"], "case", c["id"]) for c in cases[:2]]
        assert await RecordReader(api_connection, records).fetch_page(CASES_QUERY, 3) == (
            await RecordReader(api_connection, records).fetch(CASES_QUERY),
            False,
        )


async def test_required_row_that_is_not_visible_is_not_found(scenario: Scenario, api_connection: Any) -> None:
    case = await scenario.open_case()
    async with open_transaction_as(api_connection, "worker_south"):
        reader = RecordReader(api_connection, AccessedRecords())
        assert await reader.fetch_one(CASE_QUERY, case_id=uuid.UUID(case["id"])) is None
        with pytest.raises(NotFound):
            await reader.fetch_required(CASE_QUERY, case_id=case["id"])


def test_row_of_an_outer_join_without_record_shows_nothing() -> None:
    query = ReadQuery(
        select(col(Team.id).label("team"), col(Case.id), col(Case.child_id)).outerjoin(
            Case, col(Case.team_id) == col(Team.id)
        ),
        shows=ShownRecord("case", case_id="id"),
    )
    rows = query.build_rows([("team", None, None), ("team", "case", "child")])
    assert list(query.list_shown_records(rows)) == [AccessedRecord("child", "case", "case", "case")]
