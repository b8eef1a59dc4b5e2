"""The access log: its entries, its readers, its filters and pages, and its protection in the database."""

import base64
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

from app.access.caller import OpenAccess
from app.access.log import CONCLUDE_ACCESSES_SQL
from app.database.embedded import ADMIN_ROLE
from app.database.urls import to_sqlalchemy_url
from app.models import Case, Child
from app.models.record import new_id
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.raw_sql import conclude_access, make_access_older, open_access, open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, child_ids_in, id_of

SELECT_ACCESS_LINES = (
    "SELECT concat(event_id, '.', n) FROM access_lines WHERE {} ORDER BY event_id DESC, n DESC"
)
CREATE_ACCESS_LINES_VIEW = """
    CREATE VIEW access_lines AS
    SELECT e.id AS event_id, coalesce(x.n, 0) AS n, e.actor_id, e.act, e.request_id, e.opened_at, x.child_id, x.case_id,
           x.record_kind, x.record_id, coalesce(x.outcome, 'started') AS outcome
      FROM access_events e LEFT JOIN access_entries x ON x.event_id = e.id
"""
COPY_NAME_TOKENS = text("""
    INSERT INTO name_tokens (owner_id, token, kind, child_id)
    SELECT :copy, token, kind, :copy FROM name_tokens WHERE owner_id = :child
""")
INSERT_ENTRY = """
    INSERT INTO access_entries (event_id, n, child_id, record_kind, record_id, outcome, status)
    VALUES ($1, 1, $2, 'child', $2, 'allowed', 200)
"""
CopiedIds = dict[str, list[str]]


@pytest.fixture
async def many_children(scenario: Scenario, cluster: Cluster) -> CopiedIds:
    """120 children of worker_north: copies of one child, each encrypted again."""
    await scenario.open_case()
    url = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, str(make_url(scenario.urls.api).database))
    engine = create_async_engine(to_sqlalchemy_url(url))
    copied: CopiedIds = {"children": [], "cases": []}
    async with AsyncSession(engine) as session:
        case = (await session.scalars(select(Case))).one()
        child = (await session.scalars(select(Child))).one()
        for number in range(2, 121):
            copy = Child(id=new_id(), sex=child.sex)
            copy.identity = child.identity
            copied_case = Case(
                **case.model_dump(exclude={"id", "number", "child_id", "created_at"}), child_id=copy.id
            )
            copied_case.number = f"FSC-2026-{number:04}"
            copied_case.content = {"summary": None}
            session.add(copy)
            await session.flush()
            session.add(copied_case)
            await session.execute(COPY_NAME_TOKENS, {"copy": copy.id, "child": child.id})
            copied["children"].append(str(copy.id))
            copied["cases"].append(str(copied_case.id))
        copied["children"].append(str(child.id))
        await session.commit()
    await engine.dispose()
    return copied


async def list_pages(caller: AuthenticatedClient, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    """Return all pages of a list."""
    item_pages: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        page_params = {**params, **({"cursor": cursor} if cursor else {})}
        response = await caller.get(path, params=page_params)
        assert response.status_code == 200, response.text
        item_pages.append(response.json()["items"])
        cursor = response.json()["next_cursor"]
    return item_pages


async def test_list_writes_one_entry_per_child(many_children: CopiedIds, scenario: Scenario) -> None:
    for path, limit in (
        ("/v1/cases", 50),
        ("/v1/children", 50),
        ("/v1/children?q=Keo", 20),
        ("/v1/cases", 200),
    ):
        response = await scenario.worker_north.get(path, params={"limit": limit} if "?" not in path else None)
        returned_ids = [item.get("child_id", item["id"]) for item in response.json()["items"]]
        assert len(returned_ids) == min(50 if "?" in path else limit, 120)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert sorted(entry["child_id"] for entry in entries) == sorted(returned_ids), path
        assert {entry["outcome"] for entry in entries} == {"allowed"}
    all_pages = await list_pages(scenario.worker_north, "/v1/cases", limit=50)
    assert [len(page) for page in all_pages] == [50, 50, 20]
    assert {item["child_id"] for page in all_pages for item in page} == set(many_children["children"])


async def test_log_pages_neither_skip_nor_repeat_entries_while_log_grows(
    many_children: CopiedIds, scenario: Scenario, superuser_connection: Any
) -> None:
    """The log grows with every page, because reading it is logged, and another user makes requests between the pages."""
    del many_children
    await superuser_connection.execute(CREATE_ACCESS_LINES_VIEW)
    await scenario.worker_north.get("/v1/cases", params={"limit": 30})
    expected_ids = [
        str(row[0]) for row in await superuser_connection.fetch(SELECT_ACCESS_LINES.format("true"))
    ]
    assert len(expected_ids) > 35
    listed_ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        response = await scenario.dpo.get(
            "/v1/audit/accesses", params={"limit": 7, **({"cursor": cursor} if cursor else {})}
        )
        listed_ids += [item["id"] for item in response.json()["items"]]
        cursor = response.json()["next_cursor"]
        await scenario.worker_north.get("/v1/cases", params={"limit": 3})
    assert listed_ids == expected_ids, "the entries that existed at the first page: newest first, each once"


async def test_filters_return_exactly_the_matching_entries(
    scenario: Scenario, superuser_connection: Any
) -> None:
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    await scenario.manager.get("/v1/cases")
    refused = await scenario.worker_south.get(f"/v1/cases/{north['id']}")
    await scenario.manager.get("/v1/children?q=Keo")
    await superuser_connection.execute(CREATE_ACCESS_LINES_VIEW)
    middle_time = await superuser_connection.fetchval(
        "SELECT opened_at FROM access_events ORDER BY id DESC OFFSET 4 LIMIT 1"
    )
    timestamp = middle_time.isoformat().replace("+00:00", "Z")
    north_referral, south_referral = [f"record_id = '{case['referral_id']}'" for case in (north, south)]
    conditions: list[tuple[dict[str, str], str]] = [
        ({"child_id": north["child_id"]}, f"(child_id = '{north['child_id']}' OR child_id IS NULL AND {north_referral})"),
        ({"case_id": south["id"]}, f"(case_id = '{south['id']}' OR child_id IS NULL AND {south_referral})"),
        ({"record_id": north["id"]}, f"record_id = '{north['id']}'"),
        ({"record_id": south["referral_id"]}, f"record_id = '{south['referral_id']}'"),
        ({"record_kind": "case", "record_id": south["id"]}, f"record_kind = 'case' AND record_id = '{south['id']}'"),
        ({"record_id": north["id"], "outcome": "not_found"}, f"record_id = '{north['id']}' AND outcome = 'not_found'"),
        ({"child_id": north["child_id"], "record_kind": "case"}, f"child_id = '{north['child_id']}' AND record_kind = 'case'"),
        ({"case_id": south["id"], "act": "case.list"}, f"act = 'case.list' AND case_id = '{south['id']}'"),
        ({"case_id": north["id"], "from": timestamp}, f"(case_id = '{north['id']}' OR child_id IS NULL AND {north_referral}) AND opened_at >= '{timestamp}'"),
        ({"actor_id": str(id_of("manager"))}, f"actor_id = '{id_of('manager')}'"),
        ({"actor_id": str(id_of("partner_one"))}, f"actor_id = '{id_of('partner_one')}'"),
        ({"act": "referral.accept"}, "act = 'referral.accept'"),
        ({"outcome": "not_found"}, "outcome = 'not_found'"),
        ({"outcome": "allowed"}, "outcome = 'allowed'"),
        ({"request_id": refused.headers["x-request-id"]}, "outcome = 'not_found'"),
        ({"from": timestamp}, f"opened_at >= '{timestamp}'"),
        ({"to": timestamp}, f"opened_at < '{timestamp}'"),
        ({"child_id": north["child_id"], "act": "case.list"}, f"act = 'case.list' AND child_id = '{north['child_id']}'"),
    ]  # fmt: skip
    until = await superuser_connection.fetchval("SELECT id FROM access_events ORDER BY id DESC LIMIT 1")
    for params, condition in conditions:
        expected = [
            str(row[0])
            for row in await superuser_connection.fetch(
                SELECT_ACCESS_LINES.format(f"event_id <= '{until}' AND {condition}")
            )
        ]
        assert expected, params
        response = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200, **params})
        items = [item for item in response.json()["items"] if item["event_id"] <= str(until)]
        assert [item["id"] for item in items] == expected, params
    own = await scenario.dpo.get(f"/v1/children/{north['child_id']}/accesses", params={"limit": 200})
    assert {item["child_id"] for item in own.json()["items"]} == {north["child_id"], None}
    for invalid_filter in (
        {"outcome": "x"},
        {"from": "2026-01-01"},
        {"actor_id": "me"},
        {"colour": "red"},
        {"record_kind": "x", "child_id": north["child_id"]},
        {"record_kind": "case"},
    ):
        assert (await scenario.dpo.get("/v1/audit/accesses", params=invalid_filter)).status_code == 422, (
            invalid_filter
        )


async def test_entry_contains_caller_action_record_and_address(scenario: Scenario) -> None:
    case = await scenario.open_case()
    response = await scenario.worker_north.get(f"/v1/cases/{case['id']}")
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert entry["actor"] == {
        "id": str(id_of("worker_north")),
        "name": "Worker North",
        "roles": ["social_worker"],
    }
    assert (entry["act"], entry["outcome"], entry["status"], entry["client_id"]) == (
        "case.read",
        "allowed",
        200,
        None,
    )
    assert (entry["record"], entry["address"]) == ({"kind": "case", "id": case["id"]}, "127.0.0.1")
    assert datetime.fromisoformat(entry["at"]).tzinfo is not None
    by_partner = await scenario.partner_one.get(f"/v1/referrals/{case['referral_id']}")
    (entry,) = await scenario.list_access_entries(by_partner.headers["x-request-id"])
    assert (entry["client_id"], entry["child_id"]) == (str(id_of("partner_one")), case["child_id"])
    reason = "She is at our door, alone."
    break_glass = await scenario.worker_south.post(f"/v1/cases/{case['id']}/break-glass", {"reason": reason})
    (entry,) = await scenario.list_access_entries(break_glass.headers["x-request-id"])
    assert (entry["act"], entry["reason"], entry["case_id"]) == ("case.break_glass", reason, case["id"])


async def test_first_access_of_a_case_is_the_acceptance_of_its_referral(scenario: Scenario) -> None:
    case = await scenario.open_case()
    response = await scenario.dpo.get("/v1/audit/accesses", params={"case_id": case["id"]})
    items = response.json()["items"]
    before_acceptance = [entry["act"] for entry in items if entry["child_id"] is None]
    assert before_acceptance == [
        "referral.read", "referral.match", "referral.acknowledge", "referral.read", "referral.receive",
    ]  # fmt: skip
    first = items[-len(before_acceptance) - 1]
    assert (first["act"], first["child_id"], first["outcome"]) == (
        "referral.accept",
        case["child_id"],
        "allowed",
    )


async def test_log_is_visible_to_data_protection_officer_and_supervisor_only(scenario: Scenario) -> None:
    north, south = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    case_list = await scenario.manager.get("/v1/cases")
    assert len(case_list.json()["items"]) == 2
    own = await scenario.supervisor_north.get("/v1/audit/accesses", params={"limit": 200})
    assert {item["child_id"] for item in own.json()["items"]} == {north["child_id"], None}
    before_acceptance = {item["record"]["id"] for item in own.json()["items"] if item["child_id"] is None}
    assert before_acceptance == {north["referral_id"]}
    shared = [item for item in own.json()["items"] if item["request_id"] == case_list.headers["x-request-id"]]
    assert [item["child_id"] for item in shared] == [north["child_id"]]
    filtered = await scenario.supervisor_north.get(f"/v1/audit/accesses?child_id={south['child_id']}")
    assert filtered.json()["items"] == []
    for record_filter in (f"case_id={south['id']}", f"record_id={south['id']}", f"record_id={uuid.uuid4()}"):
        filtered = await scenario.supervisor_north.get(f"/v1/audit/accesses?{record_filter}")
        assert filtered.json()["items"] == [], record_filter
    own_record = await scenario.supervisor_north.get(f"/v1/audit/accesses?record_id={north['id']}")
    assert {item["record"]["id"] for item in own_record.json()["items"]} == {north["id"]}
    for name, child in (("supervisor_north", south["child_id"]), ("dpo", uuid.uuid4())):
        assert (await scenario.client_for(name).get(f"/v1/children/{child}/accesses")).status_code == 404
    everything = await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200})
    assert {north["child_id"], south["child_id"], None} == {
        item["child_id"] for item in everything.json()["items"]
    }
    for name in ("worker_north", "manager", "finance", "me_officer", "admin", "partner_one", "reporting"):
        for path in ("/v1/audit/accesses", f"/v1/children/{north['child_id']}/accesses"):
            assert (await scenario.client_for(name).get(path)).status_code == 403, (name, path)


async def test_children_of_a_record_are_returned_to_log_readers_only(
    scenario: Scenario, api_connection: Any
) -> None:
    case = await scenario.open_case()
    for name, expected in (
        ("dpo", [case["child_id"]]),
        ("supervisor_north", [case["child_id"]]),
        ("supervisor_south", []),
        ("worker_south", []),
        ("finance", []),
    ):
        async with open_transaction_as(api_connection, name, "access_log.read"):
            for record_id in (case["id"], case["child_id"], case["referral_id"]):
                children = await api_connection.fetch(
                    "SELECT access.list_children_of_record($1) AS id", uuid.UUID(record_id)
                )
                assert [str(child["id"]) for child in children] == expected, name


async def test_reading_the_log_writes_entries_for_the_returned_children(scenario: Scenario) -> None:
    north, _ = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    for name, path in (
        ("dpo", "/v1/audit/accesses?limit=200"),
        ("dpo", f"/v1/children/{north['child_id']}/accesses"),
        ("supervisor_north", "/v1/audit/accesses"),
        ("dpo", "/v1/audit/accesses?act=keys.retire"),
    ):
        response = await scenario.client_for(name).get(path)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        returned_ids = child_ids_in(response.json()) or {"None"}
        assert sorted(returned_ids) == sorted(str(entry["child_id"]) for entry in entries), path
        assert {entry["actor"]["id"] for entry in entries} == {str(id_of(name))}


async def test_unknown_act_of_a_filter_is_rejected_with_the_known_acts(scenario: Scenario) -> None:
    # Catches: `_validate_act` removed.
    response = await scenario.dpo.get("/v1/audit/accesses?act=case.close")
    assert expect_json(response)["items"] == []
    (fault,) = expect_json(await scenario.dpo.get("/v1/audit/accesses?act=case.closed"), 422)["errors"]
    assert (fault["pointer"], fault["code"]) == ("query:act", "literal_error")
    assert {"case.close", "account.sign_in", "agenda.feed"} <= set(fault["params"]["allowed"])


async def test_search_terms_and_names_are_not_stored_in_plain_text(
    scenario: Scenario, superuser_connection: Any
) -> None:
    names = [
        {"script": "latin", "family": "Keo", "given": "Zsopheakdey"},
        {"script": "khmer", "family": "កែវ", "given": "សុភ័ក្រ"},
    ]
    case = await scenario.open_case(child={**(await _create_child_payload(scenario)), "names": names})
    for q in ("Zsopheakdey", "Qnobodysname", "សុភ័ក្រ"):
        response = await scenario.worker_north.get(f"/v1/children?q={quote(q)}")
        assert len(response.json()["items"]) == (0 if q == "Qnobodysname" else 1), q
        (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
        assert entry["act"] == "child.search"
    await scenario.worker_north.get(f"/v1/children/{case['child_id']}?q=Qnobodysname")
    tables = await superuser_connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'places'"
    )
    for table in (row[0] for row in tables):
        matching_rows = await superuser_connection.fetchval(
            f"SELECT count(*) FROM {table} t WHERE lower(t::text) ~ ANY ($1)",  # noqa: S608 - from the catalogue
            ["zsopheakdey", "qnobodysname", "សុភ័ក្រ", "told a teacher", "12345678"],
        )
        assert matching_rows == 0, table


async def _create_child_payload(scenario: Scenario) -> dict[str, Any]:
    response = await scenario.manager.get(f"/v1/referrals/{(await scenario.create_referral())['id']}")
    child: dict[str, Any] = response.json()["child"]
    return child


async def test_log_has_partitions_for_current_and_future_months(
    scenario: Scenario, superuser_connection: Any, owner_connection: Any
) -> None:
    await scenario.open_case()
    for table in ("access_events", "access_entries"):
        partitions = await superuser_connection.fetch(
            f"SELECT DISTINCT tableoid::regclass::text, to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') FROM {table}"  # noqa: S608 - two names
        )
        assert [partition for partition, _ in partitions] == [f"{table}_{month}" for _, month in partitions]
        for months in (0, 1, 2, 18):
            name = await superuser_connection.fetchval(
                "SELECT to_regclass($1 || to_char((now() AT TIME ZONE 'UTC') + make_interval(months => $2), '_YYYY_MM'))::text",
                table, months,
            )  # fmt: skip
            assert name is not None, (table, months)
    assert await owner_connection.fetchval("SELECT access.create_partitions()") == 0
    assert await owner_connection.fetchval("SELECT access.create_partitions(20)") == 4
    last = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname ~ '^access_(events|entries)' AND relkind IN ('r', 'p')"
    assert {row[0] for row in await superuser_connection.fetch(last)} == {True}
    triggers = await superuser_connection.fetch(
        "SELECT tgname, count(*) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE c.relname ~ '^access_(events|entries)' GROUP BY 1"
    )
    tables = await superuser_connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relname ~ '^access_(events|entries)' AND relkind IN ('r', 'p')"
    )
    assert {row[0]: row[1] for row in triggers} == {
        "prevent_update_and_delete": tables,
        "prevent_truncate": tables,
    }


async def test_unlogged_read_of_encrypted_column_is_rejected_in_tests(scenario: Scenario) -> None:
    # Catches: the listener of `unlogged_reads` not registered.
    async with scenario.database.session_factory() as session:
        with pytest.raises(AssertionError, match="unlogged read"):
            await session.execute(select(Child.identity_encrypted))


async def test_entries_are_written_only_by_concluding_an_access(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: GRANT INSERT ON access_entries TO firststep_api; access.conclude() without the comparison of the secret,
    # without its time limit.
    child = uuid.UUID((await scenario.open_case())["child_id"])
    count = "SELECT count(*) FROM access_entries"
    before = await superuser_connection.fetchval(count)
    concluded = await superuser_connection.fetchval("SELECT id FROM access_events ORDER BY id LIMIT 1")
    async with open_transaction_as(api_connection, "worker_north") as own:
        for event_id in (concluded, own.event_id):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                async with api_connection.transaction():
                    await api_connection.execute(INSERT_ENTRY, event_id, child)
    old = await open_access(api_connection, "worker_north")
    await make_access_older(superuser_connection, old, seconds=301)
    foreign = await open_access(api_connection, "manager")
    for access in (
        OpenAccess(concluded, own.secret),
        OpenAccess(foreign.event_id, own.secret),
        OpenAccess(uuid.uuid4(), uuid.uuid4()),
        old,
    ):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not open"):
            await conclude_access(api_connection, access, child)
    assert await superuser_connection.fetchval(count) == before
    await make_access_older(superuser_connection, own, seconds=299)
    await conclude_access(api_connection, own, child)
    entries = await superuser_connection.fetch(
        "SELECT child_id FROM access_entries WHERE event_id = $1", own.event_id
    )
    assert [row[0] for row in entries] == [child]
    assert await superuser_connection.fetchval(count) == before + 1


async def test_has_open_case_is_false_in_accesses_of_other_acts(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: `has_open_case` without coalesce: NULL for a child with an open case, false for any other id.
    known, unknown = uuid.UUID((await scenario.open_case())["child_id"]), uuid.uuid4()
    query = "SELECT access.has_open_case($1), access.children_share_worker($1, $1)"
    assert {tuple(await api_connection.fetchrow(query, child)) for child in (known, unknown)} == {
        (False, False)
    }
    async with open_transaction_as(api_connection, "worker_north"):
        assert {tuple(await api_connection.fetchrow(query, child)) for child in (known, unknown)} == {
            (False, False)
        }


async def test_head_request_writes_an_access_entry(scenario: Scenario) -> None:
    # Catches: a HEAD request answered before its guard.
    case = await scenario.open_case()
    response = await scenario.worker_north.request("HEAD", f"/v1/cases/{case['id']}")
    assert (response.status_code, response.content, response.headers["etag"]) == (200, b"", '"1"')
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {case["child_id"]}


async def test_entry_with_an_inconsistent_outcome_is_rejected(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: no ck_access_entries_outcome.
    del scenario
    for outcome, status in (
        ("allowed", 404),
        ("allowed", 99),
        ("not_found", 200),
        ("failed", 422),
        ("started", 200),
        ("x", 200),
    ):
        access = await open_access(api_connection, "worker_north")
        columns = ([access.event_id], [access.secret], [outcome], [status], [1], [1])
        with pytest.raises(asyncpg.CheckViolationError):
            await api_connection.execute(CONCLUDE_ACCESSES_SQL, *columns, *([None] for _ in range(5)))
    count = "SELECT count(*) FROM access_entries"
    assert await superuser_connection.fetchval(count) == 0


async def test_cursor_contains_no_id_of_an_event(scenario: Scenario) -> None:
    # Catches: a cursor that is signed and not encrypted.
    await scenario.open_case()
    for caller in (scenario.dpo, scenario.supervisor_north):
        response = await caller.get("/v1/audit/accesses", params={"limit": 1})
        (entry,) = expect_json(response)["items"]
        cursor = response.json()["next_cursor"]
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        event_id = uuid.UUID(entry["event_id"])
        assert str(event_id).encode() not in content
        assert event_id.bytes not in content
        assert b"UUID" not in content
