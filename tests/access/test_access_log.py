"""The log: a line for each child shown, read by those who watch over it, and reading it is in it too."""

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import select

from app.access import log
from app.database.embedded import ADMIN_ROLE
from app.database.urls import to_sqlalchemy_url
from app.models import Case, Child
from app.models.record import new_id
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.raw_sql import open_access, open_transaction_as, set_access_event
from tests.support.scenario import AuthenticatedClient, Scenario, child_ids_in, id_of

EXACT = "SELECT id FROM access_lines WHERE {} ORDER BY event_id DESC, id DESC"
LINES = """
    CREATE VIEW access_lines AS
    SELECT coalesce(x.id, e.id) AS id, e.id AS event_id, e.actor_id, e.act, e.request_id, e.opened_at, x.child_id,
           x.case_id, coalesce(x.outcome, 'started') AS outcome
      FROM access_events e LEFT JOIN access_entries x ON x.event_id = e.id
"""
TOKENS = text("""
    INSERT INTO name_tokens (owner_id, token, kind, child_id)
    SELECT :copy, token, kind, :copy FROM name_tokens WHERE owner_id = :child
""")
SHOWN = """
    INSERT INTO access_entries (event_id, child_id, record_kind, record_id, outcome, status)
    VALUES ($1, $2, 'child', $2, 'allowed', 200)
"""
LONG_AGO = """
    INSERT INTO access_events (id, opened_at, roles, supervised_team_ids, kind, act, request_id)
    VALUES (uuidv7(interval '-6 minutes'), now() - interval '6 minutes', '{}', '{}', 'person', 'case.read', 'by-hand-00')
    RETURNING id
"""
Copied = dict[str, list[str]]


@pytest.fixture
async def crowd(scenario: Scenario, cluster: Cluster) -> Copied:
    """A hundred and twenty children of worker_north: copies of one, each sealed anew."""
    await scenario.open_case()
    url = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, str(make_url(scenario.urls.api).database))
    engine = create_async_engine(to_sqlalchemy_url(url))
    made: Copied = {"children": [], "cases": []}
    async with AsyncSession(engine) as session:
        case = (await session.scalars(select(Case))).one()
        child = (await session.scalars(select(Child))).one()
        for number in range(2, 121):
            copy = Child(id=new_id(), sex=child.sex)
            copy.identity = child.identity
            file = Case(
                **case.model_dump(exclude={"id", "number", "child_id", "created_at"}), child_id=copy.id
            )
            file.number = f"FSC-2026-{number:04}"
            file.content = {"summary": None}
            session.add(copy)
            await session.flush()
            session.add(file)
            await session.execute(TOKENS, {"copy": copy.id, "child": child.id})
            made["children"].append(str(copy.id))
            made["cases"].append(str(file.id))
        made["children"].append(str(child.id))
        await session.commit()
    await engine.dispose()
    return made


async def pages(caller: AuthenticatedClient, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    """Follow a list to its end."""
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {**params, **({"cursor": cursor} if cursor else {})}
        answer = await caller.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
    return found


async def test_a_list_of_fifty_children_makes_fifty_entries(crowd: Copied, scenario: Scenario) -> None:
    for path, limit in (
        ("/v1/cases", 50),
        ("/v1/children", 50),
        ("/v1/children?q=Keo", 20),
        ("/v1/cases", 200),
    ):
        answer = await scenario.worker_north.get(path, params={"limit": limit} if "?" not in path else None)
        shown = [item.get("child_id", item["id"]) for item in answer.json()["items"]]
        assert len(shown) == min(50 if "?" in path else limit, 120)
        entries = await scenario.list_access_entries(answer.headers["x-request-id"])
        assert sorted(entry["child_id"] for entry in entries) == sorted(shown), path
        assert {entry["outcome"] for entry in entries} == {"allowed"}
    whole = await pages(scenario.worker_north, "/v1/cases", limit=50)
    assert [len(page) for page in whole] == [50, 50, 20]
    assert {item["child_id"] for page in whole for item in page} == set(crowd["children"])


async def test_pages_of_the_log_neither_skip_nor_repeat_while_it_grows(
    crowd: Copied, scenario: Scenario, superuser_connection: Any
) -> None:
    """Reading a page writes to the log, so it grows with every page; and others work meanwhile."""
    del crowd
    await superuser_connection.execute(LINES)
    await scenario.worker_north.get("/v1/cases", params={"limit": 30})
    there = [str(row[0]) for row in await superuser_connection.fetch(EXACT.format("true"))]
    assert len(there) > 35
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await scenario.dpo.get(
            "/v1/audit/accesses", params={"limit": 7, **({"cursor": cursor} if cursor else {})}
        )
        seen += [item["id"] for item in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        await scenario.worker_north.get("/v1/cases", params={"limit": 3})
    assert seen == there, "exactly what was there at the first page: newest first, each once"


async def test_every_filter_shows_exactly_its_lines(scenario: Scenario, superuser_connection: Any) -> None:
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    await scenario.manager.get("/v1/cases")
    refused = await scenario.worker_south.get(f"/v1/cases/{north['id']}")
    await scenario.manager.get("/v1/children?q=Keo")
    await superuser_connection.execute(LINES)
    middle = await superuser_connection.fetchval(
        "SELECT opened_at FROM access_events ORDER BY id DESC OFFSET 4 LIMIT 1"
    )
    moment = middle.isoformat().replace("+00:00", "Z")
    asked: list[tuple[dict[str, str], str]] = [
        ({"child_id": north["child_id"]}, f"child_id = '{north['child_id']}'"),
        ({"case_id": south["id"]}, f"case_id = '{south['id']}'"),
        ({"actor_id": str(id_of("manager"))}, f"actor_id = '{id_of('manager')}'"),
        ({"actor_id": str(id_of("partner_one"))}, f"actor_id = '{id_of('partner_one')}'"),
        ({"act": "referral.accept"}, "act = 'referral.accept'"),
        ({"outcome": "not_found"}, "outcome = 'not_found'"),
        ({"outcome": "allowed"}, "outcome = 'allowed'"),
        ({"request_id": refused.headers["x-request-id"]}, "outcome = 'not_found'"),
        ({"from": moment}, f"opened_at >= '{moment}'"),
        ({"to": moment}, f"opened_at < '{moment}'"),
        ({"child_id": north["child_id"], "act": "case.list"}, f"act = 'case.list' AND child_id = '{north['child_id']}'"),
    ]  # fmt: skip
    until = await superuser_connection.fetchval("SELECT id FROM access_events ORDER BY id DESC LIMIT 1")
    for params, condition in asked:
        expected = [
            str(row[0])
            for row in await superuser_connection.fetch(
                EXACT.format(f"event_id <= '{until}' AND {condition}")
            )
        ]
        assert expected, params
        answer = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200, **params})
        items = [item for item in answer.json()["items"] if item["event_id"] <= str(until)]
        assert [item["id"] for item in items] == expected, params
    own = await scenario.dpo.get(f"/v1/children/{north['child_id']}/accesses", params={"limit": 200})
    assert {item["child_id"] for item in own.json()["items"]} == {north["child_id"]}
    for wrong in ({"outcome": "x"}, {"from": "2026-01-01"}, {"actor_id": "me"}, {"colour": "red"}):
        assert (await scenario.dpo.get("/v1/audit/accesses", params=wrong)).status_code == 422, wrong


async def test_a_line_says_who_did_what_from_where(scenario: Scenario) -> None:
    case = await scenario.open_case()
    answer = await scenario.worker_north.get(f"/v1/cases/{case['id']}")
    (line,) = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert line["actor"] == {
        "id": str(id_of("worker_north")),
        "name": "Worker North",
        "roles": ["social_worker"],
    }
    assert (line["act"], line["outcome"], line["status"], line["client_id"]) == (
        "case.read",
        "allowed",
        200,
        None,
    )
    assert (line["record"], line["address"]) == ({"kind": "case", "id": case["id"]}, "127.0.0.1")
    assert datetime.fromisoformat(line["at"]).tzinfo is not None
    by_partner = await scenario.partner_one.get(f"/v1/referrals/{case['referral_id']}")
    (line,) = await scenario.list_access_entries(by_partner.headers["x-request-id"])
    assert (line["client_id"], line["child_id"]) == (str(id_of("partner_one")), case["child_id"])
    reason = "She is at our door, alone."
    glass = await scenario.worker_south.post(f"/v1/cases/{case['id']}/break-glass", {"reason": reason})
    (line,) = await scenario.list_access_entries(glass.headers["x-request-id"])
    assert (line["act"], line["reason"], line["case_id"]) == ("case.break_glass", reason, case["id"])


async def test_the_accesses_of_a_case_begin_with_the_one_that_opened_it(scenario: Scenario) -> None:
    case = await scenario.open_case()
    answer = await scenario.dpo.get("/v1/audit/accesses", params={"case_id": case["id"]})
    first = answer.json()["items"][-1]
    assert (first["act"], first["child_id"], first["outcome"]) == (
        "referral.accept",
        case["child_id"],
        "allowed",
    )


async def test_the_log_is_read_by_the_officer_and_per_child_by_its_supervisor(scenario: Scenario) -> None:
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    both = await scenario.manager.get("/v1/cases")
    assert len(both.json()["items"]) == 2
    mine = await scenario.supervisor_north.get("/v1/audit/accesses", params={"limit": 200})
    assert {item["child_id"] for item in mine.json()["items"]} == {north["child_id"]}
    shared = [item for item in mine.json()["items"] if item["request_id"] == both.headers["x-request-id"]]
    assert [item["child_id"] for item in shared] == [north["child_id"]]
    filtered = await scenario.supervisor_north.get(f"/v1/audit/accesses?child_id={south['child_id']}")
    assert filtered.json()["items"] == []
    for name, child in (("supervisor_north", south["child_id"]), ("dpo", uuid.uuid4())):
        assert (await scenario.client_for(name).get(f"/v1/children/{child}/accesses")).status_code == 404
    everything = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200})
    assert {north["child_id"], south["child_id"], None} == {
        item["child_id"] for item in everything.json()["items"]
    }
    for name in ("worker_north", "manager", "finance", "me_officer", "admin", "partner_one", "reporting"):
        for path in ("/v1/audit/accesses", f"/v1/children/{north['child_id']}/accesses"):
            assert (await scenario.client_for(name).get(path)).status_code == 403, (name, path)


async def test_reading_the_log_is_logged_with_the_children_it_showed(scenario: Scenario) -> None:
    north, _ = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    for name, path in (
        ("dpo", "/v1/audit/accesses?limit=200"),
        ("dpo", f"/v1/children/{north['child_id']}/accesses"),
        ("supervisor_north", "/v1/audit/accesses"),
        ("dpo", "/v1/audit/accesses?act=no.such.act"),
    ):
        answer = await scenario.client_for(name).get(path)
        entries = await scenario.list_access_entries(answer.headers["x-request-id"])
        shown = child_ids_in(answer.json()) or {"None"}
        assert sorted(shown) == sorted(str(entry["child_id"]) for entry in entries), path
        assert {entry["actor"]["id"] for entry in entries} == {str(id_of(name))}


async def test_what_was_searched_for_and_any_name_stands_nowhere_in_the_database(
    scenario: Scenario, superuser_connection: Any
) -> None:
    names = [
        {"script": "latin", "family": "Keo", "given": "Zsopheakdey"},
        {"script": "khmer", "family": "កែវ", "given": "សុភ័ក្រ"},
    ]
    case = await scenario.open_case(child={**(await _child(scenario)), "names": names})
    for q in ("Zsopheakdey", "Qnobodysname", "សុភ័ក្រ"):
        answer = await scenario.worker_north.get(f"/v1/children?q={quote(q)}")
        assert len(answer.json()["items"]) == (0 if q == "Qnobodysname" else 1), q
        (entry,) = await scenario.list_access_entries(answer.headers["x-request-id"])
        assert entry["act"] == "child.search"
    await scenario.worker_north.get(f"/v1/children/{case['child_id']}?q=Qnobodysname")
    tables = await superuser_connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'places'"
    )
    for table in (row[0] for row in tables):
        found = await superuser_connection.fetchval(
            f"SELECT count(*) FROM {table} t WHERE lower(t::text) ~ ANY ($1)",  # noqa: S608 - from the catalogue
            ["zsopheakdey", "qnobodysname", "សុភ័ក្រ", "told a teacher", "12345678"],
        )
        assert found == 0, table


async def _child(scenario: Scenario) -> dict[str, Any]:
    told = await scenario.manager.get(f"/v1/referrals/{(await scenario.create_referral())['id']}")
    child: dict[str, Any] = told.json()["child"]
    return child


async def test_this_month_and_the_next_have_partitions_that_take_their_rows(
    scenario: Scenario, superuser_connection: Any, owner_connection: Any
) -> None:
    await scenario.open_case()
    for table in ("access_events", "access_entries"):
        homes = await superuser_connection.fetch(
            f"SELECT DISTINCT tableoid::regclass::text, to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') FROM {table}"  # noqa: S608 - two names
        )
        assert [home for home, _ in homes] == [f"{table}_{month}" for _, month in homes]
        for months in (0, 1, 2, 18):
            name = await superuser_connection.fetchval(
                "SELECT to_regclass($1 || to_char((now() AT TIME ZONE 'UTC') + make_interval(months => $2), '_YYYY_MM'))::text",
                table, months,
            )  # fmt: skip
            assert name is not None, (table, months)
    assert await owner_connection.fetchval("SELECT access.create_partitions()") == 0
    assert await owner_connection.fetchval("SELECT access.create_partitions(20)") == 4
    last = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname ~ '^access_' AND relkind IN ('r', 'p')"
    assert {row[0] for row in await superuser_connection.fetch(last)} == {True}
    triggers = await superuser_connection.fetch(
        "SELECT tgname, count(*) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE c.relname ~ '^access_' GROUP BY 1"
    )
    tables = await superuser_connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relname ~ '^access_' AND relkind IN ('r', 'p')"
    )
    assert {row[0]: row[1] for row in triggers} == {
        "prevent_update_and_delete": tables,
        "prevent_truncate": tables,
    }


async def test_a_sealed_column_is_not_read_past_the_log(scenario: Scenario) -> None:
    # Planted: `execution_options` taken out of `Paging.plain`.
    async with scenario.database.session_factory() as session:
        with pytest.raises(AssertionError, match="past the access log"):
            await session.execute(select(Child.identity_encrypted))
        await session.execute(select(Child.identity_encrypted).execution_options(**log.UNRECORDED_READ))


async def test_nobody_writes_into_the_logs_past(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Planted: the policy insert_into_current_access WITH CHECK (true); `record_outcome` without its look at the moment.
    case = await scenario.open_case()
    (event_id,) = await superuser_connection.fetchrow("SELECT id FROM access_events ORDER BY id LIMIT 1")
    for mine in (None, await open_access(api_connection, "worker_north")):
        transaction = api_connection.transaction()
        await transaction.start()
        await set_access_event(api_connection, mine or "")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await api_connection.execute(SHOWN, event_id, uuid.UUID(case["child_id"]))
        await transaction.rollback()
    async with open_transaction_as(api_connection, "worker_north") as own:
        assert await api_connection.execute(SHOWN, own, uuid.UUID(case["child_id"])) == "INSERT 0 1"
    old = await superuser_connection.fetchval(LONG_AGO)
    for event in (old, uuid.uuid4()):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="older than 5 minutes"):
            await api_connection.execute(log.CONCLUDE_ACCESS_EVENT_SQL, event, "forbidden", 403, None, None)


async def test_what_is_asked_of_the_unseen_answers_nobody_without_the_act(
    scenario: Scenario, api_connection: Any
) -> None:
    # Planted: `has_open_case` without its coalesce: NULL for a child that has one, false for any other id.
    known, unknown = uuid.UUID((await scenario.open_case())["child_id"]), uuid.uuid4()
    asked = "SELECT access.has_open_case($1), access.children_share_worker($1, $1)"
    assert {tuple(await api_connection.fetchrow(asked, child)) for child in (known, unknown)} == {
        (False, False)
    }
    async with open_transaction_as(api_connection, "worker_north"):
        assert {tuple(await api_connection.fetchrow(asked, child)) for child in (known, unknown)} == {
            (False, False)
        }


async def test_a_head_of_a_record_is_a_look_at_it(scenario: Scenario) -> None:
    # Planted: HEAD answered before the door.
    case = await scenario.open_case()
    answer = await scenario.worker_north.request("HEAD", f"/v1/cases/{case['id']}")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"", '"1"')
    entries = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {case["child_id"]}
