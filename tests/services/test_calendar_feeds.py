"""Calendar feeds: an agenda on a phone that tells a stranger nothing, behind an address that can be revoked."""

import asyncio
import hashlib
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.dates import add_months, today
from app.models import SupportSession
from app.rendering.icalendar import CalendarEvent, escape_text, fold_line, render_icalendar
from app.schemas.codes import get_codes
from app.services.cases.calendar_feeds import CALENDAR_NAMES, EVENT_TITLES, MAX_ACTIVE_FEEDS
from tests.pathway import done
from tests.rows import WORKER, furnish, in_days, local, of, opened_months_ago, put
from tests.world import Caller, World, token_of

FEEDS = "/v1/me/calendar-feeds"


async def opened(caller: Caller, **changes: Any) -> dict[str, Any]:
    return done(await caller.post(FEEDS, {"name": "My phone", **changes}), 201)


async def fetched(world: World, feed: dict[str, Any]) -> httpx.Response:
    """As a calendar does it: by the address alone."""
    return await world.http.get(feed["url"])


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def events(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, str]] = []
    for line in unfolded(answer.text):
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and ":" in line:
            name, _, value = line.partition(":")
            found[-1].setdefault(name, value)
    return found


async def test_a_feed_shows_when_and_one_neutral_word(world: World, superuser: Any) -> None:
    case = await world.case()
    await furnish(superuser, case)
    answer = await fetched(world, await opened(world.worker_north))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    shown = events(answer)
    assert [event["SUMMARY"] for event in shown] == [
        "Review", "Call back", "Appointment", "Task", "Call back", "Appointment", "Call back"
    ]  # fmt: skip
    assert shown[0]["DTSTART;VALUE=DATE"] == f"{in_days(-3):%Y%m%d}"
    assert shown[2]["DTSTART"] == f"{in_days(1):%Y%m%d}T020000Z", "9 in Cambodia"
    assert shown[2]["DTEND"] == f"{in_days(1):%Y%m%d}T030000Z"
    assert {event["CLASS"] for event in shown} == {"PRIVATE"}


async def test_a_feed_tells_a_stranger_nothing(world: World, superuser: Any) -> None:
    case = await world.case()
    await furnish(superuser, case)
    answer = await fetched(world, await opened(world.worker_north))
    text = "\n".join(unfolded(answer.text)).casefold()
    names = [part for name in case["child"]["names"] for part in (name["family"], name["given"])]
    for secret in (
        *names,
        case["number"],
        "first",
        "fsc",
        "child",
        "case",
        "court",
        "visit",
        "therapy",
        "worker",
    ):
        assert secret.casefold() not in text, secret
    for identifier in re.findall(r"[0-9a-f-]{36}", text):
        for table in (
            "cases",
            "children",
            "reviews",
            "support_sessions",
            "legal_steps",
            "actions",
            "follow_ups",
        ):
            query = f"SELECT count(*) FROM {table} WHERE id = $1"  # noqa: S608 - names of tables
            row = await superuser.fetchval(query, uuid.UUID(identifier))
            assert row == 0, table
    properties = {re.split("[:;]", line)[0] for line in unfolded(answer.text) if line}
    assert properties == {
        "BEGIN", "VERSION", "PRODID", "CALSCALE", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL",
        "UID", "DTSTAMP", "DTSTART", "DTEND", "TRANSP", "SUMMARY", "CLASS", "END",
    }  # fmt: skip


async def test_every_milestone_ahead_is_in_the_feed_once_and_keeps_its_id(
    world: World, superuser: Any
) -> None:
    # Before: of the milestones within the feed's 120 days only the last; and all of a case had one id.
    case = await world.case()
    await opened_months_ago(superuser, case, 20)
    feed = await opened(world.worker_north)
    first, again = [
        [(event["UID"], event["DTSTART;VALUE=DATE"]) for event in events(await fetched(world, feed))]
        for _ in range(2)
    ]
    days = [add_months(add_months(today(), -20), months) for months in (18, 21, 24)]
    assert [day for _, day in first] == [f"{day:%Y%m%d}" for day in days if day <= in_days(120)]
    assert len({uid for uid, _ in first}) == len(first) >= 2
    assert first == again


async def test_it_speaks_khmer_and_keeps_to_the_rules_of_the_format(world: World, superuser: Any) -> None:
    case = await world.case()
    await furnish(superuser, case)
    answer = await fetched(world, await opened(world.worker_north, language="km"))
    assert "ការណាត់ជួប" in {event["SUMMARY"] for event in events(answer)}
    raw = answer.content
    assert raw.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert (
        raw.count(b"BEGIN:VEVENT") == raw.count(b"UID:") == raw.count(b"DTSTAMP:") == raw.count(b"END:VEVENT")
    )


async def test_an_entry_keeps_its_uid_when_it_moves(world: World, superuser: Any) -> None:
    case = await world.case()
    planned: dict[str, Any] = {"kind": "therapy", "worker_id": WORKER, "author_id": WORKER}
    session = await put(superuser, SupportSession(**of(case), planned_at=local(in_days(2)), **planned))
    feed = await opened(world.worker_north)
    (before,) = events(await fetched(world, feed))
    await superuser.execute(
        "UPDATE support_sessions SET planned_at = $1 WHERE id = $2", local(in_days(3)), session.id
    )
    await put(superuser, SupportSession(**of(case), planned_at=local(in_days(1)), **planned))
    first, second = events(await fetched(world, feed))
    assert second["UID"] == before["UID"] != first["UID"]
    assert second["DTSTART"] == f"{in_days(3):%Y%m%d}T020000Z"


async def test_the_address_is_shown_once_and_only_its_digest_kept(world: World, superuser: Any) -> None:
    me = world.worker_north
    feed = await opened(me)
    token = re.fullmatch(r"http://testserver/v1/calendar/([A-Za-z0-9_-]{43})\.ics", feed["url"])
    assert token
    listed = await me.get(FEEDS)
    (item,) = done(listed)["items"]
    assert item == {key: feed[key] for key in ("id", "name", "language", "created_at")} | {
        "last_read_at": None
    }
    row = dict(await superuser.fetchrow("SELECT * FROM calendar_feeds"))
    assert row["token_digest"] == hashlib.sha256(token[1].encode()).digest()
    assert token[1] not in str(row)
    await fetched(world, feed)
    assert done(await me.get(FEEDS))["items"][0]["last_read_at"] is not None


async def test_fetching_leaves_an_event_of_the_owner_and_names_no_child(world: World, superuser: Any) -> None:
    await furnish(superuser, await world.case())
    feed = await opened(world.worker_north)
    answer = await fetched(world, feed)
    (entry,) = await world.log(answer.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["status"]) == ("agenda.feed", "allowed", 200)
    assert entry["actor"]["id"] == str(WORKER)
    assert entry["child_id"] is entry["case_id"] is entry["record"] is None


async def test_what_is_not_alive_is_not_found_and_all_look_the_same(world: World, superuser: Any) -> None:
    me = world.worker_north
    revoked, left, changed = (
        await opened(me),
        await opened(world.worker_north_2),
        await opened(world.worker_south),
    )
    assert (await me.request("DELETE", f"{FEEDS}/{revoked['id']}")).status_code == 204
    await superuser.execute("UPDATE users SET is_active = false WHERE id = $1", world.worker_north_2.id)
    await superuser.execute(
        "UPDATE users SET roles = '{finance_officer}' WHERE id = $1", world.worker_south.id
    )
    unknown = {"url": f"/v1/calendar/{'A' * 43}.ics"}
    outcomes = {
        "revoked": "unauthenticated",
        "left": "unauthenticated",
        "changed": "forbidden",
        "unknown": "unauthenticated",
    }
    bodies = []
    for name, feed in {"revoked": revoked, "left": left, "changed": changed, "unknown": unknown}.items():
        answer = await fetched(world, feed)
        assert answer.status_code == 404, name
        assert answer.headers["content-type"] == "application/problem+json"
        bodies.append({k: v for k, v in answer.json().items() if k not in {"instance", "request_id"}})
        (entry,) = await world.log(answer.headers["x-request-id"])
        assert (entry["outcome"], entry["status"], entry["act"]) == (outcomes[name], 404, "agenda.feed")
    assert all(body == bodies[0] for body in bodies)
    for odd in ("x", "%20", "a" * 3000, str(uuid.uuid4()), "ដ"):
        assert (await world.http.get(f"/v1/calendar/{odd}.ics")).status_code == 404, odd
    assert (await me.request("DELETE", f"{FEEDS}/{revoked['id']}")).status_code == 404


async def test_feeds_are_ones_own(world: World) -> None:
    feed = await opened(world.worker_north)
    assert done(await world.worker_north_2.get(FEEDS))["items"] == []
    assert (await world.worker_north_2.request("DELETE", f"{FEEDS}/{feed['id']}")).status_code == 404
    assert (await fetched(world, feed)).status_code == 200
    for closed in (world.finance, world.dpo, world.admin, world.partner_one):
        assert (await closed.post(FEEDS, {"name": "x"})).status_code == 403, closed.name
        assert (await closed.get(FEEDS)).status_code == 403, closed.name
    stale = Caller("worker_north", world.http, token_of("worker_north", auth_time=1))
    assert (await stale.post(FEEDS, {"name": "x"})).json()["type"].endswith("step-up-required")
    for wrong in (
        {},
        {"name": " "},
        {"name": "x", "language": "fr"},
        {"name": "x" * 201},
        {"name": "x", "token": "mine"},
    ):
        assert (await world.worker_north.post(FEEDS, wrong)).status_code == 422, wrong


async def test_a_retry_gives_the_same_address_and_a_taken_id_is_told(world: World) -> None:
    key, chosen = uuid.uuid4().hex, str(uuid.uuid4())
    body = {"id": chosen, "name": "Tablet"}
    first, again = [await world.worker_north.post(FEEDS, body, key=key) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (await world.worker_north_2.post(FEEDS, body)).status_code == 409
    assert len(done(await world.worker_north.get(FEEDS))["items"]) == 1


async def test_there_are_never_more_feeds_than_ten_whatever_happens_at_once(world: World) -> None:
    me = world.worker_north
    for _ in range(MAX_ACTIVE_FEEDS - 2):
        await opened(me)
    answers = await asyncio.gather(*(me.post(FEEDS, {"name": f"n{n}"}) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert [fault["code"] for fault in refused.json()["unmet"]] == ["too_many"]
    feeds = done(await me.get(FEEDS))["items"]
    assert len(feeds) == MAX_ACTIVE_FEEDS
    await me.request("DELETE", f"{FEEDS}/{feeds[0]['id']}")
    await opened(me)


async def test_the_token_stands_in_no_log(
    world: World, superuser: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = await opened(world.worker_north)
    token = feed["url"].rpartition("/")[2].removesuffix(".ics")
    capsys.readouterr()
    assert (await fetched(world, feed)).status_code == 200
    await world.worker_north.request("DELETE", f"{FEEDS}/{feed['id']}")
    assert (await fetched(world, feed)).status_code == 404
    lines = capsys.readouterr().out
    assert lines.count('"route":"/v1/calendar/{token}.ics"') == 2
    assert token not in lines
    for table in ("access_events", "access_entries", "sign_in_attempts"):
        assert token not in str(await superuser.fetch(f"SELECT * FROM {table}")), table  # noqa: S608


async def test_who_tries_addresses_is_slowed_down(world: World) -> None:
    feed = await opened(world.worker_north)
    for _ in range(60):  # who has a good address may come as often as they like
        assert (await fetched(world, feed)).status_code == 200
    statuses = [(await world.http.get(f"/v1/calendar/{uuid.uuid4()}.ics")).status_code for _ in range(51)]
    assert statuses == [404] * 50 + [429]
    refused = await world.http.get(f"/v1/calendar/{uuid.uuid4()}.ics")
    assert int(refused.headers["retry-after"]) >= 1
    (entry,) = await world.log(refused.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["status"]) == ("agenda.feed", "refused", 429)


async def test_a_feed_costs_the_same_for_many_entries_and_shows_what_its_owner_sees_today(
    world: World, superuser: Any
) -> None:
    case = await world.case()
    await furnish(superuser, case)
    feed = await opened(world.worker_north)
    assert len(events(await fetched(world, feed))) == 7
    staff = {"lead_worker_id": str(world.worker_north_2.id), "co_worker_ids": []}
    done(await world.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    assert events(await fetched(world, feed)) == [], "taken off the case"


def test_every_kind_has_its_word_and_no_word_its_secret() -> None:
    for words in EVENT_TITLES.values():
        assert set(words) == set(get_codes("agenda_kind"))
        assert words["session"] == words["legal_step"], "a stranger must not tell them apart"
    assert set(EVENT_TITLES) == set(CALENDAR_NAMES) == {"en", "km"}


@given(st.text(max_size=300))
def test_folding_is_undone_by_unfolding_and_keeps_lines_short(text: str) -> None:
    line = escape_text(text)
    assert "\n" not in line
    assert "\r" not in line
    result = fold_line(line)
    assert all(len(part.encode("utf-8", "surrogatepass")) <= 75 for part in result.split("\r\n"))
    assert result.replace("\r\n ", "") == line


def test_a_calendar_without_entries_is_a_calendar() -> None:
    text = render_icalendar("Agenda", [], datetime(2026, 11, 22, tzinfo=UTC), "en", timedelta(hours=1))
    assert text.splitlines() == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Agenda//EN", "CALSCALE:GREGORIAN", "NAME:Agenda",
        "X-WR-CALNAME:Agenda", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H", "END:VCALENDAR",
    ]  # fmt: skip
    event = CalendarEvent("u", "a, b; c\\d", today(), None)
    assert "SUMMARY:a\\, b\\; c\\\\d\r\n" in render_icalendar(
        "x", [event], datetime.now(UTC), "en", timedelta(hours=1)
    )
