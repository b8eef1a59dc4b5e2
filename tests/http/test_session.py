"""The session of a request: without a committed log entry, no data is returned or changed; rejections are logged."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from tests.support.locks import wait_for_lock_waiters
from tests.support.raw_sql import open_access
from tests.support.scenario import (
    AuthenticatedClient,
    Scenario,
    acceptance_payload,
    access_token_of,
    child_ids_in,
    id_of,
    referral_payload,
)

Call = Callable[[], Awaitable[httpx.Response]]

FAIL_SQL = """
    CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
    CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON access_entries {timing}
        FOR EACH ROW {when} EXECUTE FUNCTION public.fail();
"""
FAULTS = {
    "the commit fails": FAIL_SQL.format(timing="INITIALLY DEFERRED", when="WHEN (NEW.outcome = 'allowed')"),
    "no entry of a response can be written": FAIL_SQL.format(
        timing="", when="WHEN (NEW.outcome = 'allowed')"
    ),
    "no entry can be committed": FAIL_SQL.format(timing="INITIALLY DEFERRED", when=""),
    "no entry can be written": "REVOKE INSERT ON access_entries FROM firststep_gate",
    "no access can be concluded": (
        "REVOKE EXECUTE ON FUNCTION access.conclude, access.conclude_rejected FROM firststep_api"
    ),
    "no event can be written": "REVOKE INSERT ON access_events FROM firststep_gate",
    "no context can be written": "REVOKE INSERT ON access_contexts FROM firststep_gate",
    "no access can be opened": "REVOKE EXECUTE ON FUNCTION access.open FROM firststep_api",
}
FAULTS_WITH_LOGGED_OUTCOME = {"the commit fails", "no entry of a response can be written"}
TABLE_DIGEST_SQL = """
    SELECT string_agg(md5(t::text), '' ORDER BY t::text) FROM {} t
"""


def build_reads(scenario: Scenario, case: dict[str, Any], referral: dict[str, Any]) -> dict[str, Call]:
    """Return one request for each kind of response with data about a child."""
    path = f"/v1/cases/{case['id']}"
    paths_by_caller = {
        "manager": (
            "/v1/cases", path, f"{path}/timeline", f"{path}/people", f"{path}/consents", f"{path}/links",
            "/v1/children", "/v1/children?q=Keo", f"/v1/children/{case['child_id']}", "/v1/consents",
            "/v1/referrals", f"/v1/referrals/{referral['id']}", f"/v1/referrals/{referral['id']}/matches",
            "/v1/audit/break-glass",
        ),
        "dpo": ("/v1/audit/accesses", f"/v1/children/{case['child_id']}/accesses", "/v1/consents"),
        "partner_one": ("/v1/referrals", f"/v1/referrals/{referral['id']}"),
    }  # fmt: skip
    return {
        f"{name} reads {path}": partial(scenario.client_for(name).get, path)
        for name, paths in paths_by_caller.items()
        for path in paths
    }


def build_writes(scenario: Scenario, case: dict[str, Any], referral: dict[str, Any]) -> dict[str, Call]:
    """Return one request for each kind of change."""
    manager, path = scenario.manager, f"/v1/cases/{case['id']}"
    referral_path, referral_etag = f"/v1/referrals/{referral['id']}", f'"{referral["version"]}"'
    person = {
        "role": "other",
        "names": [{"script": "latin", "family": "Keo", "given": "Dara"}],
        "relationship": "uncle",
    }
    consent = {"given_by": ["child"], "method": "oral", "on": "2026-11-12", "scope": ["services"]}
    staff = {"lead_worker_id": str(id_of("worker_north_2"))}
    case_etag = f'"{case["version"]}"'
    return {
        "refer": lambda: scenario.partner_one.post("/v1/referrals", referral_payload()),
        "accept": lambda: manager.post(f"{referral_path}/accept", acceptance_payload(), etag=referral_etag),
        "decline": lambda: manager.post(f"{referral_path}/decline", {"reason_code": "other", "reason": "No."}, etag=referral_etag),
        "complete": lambda: manager.patch(referral_path, {"urgency": "routine"}, etag=referral_etag),
        "add a person": lambda: manager.post(f"{path}/people", person),
        "record a consent": lambda: manager.post(f"{path}/consents", consent),
        "change the case": lambda: manager.patch(path, {"summary": "New."}, etag=case_etag),
        "assign": lambda: manager.post(f"{path}/assign", staff, etag=case_etag),
        "break-glass": lambda: scenario.worker_south.post(f"{path}/break-glass", {"reason": "The child is at our office."}),
    }  # fmt: skip


async def digest_tables(superuser: Any) -> dict[str, Any]:
    """Return a digest of each table except the access log and the contexts of its open access events."""
    tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND NOT relispartition AND relname NOT IN ('places', 'access_contexts')"
    )
    return {row[0]: await superuser.fetchval(TABLE_DIGEST_SQL.format(row[0])) for row in tables}


async def create_acknowledged_referral(scenario: Scenario) -> dict[str, Any]:
    """Return a referral that is neither accepted nor declined."""
    referral = await scenario.create_referral()
    response = await scenario.supervisor_north.act(f"/v1/referrals/{referral['id']}", "acknowledge")
    await scenario.manager.open_matches(f"/v1/referrals/{referral['id']}")
    acknowledged_referral: dict[str, Any] = response.json()
    return acknowledged_referral


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_data_is_returned_or_changed_if_the_access_log_fails(
    scenario: Scenario, superuser_connection: Any, fault: str
) -> None:
    case, referral = await scenario.open_case(), await create_acknowledged_referral(scenario)
    calls = {**build_reads(scenario, case, referral), **build_writes(scenario, case, referral)}
    before = await digest_tables(superuser_connection)
    await superuser_connection.execute(FAULTS[fault])
    for name, call in calls.items():
        response = await call()
        assert response.status_code >= 500, name
        assert response.headers["content-type"] == "application/problem+json", name
        assert response.json()["request_id"] == response.headers["x-request-id"], name
        child_data = ("Keo", "child_id", "Told a teacher", case["number"])
        assert [text for text in child_data if text in response.text] == [], name
        assert "items" not in response.json(), name
    assert await digest_tables(superuser_connection) == before
    entries = await superuser_connection.fetch(
        "SELECT outcome, count(DISTINCT event_id) FROM access_entries WHERE status >= 500 GROUP BY 1"
    )
    outcome_is_logged = fault in FAULTS_WITH_LOGGED_OUTCOME
    assert [tuple(row) for row in entries] == ([("failed", len(calls))] if outcome_is_logged else [])


async def test_rejected_request_is_logged_with_outcome_and_record(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, referral = await scenario.open_case(), await create_acknowledged_referral(scenario)
    path, referral_path = f"/v1/cases/{case['id']}", f"/v1/referrals/{referral['id']}"
    client_without_recent_sign_in = AuthenticatedClient(
        "worker_south", scenario.http, access_token_of("worker_south", auth_time=int(time.time()) - 7200)
    )
    supervisor, break_glass = scenario.supervisor_north, {"reason": "The child is at our office."}
    children = {case["id"]: case["child_id"]}
    rejections: list[tuple[Call, int, str, str | None]] = [
        (lambda: scenario.finance.get(path), 403, "forbidden", case["id"]),
        (lambda: scenario.finance.get("/v1/cases"), 403, "forbidden", None),
        (
            lambda: client_without_recent_sign_in.post(f"{path}/break-glass", break_glass),
            403,
            "forbidden",
            case["id"],
        ),
        (lambda: scenario.worker_south.get(path), 404, "not_found", case["id"]),
        (
            lambda: scenario.manager.get(f"/v1/people/{id_of('nobody')}"),
            404,
            "not_found",
            str(id_of("nobody")),
        ),
        (lambda: supervisor.act(referral_path, "accept", {}), 409, "refused", referral["id"]),
        (lambda: supervisor.patch(path, {"summary": "x"}, etag='"77"'), 412, "conflict", case["id"]),
        (lambda: supervisor.patch(path, {"summary": "x"}), 428, "invalid", case["id"]),
        (lambda: supervisor.patch(path, {"number": "x"}, etag='"1"'), 422, "invalid", case["id"]),
        (lambda: supervisor.get("/v1/cases?limit=0"), 422, "invalid", None),
        (lambda: supervisor.get("/v1/cases/7"), 422, "invalid", None),
        (lambda: supervisor.post(f"{path}/people", {"role": "x"}), 422, "invalid", case["id"]),
    ]
    for number, (call, status, outcome, record_id) in enumerate(rejections):
        response = await call()
        assert response.status_code == status, (number, response.text)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        expected = (outcome, status, children.get(str(record_id)))
        assert [(e["outcome"], e["status"], e["child_id"]) for e in entries] == [expected], number
        assert [e["record"] and e["record"]["id"] for e in entries] == [record_id], number
        assert not child_ids_in(response.json())
    await superuser_connection.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("worker_north")
    )
    response = await scenario.worker_north.get(path)
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (response.status_code, entry["outcome"], entry["act"]) == (401, "unauthenticated", "case.read")
    assert entry["actor"]["id"] == str(id_of("worker_north"))


class LogObserver:
    """Wraps the application and counts the committed log entries at the moment a response starts."""

    def __init__(self, app: Any, superuser: Any) -> None:
        self.app, self.superuser = app, superuser
        self.counts_at_start: list[tuple[int, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_and_count(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                self.counts_at_start.append(
                    (message["status"], await self.count_entries(headers[b"x-request-id"].decode()))
                )
            await send(message)

        await self.app(scope, receive, send_and_count)

    async def count_entries(self, request_id: str) -> int:
        """Count the committed entries of a request."""
        count: int = await self.superuser.fetchval(
            "SELECT count(*) FROM access_entries x JOIN access_events e ON e.id = x.event_id WHERE request_id = $1",
            request_id,
        )
        return count


async def test_response_starts_after_its_log_entries_are_committed(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, referral = await scenario.open_case(), await create_acknowledged_referral(scenario)
    observer = LogObserver(scenario.app, superuser_connection)
    transport = httpx.ASGITransport(observer)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        scenario.http, scenario.clients = http, {}
        retry = partial(scenario.manager.post, f"/v1/cases/{case['id']}/consents", CONSENT, key="one-key")
        assert (await retry()).status_code == 201
        rejections: dict[str, Call] = {
            "not found": lambda: scenario.worker_south.get(f"/v1/cases/{case['id']}"),
            "forbidden": lambda: scenario.finance.get("/v1/cases"),
            "refused": lambda: scenario.manager.post(
                f"/v1/referrals/{referral['id']}/accept", {}, etag='"2"'
            ),
        }
        calls: dict[str, Call] = {**build_reads(scenario, case, referral), **rejections, "retry": retry}
        calls.update(build_writes(scenario, case, referral))
        for name, call in calls.items():
            response = await call()
            count_afterwards = await observer.count_entries(response.headers["x-request-id"])
            status, count_at_start = observer.counts_at_start[-1]
            assert (status, count_at_start) == (response.status_code, count_afterwards), name
            assert count_at_start >= max(1, len(child_ids_in(response.json()))), name


CONSENT = {"given_by": ["child"], "method": "oral", "on": "2026-11-12", "scope": ["services"]}


async def test_cancelled_request_changes_nothing_and_its_event_stays(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    etag, correlation_id = f'"{case["version"]}"', f"cut-off-{uuid.uuid4().hex[:8]}"
    headers = {"x-correlation-id": correlation_id}
    for _ in range(scenario.database.engine.pool.size() + 1):  # type: ignore[attr-defined]  # the pool has a fixed size
        async with superuser_connection.transaction():
            await superuser_connection.execute(
                "SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", uuid.UUID(case["id"])
            )
            update = asyncio.create_task(
                scenario.manager.patch(
                    f"/v1/cases/{case['id']}", {"summary": "Lost."}, etag=etag, headers=headers
                )
            )
            await wait_for_lock_waiters(superuser_connection, 1)
            update.cancel()
            with pytest.raises(asyncio.CancelledError):
                await update
    response = await scenario.manager.get(f"/v1/cases/{case['id']}")
    assert (response.headers["etag"], response.json()["summary"]) == (etag, None)
    log = await scenario.dpo.get("/v1/audit/accesses", params={"correlation_id": correlation_id})
    assert {entry["outcome"] for entry in log.json()["items"]} == {"started"}


async def test_access_event_is_not_set_after_its_transaction(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `false` instead of `true` in `BEGIN_WITH_ACCESS_EVENT_SQL`, which sets the event for the session.
    # The connections are pooled, so the next request uses the same connection.
    case = await scenario.open_case()
    paths = (f"/v1/cases/{case['id']}", f"/v1/cases/{id_of('nobody')}", "/v1/referrals")
    await asyncio.gather(*(scenario.manager.get(path) for path in paths for _ in range(12)))
    del superuser_connection
    async with scenario.database.session_factory() as session:
        connection = await session.connection()
        driver_connection = (await connection.get_raw_connection()).driver_connection
        assert driver_connection is not None
        assert await driver_connection.fetchval("SELECT count(*) FROM cases") == 0
        assert not await driver_connection.fetchval("SELECT current_setting('firststep.access', true)")
    async with AsyncExitStack() as stack:
        pool = scenario.database.read_pool
        for _ in range(pool.get_size()):
            read_connection = await stack.enter_async_context(pool.acquire())
            assert not await read_connection.fetchval("SELECT current_setting('firststep.access', true)")
    assert await open_access(scenario.database.access_pool, "manager")
