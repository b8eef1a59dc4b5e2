"""The session edge: what cannot be logged is neither shown nor done, and what was refused stays in the log."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from tests.access.intrusion import open_access
from tests.locks import in_line
from tests.world import Caller, World, acceptance, children_in, id_of, referral, token_of

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


def looks(world: World, case: dict[str, Any], told: dict[str, Any]) -> dict[str, Call]:
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
        f"{name} reads {where}": partial(world.as_(name).get, where)
        for name, paths in shown.items()
        for where in paths
    }


def acts(world: World, case: dict[str, Any], told: dict[str, Any]) -> dict[str, Call]:
    """One call of every kind that changes something."""
    manager, path = world.manager, f"/v1/cases/{case['id']}"
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
        "refer": lambda: world.partner_one.post("/v1/referrals", referral()),
        "accept": lambda: manager.post(f"{taken}/accept", acceptance(), etag=etag),
        "decline": lambda: manager.post(f"{taken}/decline", {"reason_code": "other", "reason": "No."}, etag=etag),
        "complete": lambda: manager.patch(taken, {"urgency": "routine"}, etag=etag),
        "add a person": lambda: manager.post(f"{path}/people", person),
        "record a consent": lambda: manager.post(f"{path}/consents", consent),
        "change the case": lambda: manager.patch(path, {"summary": "New."}, etag=seen),
        "assign": lambda: manager.post(f"{path}/assign", staff, etag=seen),
        "break the glass": lambda: world.worker_south.post(f"{path}/break-glass", {"reason": "At our door now."}),
    }  # fmt: skip


async def stored(superuser: Any) -> dict[str, Any]:
    """The contents of every table but the log's."""
    tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND NOT relispartition AND relname <> 'places'"
    )
    return {row[0]: await superuser.fetchval(CONTENTS.format(row[0])) for row in tables}


async def taken_on(world: World) -> dict[str, Any]:
    """A referral that waits to be decided."""
    told = await world.referral()
    acknowledged = await world.supervisor_north.act(f"/v1/referrals/{told['id']}", "acknowledge")
    found: dict[str, Any] = acknowledged.json()
    return found


@pytest.mark.parametrize("fault", BROKEN)
async def test_what_cannot_be_logged_is_neither_shown_nor_done(
    world: World, superuser: Any, fault: str
) -> None:
    case, told = await world.case(), await taken_on(world)
    calls = {**looks(world, case, told), **acts(world, case, told)}
    before = await stored(superuser)
    await superuser.execute(BROKEN[fault])
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
    assert await stored(superuser) == before
    entries = await superuser.fetch(
        "SELECT outcome, count(*) FROM access_entries WHERE status = 500 GROUP BY 1"
    )
    concluded = fault in {"the commit fails", "no entry can be written"}
    assert [tuple(row) for row in entries] == ([("failed", len(calls))] if concluded else [])


async def test_every_refusal_stays_in_the_log_with_its_outcome_and_record(
    world: World, superuser: Any
) -> None:
    case, told = await world.case(), await taken_on(world)
    path, taken = f"/v1/cases/{case['id']}", f"/v1/referrals/{told['id']}"
    old = Caller("worker_south", world.http, token_of("worker_south", auth_time=int(time.time()) - 7200))
    supervisor, glass = world.supervisor_north, {"reason": "She is at our door."}
    refusals: list[tuple[Call, int, str, str | None]] = [
        (lambda: world.finance.get(path), 403, "forbidden", case["id"]),
        (lambda: world.finance.get("/v1/cases"), 403, "forbidden", None),
        (lambda: old.post(f"{path}/break-glass", glass), 403, "forbidden", case["id"]),
        (lambda: world.worker_south.get(path), 404, "not_found", case["id"]),
        (lambda: world.manager.get(f"/v1/people/{id_of('nobody')}"), 404, "not_found", str(id_of("nobody"))),
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
        entries = await world.log(answer.headers["x-request-id"])
        assert [(e["outcome"], e["status"], e["child_id"]) for e in entries] == [(outcome, status, None)], (
            number
        )
        assert [e["record"] and e["record"]["id"] for e in entries] == [record_id], number
        assert not children_in(answer.json())
    await superuser.execute(
        "UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("worker_north")
    )
    answer = await world.worker_north.get(path)
    (entry,) = await world.log(answer.headers["x-request-id"])
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


async def test_no_answer_leaves_before_its_entries_are_committed(world: World, superuser: Any) -> None:
    case, told = await world.case(), await taken_on(world)
    watched = Watched(world.app, superuser)
    transport = httpx.ASGITransport(watched)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        world.http, world.callers = http, {}
        retried = partial(world.manager.post, f"/v1/cases/{case['id']}/consents", CONSENT, key="one-key")
        assert (await retried()).status_code == 201
        refused: dict[str, Call] = {
            "not found": lambda: world.worker_south.get(f"/v1/cases/{case['id']}"),
            "forbidden": lambda: world.finance.get("/v1/cases"),
            "refused": lambda: world.manager.post(f"/v1/referrals/{told['id']}/accept", {}, etag='"2"'),
        }
        calls: dict[str, Call] = {**looks(world, case, told), **refused, "retried": retried}
        calls.update(acts(world, case, told))
        for what, call in calls.items():
            answer = await call()
            request_id = answer.headers["x-request-id"]
            (status, at_start), after = watched.at_start[-1], await watched.entries(request_id)
            assert (status, at_start) == (answer.status_code, after), what
            assert at_start >= max(1, len(children_in(answer.json()))), what


CONSENT = {"given_by": ["child"], "method": "oral", "on": "2026-11-12", "scope": ["services"]}


async def test_a_request_that_is_cut_off_changes_nothing_and_leaves_its_event(
    world: World, superuser: Any
) -> None:
    case = await world.case()
    seen, marked = f'"{case["version"]}"', f"cut-off-{uuid.uuid4().hex[:8]}"
    headers = {"x-request-id": marked}
    for _ in range(world.database.engine.pool.size() + 1):  # type: ignore[attr-defined]  # a pool that counts
        async with superuser.transaction():
            await superuser.execute("SELECT 1 FROM cases WHERE id = $1 FOR UPDATE", uuid.UUID(case["id"]))
            changing = asyncio.create_task(
                world.manager.patch(
                    f"/v1/cases/{case['id']}", {"summary": "Lost."}, etag=seen, headers=headers
                )
            )
            await in_line(superuser, 1)
            changing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await changing
    read = await world.manager.get(f"/v1/cases/{case['id']}")
    assert (read.headers["etag"], read.json()["summary"]) == (seen, None)
    assert {entry["outcome"] for entry in await world.log(marked)} == {"started"}


async def test_one_request_never_sees_through_the_access_of_another(world: World, superuser: Any) -> None:
    """Connections are pooled: what one transaction claimed to be must end with it."""
    await world.case()
    await asyncio.gather(*(world.manager.get("/v1/cases") for _ in range(12)))
    del superuser
    async with world.database.session_factory() as session:
        connection = await session.connection()
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        assert await raw.fetchval("SELECT count(*) FROM cases") == 0
        assert not await raw.fetchval("SELECT current_setting('firststep.access', true)")
    assert await open_access(world.database.access_pool, "manager")
