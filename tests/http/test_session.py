"""The session edge: what cannot be logged is neither shown nor done, and what was refused stays in the log."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
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

AT_COMMIT = """
    CREATE FUNCTION public.no_more() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
    CREATE CONSTRAINT TRIGGER no_more AFTER INSERT ON access_entries DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW {when} EXECUTE FUNCTION public.no_more();
"""
BROKEN = {
    "the commit fails": AT_COMMIT.format(when="WHEN (NEW.outcome = 'allowed')"),
    "no entry can be committed at all": AT_COMMIT.format(when=""),
    "no entry can be written": "REVOKE INSERT ON access_entries FROM firststep_api",
    "no access can be opened": "REVOKE EXECUTE ON FUNCTION access.open FROM firststep_api",
}  # fmt: skip
CONTENTS = """
    SELECT string_agg(md5(t::text), '' ORDER BY t::text) FROM {} t
"""


def looks(scenario: Scenario, case: dict[str, Any], told: dict[str, Any]) -> dict[str, Call]:
    """One call of every kind that shows something of a child."""
    path = f"/v1/cases/{case['id']}"
    shown = {
        "manager": (
            "/v1/cases", path, f"{path}/timeline", f"{path}/people", f"{path}/consents", f"{path}/links",
            "/v1/children", "/v1/children?q=Keo", f"/v1/children/{case['child_id']}", "/v1/consents",
            "/v1/referrals", f"/v1/referrals/{told['id']}", f"/v1/referrals/{told['id']}/matches",
            "/v1/audit/break-glass",
        ),
        "dpo": ("/v1/audit/accesses", f"/v1/children/{case['child_id']}/accesses", "/v1/consents"),
        "partner_one": ("/v1/referrals", f"/v1/referrals/{told['id']}"),
    }  # fmt: skip
    return {
        f"{name} reads {where}": partial(scenario.client_for(name).get, where)
        for name, paths in shown.items()
        for where in paths
    }


def acts(scenario: Scenario, case: dict[str, Any], told: dict[str, Any]) -> dict[str, Call]:
    """One call of every kind that changes something."""
    manager, path = scenario.manager, f"/v1/cases/{case['id']}"
    taken, etag = f"/v1/referrals/{told['id']}", f'"{told["version"]}"'
    person = {
        "role": "other",
        "names": [{"script": "latin", "family": "Keo", "given": "Dara"}],
        "relationship": "uncle",
    }
    consent = {"given_by": ["child"], "method": "oral", "on": "2026-11-12", "scope": ["services"]}
    staff = {"lead_worker_id": str(id_of("worker_north_2"))}
    seen = f'"{case["version"]}"'
    return {
        "refer": lambda: scenario.partner_one.post("/v1/referrals", referral_payload()),
        "accept": lambda: manager.post(f"{taken}/accept", acceptance_payload(), etag=etag),
        "decline": lambda: manager.post(f"{taken}/decline", {"reason_code": "other", "reason": "No."}, etag=etag),
        "complete": lambda: manager.patch(taken, {"urgency": "routine"}, etag=etag),
        "add a person": lambda: manager.post(f"{path}/people", person),
        "record a consent": lambda: manager.post(f"{path}/consents", consent),
        "change the case": lambda: manager.patch(path, {"summary": "New."}, etag=seen),
        "assign": lambda: manager.post(f"{path}/assign", staff, etag=seen),
        "break the glass": lambda: scenario.worker_south.post(f"{path}/break-glass", {"reason": "At our door now."}),
    }  # fmt: skip


async def stored(superuser: Any) -> dict[str, Any]:
    """The contents of every table but the log's."""
    tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND NOT relispartition AND relname <> 'places'"
    )
    return {row[0]: await superuser.fetchval(CONTENTS.format(row[0])) for row in tables}


async def taken_on(scenario: Scenario) -> dict[str, Any]:
    """A referral that waits to be decided."""
    told = await scenario.create_referral()
    acknowledged = await scenario.supervisor_north.act(f"/v1/referrals/{told['id']}", "acknowledge")
    found: dict[str, Any] = acknowledged.json()
    return found


@pytest.mark.parametrize("fault", BROKEN)
async def test_what_cannot_be_logged_is_neither_shown_nor_done(
    scenario: Scenario, superuser_connection: Any, fault: str
) -> None:
    case, told = await scenario.open_case(), await taken_on(scenario)
    calls = {**looks(scenario, case, told), **acts(scenario, case, told)}
    before = await stored(superuser_connection)
    await superuser_connection.execute(BROKEN[fault])
    for what, call in calls.items():
        answer = await call()
        assert answer.status_code >= 500, what
        assert answer.headers["content-type"] == "application/problem+json", what
        assert answer.json()["request_id"] == answer.headers["x-request-id"], what
        told_of = [
            text for text in ("Keo", "child_id", "Told a teacher", case["number"]) if text in answer.text
        ]
        assert told_of == [], what
        assert "items" not in answer.json(), what
    assert await stored(superuser_connection) == before
    entries = await superuser_connection.fetch(
        "SELECT outcome, count(*) FROM access_entries WHERE status = 500 GROUP BY 1"
    )
    concluded = fault in {"the commit fails", "no entry can be written"}
    assert [tuple(row) for row in entries] == ([("failed", len(calls))] if concluded else [])


async def test_every_refusal_stays_in_the_log_with_its_outcome_and_record(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, told = await scenario.open_case(), await taken_on(scenario)
    path, taken = f"/v1/cases/{case['id']}", f"/v1/referrals/{told['id']}"
    old = AuthenticatedClient(
        "worker_south", scenario.http, access_token_of("worker_south", auth_time=int(time.time()) - 7200)
    )
    supervisor, glass = scenario.supervisor_north, {"reason": "She is at our door."}
    refusals: list[tuple[Call, int, str, str | None]] = [
        (lambda: scenario.finance.get(path), 403, "forbidden", case["id"]),
        (lambda: scenario.finance.get("/v1/cases"), 403, "forbidden", None),
        (lambda: old.post(f"{path}/break-glass", glass), 403, "forbidden", case["id"]),
        (lambda: scenario.worker_south.get(path), 404, "not_found", case["id"]),
        (
            lambda: scenario.manager.get(f"/v1/people/{id_of('nobody')}"),
            404,
            "not_found",
            str(id_of("nobody")),
        ),
        (lambda: supervisor.act(taken, "accept", {}), 409, "refused", told["id"]),
        (lambda: supervisor.patch(path, {"summary": "x"}, etag='"77"'), 412, "conflict", case["id"]),
        (lambda: supervisor.patch(path, {"summary": "x"}), 428, "invalid", case["id"]),
        (lambda: supervisor.patch(path, {"number": "x"}, etag='"1"'), 422, "invalid", case["id"]),
        (lambda: supervisor.get("/v1/cases?limit=0"), 422, "invalid", None),
        (lambda: supervisor.get("/v1/cases/7"), 422, "invalid", None),
        (lambda: supervisor.post(f"{path}/people", {"role": "x"}), 422, "invalid", case["id"]),
    ]
    for number, (call, status, outcome, record_id) in enumerate(refusals):
        answer = await call()
        assert answer.status_code == status, (number, answer.text)
        entries = await scenario.list_access_entries(answer.headers["x-request-id"])
        assert [(e["outcome"], e["status"], e["child_id"]) for e in entries] == [(outcome, status, None)], (
            number
        )
        assert [e["record"] and e["record"]["id"] for e in entries] == [record_id], number
        assert not child_ids_in(answer.json())
    await superuser_connection.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("worker_north")
    )
    answer = await scenario.worker_north.get(path)
    (entry,) = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert (answer.status_code, entry["outcome"], entry["act"]) == (401, "unauthenticated", "case.read")
    assert entry["actor"]["id"] == str(id_of("worker_north"))


class Watched:
    """The app, with somebody who looks into the log at the moment an answer starts to leave."""

    def __init__(self, app: Any, superuser: Any) -> None:
        self.app, self.superuser = app, superuser
        self.at_start: list[tuple[int, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def watched(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                self.at_start.append(
                    (message["status"], await self.entries(headers[b"x-request-id"].decode()))
                )
            await send(message)

        await self.app(scope, receive, watched)

    async def entries(self, request_id: str) -> int:
        """Count the committed entries of a request."""
        counted: int = await self.superuser.fetchval(
            "SELECT count(*) FROM access_entries x JOIN access_events e ON e.id = x.event_id WHERE request_id = $1",
            request_id,
        )
        return counted


async def test_no_answer_leaves_before_its_entries_are_committed(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, told = await scenario.open_case(), await taken_on(scenario)
    watched = Watched(scenario.app, superuser_connection)
    transport = httpx.ASGITransport(watched)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        scenario.http, scenario.clients = http, {}
        retried = partial(scenario.manager.post, f"/v1/cases/{case['id']}/consents", CONSENT, key="one-key")
        assert (await retried()).status_code == 201
        refused: dict[str, Call] = {
            "not found": lambda: scenario.worker_south.get(f"/v1/cases/{case['id']}"),
            "forbidden": lambda: scenario.finance.get("/v1/cases"),
            "refused": lambda: scenario.manager.post(f"/v1/referrals/{told['id']}/accept", {}, etag='"2"'),
        }
        calls: dict[str, Call] = {**looks(scenario, case, told), **refused, "retried": retried}
        calls.update(acts(scenario, case, told))
        for what, call in calls.items():
            answer = await call()
            request_id = answer.headers["x-request-id"]
            (status, at_start), after = watched.at_start[-1], await watched.entries(request_id)
            assert (status, at_start) == (answer.status_code, after), what
            assert at_start >= max(1, len(child_ids_in(answer.json()))), what


CONSENT = {"given_by": ["child"], "method": "oral", "on": "2026-11-12", "scope": ["services"]}


async def test_a_request_that_is_cut_off_changes_nothing_and_leaves_its_event(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    seen, marked = f'"{case["version"]}"', f"cut-off-{uuid.uuid4().hex[:8]}"
    headers = {"x-request-id": marked}
    for _ in range(scenario.database.engine.pool.size() + 1):  # type: ignore[attr-defined]  # a pool that counts
        async with superuser_connection.transaction():
            await superuser_connection.execute(
                "SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", uuid.UUID(case["id"])
            )
            changing = asyncio.create_task(
                scenario.manager.patch(
                    f"/v1/cases/{case['id']}", {"summary": "Lost."}, etag=seen, headers=headers
                )
            )
            await wait_for_lock_waiters(superuser_connection, 1)
            changing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await changing
    read = await scenario.manager.get(f"/v1/cases/{case['id']}")
    assert (read.headers["etag"], read.json()["summary"]) == (seen, None)
    assert {entry["outcome"] for entry in await scenario.list_access_entries(marked)} == {"started"}


async def test_one_request_never_sees_through_the_access_of_another(
    scenario: Scenario, superuser_connection: Any
) -> None:
    """Connections are pooled: what one transaction claimed to be must end with it."""
    await scenario.open_case()
    await asyncio.gather(*(scenario.manager.get("/v1/cases") for _ in range(12)))
    del superuser_connection
    async with scenario.database.session_factory() as session:
        connection = await session.connection()
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        assert await raw.fetchval("SELECT count(*) FROM cases") == 0
        assert not await raw.fetchval("SELECT current_setting('firststep.access', true)")
    assert await open_access(scenario.database.access_pool, "manager")
