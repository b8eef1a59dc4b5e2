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
from tests.support.calendar_feeds import FEEDS_PATH, create_feed, fetch_feed
from tests.support.responses import expect_json
from tests.support.row_factories import (
    WORKER_ID,
    backdate_case_opening,
    case_foreign_keys,
    date_in_days,
    insert_due_records,
    insert_row,
    local_datetime,
)
from tests.support.scenario import AuthenticatedClient, Scenario, access_token_of


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


async def test_a_feed_shows_when_and_one_neutral_word(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    answer = await fetch_feed(scenario, await create_feed(scenario.worker_north))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    shown = events(answer)
    assert [event["SUMMARY"] for event in shown] == [
        "Review", "Call back", "Appointment", "Task", "Call back", "Appointment", "Call back"
    ]  # fmt: skip
    assert shown[0]["DTSTART;VALUE=DATE"] == f"{date_in_days(-3):%Y%m%d}"
    assert shown[2]["DTSTART"] == f"{date_in_days(1):%Y%m%d}T020000Z", "9 in Cambodia"
    assert shown[2]["DTEND"] == f"{date_in_days(1):%Y%m%d}T030000Z"
    assert {event["CLASS"] for event in shown} == {"PRIVATE"}


async def test_a_feed_tells_a_stranger_nothing(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    answer = await fetch_feed(scenario, await create_feed(scenario.worker_north))
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
            row = await superuser_connection.fetchval(query, uuid.UUID(identifier))
            assert row == 0, table
    properties = {re.split("[:;]", line)[0] for line in unfolded(answer.text) if line}
    assert properties == {
        "BEGIN", "VERSION", "PRODID", "CALSCALE", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL",
        "UID", "DTSTAMP", "DTSTART", "DTEND", "TRANSP", "SUMMARY", "CLASS", "END",
    }  # fmt: skip


async def test_every_milestone_ahead_is_in_the_feed_once_and_keeps_its_id(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Before: of the milestones within the feed's 120 days only the last; and all of a case had one id.
    case = await scenario.open_case()
    await backdate_case_opening(superuser_connection, case, 20)
    feed = await create_feed(scenario.worker_north)
    first, again = [
        [(event["UID"], event["DTSTART;VALUE=DATE"]) for event in events(await fetch_feed(scenario, feed))]
        for _ in range(2)
    ]
    days = [add_months(add_months(today(), -20), months) for months in (18, 21, 24)]
    assert [day for _, day in first] == [f"{day:%Y%m%d}" for day in days if day <= date_in_days(120)]
    assert len({uid for uid, _ in first}) == len(first) >= 2
    assert first == again


async def test_it_speaks_khmer_and_keeps_to_the_rules_of_the_format(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    answer = await fetch_feed(scenario, await create_feed(scenario.worker_north, language="km"))
    assert "ការណាត់ជួប" in {event["SUMMARY"] for event in events(answer)}
    raw = answer.content
    assert raw.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert (
        raw.count(b"BEGIN:VEVENT") == raw.count(b"UID:") == raw.count(b"DTSTAMP:") == raw.count(b"END:VEVENT")
    )


async def test_an_entry_keeps_its_uid_when_it_moves(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    planned: dict[str, Any] = {"kind": "therapy", "worker_id": WORKER_ID, "author_id": WORKER_ID}
    session = await insert_row(
        superuser_connection,
        SupportSession(**case_foreign_keys(case), planned_at=local_datetime(date_in_days(2)), **planned),
    )
    feed = await create_feed(scenario.worker_north)
    (before,) = events(await fetch_feed(scenario, feed))
    await superuser_connection.execute(
        "UPDATE support_sessions SET planned_at = $1 WHERE id = $2",
        local_datetime(date_in_days(3)),
        session.id,
    )
    await insert_row(
        superuser_connection,
        SupportSession(**case_foreign_keys(case), planned_at=local_datetime(date_in_days(1)), **planned),
    )
    first, second = events(await fetch_feed(scenario, feed))
    assert second["UID"] == before["UID"] != first["UID"]
    assert second["DTSTART"] == f"{date_in_days(3):%Y%m%d}T020000Z"


async def test_the_address_is_shown_once_and_only_its_digest_kept(
    scenario: Scenario, superuser_connection: Any
) -> None:
    me = scenario.worker_north
    feed = await create_feed(me)
    token = re.fullmatch(r"http://testserver/v1/calendar/([A-Za-z0-9_-]{43})\.ics", feed["url"])
    assert token
    listed = await me.get(FEEDS_PATH)
    (item,) = expect_json(listed)["items"]
    assert item == {key: feed[key] for key in ("id", "name", "language", "created_at")} | {
        "last_read_at": None
    }
    row = dict(await superuser_connection.fetchrow("SELECT * FROM calendar_feeds"))
    assert row["token_digest"] == hashlib.sha256(token[1].encode()).digest()
    assert token[1] not in str(row)
    await fetch_feed(scenario, feed)
    assert expect_json(await me.get(FEEDS_PATH))["items"][0]["last_read_at"] is not None


async def test_fetching_leaves_an_event_of_the_owner_and_names_no_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await insert_due_records(superuser_connection, await scenario.open_case())
    feed = await create_feed(scenario.worker_north)
    answer = await fetch_feed(scenario, feed)
    (entry,) = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["status"]) == ("agenda.feed", "allowed", 200)
    assert entry["actor"]["id"] == str(WORKER_ID)
    assert entry["child_id"] is entry["case_id"] is entry["record"] is None


async def test_what_is_not_alive_is_not_found_and_all_look_the_same(
    scenario: Scenario, superuser_connection: Any
) -> None:
    me = scenario.worker_north
    revoked, left, changed = (
        await create_feed(me),
        await create_feed(scenario.worker_north_2),
        await create_feed(scenario.worker_south),
    )
    assert (await me.request("DELETE", f"{FEEDS_PATH}/{revoked['id']}")).status_code == 204
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", scenario.worker_north_2.id
    )
    await superuser_connection.execute(
        "UPDATE users SET roles = '{finance_officer}' WHERE id = $1", scenario.worker_south.id
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
        answer = await fetch_feed(scenario, feed)
        assert answer.status_code == 404, name
        assert answer.headers["content-type"] == "application/problem+json"
        bodies.append({k: v for k, v in answer.json().items() if k not in {"instance", "request_id"}})
        (entry,) = await scenario.list_access_entries(answer.headers["x-request-id"])
        assert (entry["outcome"], entry["status"], entry["act"]) == (outcomes[name], 404, "agenda.feed")
    assert all(body == bodies[0] for body in bodies)
    for odd in ("x", "%20", "a" * 3000, str(uuid.uuid4()), "ដ"):
        assert (await scenario.http.get(f"/v1/calendar/{odd}.ics")).status_code == 404, odd
    assert (await me.request("DELETE", f"{FEEDS_PATH}/{revoked['id']}")).status_code == 404


async def test_feeds_are_ones_own(scenario: Scenario) -> None:
    feed = await create_feed(scenario.worker_north)
    assert expect_json(await scenario.worker_north_2.get(FEEDS_PATH))["items"] == []
    assert (await scenario.worker_north_2.request("DELETE", f"{FEEDS_PATH}/{feed['id']}")).status_code == 404
    assert (await fetch_feed(scenario, feed)).status_code == 200
    for closed in (scenario.finance, scenario.dpo, scenario.admin, scenario.partner_one):
        assert (await closed.post(FEEDS_PATH, {"name": "x"})).status_code == 403, closed.name
        assert (await closed.get(FEEDS_PATH)).status_code == 403, closed.name
    stale = AuthenticatedClient("worker_north", scenario.http, access_token_of("worker_north", auth_time=1))
    assert (await stale.post(FEEDS_PATH, {"name": "x"})).json()["type"].endswith("step-up-required")
    for wrong in (
        {},
        {"name": " "},
        {"name": "x", "language": "fr"},
        {"name": "x" * 201},
        {"name": "x", "token": "mine"},
    ):
        assert (await scenario.worker_north.post(FEEDS_PATH, wrong)).status_code == 422, wrong


async def test_a_retry_gives_the_same_address_and_a_taken_id_is_told(scenario: Scenario) -> None:
    key, chosen = uuid.uuid4().hex, str(uuid.uuid4())
    body = {"id": chosen, "name": "Tablet"}
    first, again = [await scenario.worker_north.post(FEEDS_PATH, body, key=key) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (await scenario.worker_north_2.post(FEEDS_PATH, body)).status_code == 409
    assert len(expect_json(await scenario.worker_north.get(FEEDS_PATH))["items"]) == 1


async def test_there_are_never_more_feeds_than_ten_whatever_happens_at_once(scenario: Scenario) -> None:
    me = scenario.worker_north
    for _ in range(MAX_ACTIVE_FEEDS - 2):
        await create_feed(me)
    answers = await asyncio.gather(*(me.post(FEEDS_PATH, {"name": f"n{n}"}) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert [fault["code"] for fault in refused.json()["unmet"]] == ["too_many"]
    feeds = expect_json(await me.get(FEEDS_PATH))["items"]
    assert len(feeds) == MAX_ACTIVE_FEEDS
    await me.request("DELETE", f"{FEEDS_PATH}/{feeds[0]['id']}")
    await create_feed(me)


async def test_the_token_stands_in_no_log(
    scenario: Scenario, superuser_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = await create_feed(scenario.worker_north)
    token = feed["url"].rpartition("/")[2].removesuffix(".ics")
    capsys.readouterr()
    assert (await fetch_feed(scenario, feed)).status_code == 200
    await scenario.worker_north.request("DELETE", f"{FEEDS_PATH}/{feed['id']}")
    assert (await fetch_feed(scenario, feed)).status_code == 404
    lines = capsys.readouterr().out
    assert lines.count('"route":"/v1/calendar/{token}.ics"') == 2
    assert token not in lines
    for table in ("access_events", "access_entries", "sign_in_attempts"):
        assert token not in str(await superuser_connection.fetch(f"SELECT * FROM {table}")), table  # noqa: S608


async def test_who_tries_addresses_is_slowed_down(scenario: Scenario) -> None:
    feed = await create_feed(scenario.worker_north)
    for _ in range(60):  # who has a good address may come as often as they like
        assert (await fetch_feed(scenario, feed)).status_code == 200
    statuses = [(await scenario.http.get(f"/v1/calendar/{uuid.uuid4()}.ics")).status_code for _ in range(51)]
    assert statuses == [404] * 50 + [429]
    refused = await scenario.http.get(f"/v1/calendar/{uuid.uuid4()}.ics")
    assert int(refused.headers["retry-after"]) >= 1
    (entry,) = await scenario.list_access_entries(refused.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["status"]) == ("agenda.feed", "refused", 429)


async def test_a_feed_costs_the_same_for_many_entries_and_shows_what_its_owner_sees_today(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    feed = await create_feed(scenario.worker_north)
    assert len(events(await fetch_feed(scenario, feed))) == 7
    staff = {"lead_worker_id": str(scenario.worker_north_2.id), "co_worker_ids": []}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    assert events(await fetch_feed(scenario, feed)) == [], "taken off the case"


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
