"""Tests of calendar feeds: neutral content, secret addresses, revocation and limits."""

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
from icalendar import vText

from app.kit.dates import add_months, today
from app.models import SupportSession
from app.rendering.icalendar import CalendarEvent, render_icalendar
from app.schemas.codes import get_codes
from app.services.agenda.calendar_feeds import CALENDAR_NAMES, EVENT_TITLES, MAX_ACTIVE_FEEDS
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
    settle_case,
)
from tests.support.scenario import AuthenticatedClient, Scenario, access_token_of


def unfold_lines(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def parse_events(response: httpx.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    parsed: list[dict[str, str]] = []
    for line in unfold_lines(response.text):
        if line == "BEGIN:VEVENT":
            parsed.append({})
        elif parsed and ":" in line:
            name, _, value = line.partition(":")
            parsed[-1].setdefault(name, value)
    return parsed


async def test_feed_contains_times_and_neutral_titles(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    response = await fetch_feed(scenario, await create_feed(scenario.worker_north))
    assert response.headers["content-type"] == "text/calendar; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    events = parse_events(response)
    assert [event["SUMMARY"] for event in events] == [
        "Review", "Call back", "Appointment", "Task", "Call back", "Appointment", "Call back"
    ]  # fmt: skip
    assert events[0]["DTSTART;VALUE=DATE"] == f"{date_in_days(-3):%Y%m%d}"
    assert events[2]["DTSTART"] == f"{date_in_days(1):%Y%m%d}T020000Z", "9:00 in Cambodia"
    assert events[2]["DTEND"] == f"{date_in_days(1):%Y%m%d}T030000Z"
    assert {event["CLASS"] for event in events} == {"PRIVATE"}


async def test_feed_contains_no_names_ids_or_sensitive_words(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    response = await fetch_feed(scenario, await create_feed(scenario.worker_north))
    text = "\n".join(unfold_lines(response.text)).casefold()
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
    properties = {re.split("[:;]", line)[0] for line in unfold_lines(response.text) if line}
    assert properties == {
        "BEGIN", "VERSION", "PRODID", "CALSCALE", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL",
        "UID", "DTSTAMP", "DTSTART", "DTEND", "TRANSP", "SUMMARY", "CLASS", "END",
    }  # fmt: skip


async def test_feed_contains_each_milestone_once_with_a_stable_uid(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Each milestone within the 120 days of the feed is an event with an id of its own.
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    await backdate_case_opening(superuser_connection, case, 20, status="active")
    feed = await create_feed(scenario.worker_north)
    first_fetch, second_fetch = [
        [
            (event["UID"], event["DTSTART;VALUE=DATE"])
            for event in parse_events(await fetch_feed(scenario, feed))
        ]
        for _ in range(2)
    ]
    days = [add_months(add_months(today(), -20), months) for months in (18, 21, 24)]
    assert [day for _, day in first_fetch] == [f"{day:%Y%m%d}" for day in days if day <= date_in_days(120)]
    assert len({uid for uid, _ in first_fetch}) == len(first_fetch) >= 2
    assert first_fetch == second_fetch


async def test_khmer_feed_is_valid_icalendar(scenario: Scenario, superuser_connection: Any) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    response = await fetch_feed(scenario, await create_feed(scenario.worker_north, language="km"))
    assert "ការណាត់ជួប" in {event["SUMMARY"] for event in parse_events(response)}
    raw = response.content
    assert raw.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    assert (
        raw.count(b"BEGIN:VEVENT") == raw.count(b"UID:") == raw.count(b"DTSTAMP:") == raw.count(b"END:VEVENT")
    )


async def test_event_keeps_its_uid_when_its_time_changes(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    planned_session: dict[str, Any] = {"kind": "therapy", "worker_id": WORKER_ID, "author_id": WORKER_ID}
    session = await insert_row(
        superuser_connection,
        SupportSession(
            **case_foreign_keys(case), planned_at=local_datetime(date_in_days(2)), **planned_session
        ),
    )
    feed = await create_feed(scenario.worker_north)
    (before,) = parse_events(await fetch_feed(scenario, feed))
    await superuser_connection.execute(
        "UPDATE support_sessions SET planned_at = $1 WHERE id = $2",
        local_datetime(date_in_days(3)),
        session.id,
    )
    await insert_row(
        superuser_connection,
        SupportSession(
            **case_foreign_keys(case), planned_at=local_datetime(date_in_days(1)), **planned_session
        ),
    )
    first, second = parse_events(await fetch_feed(scenario, feed))
    assert second["UID"] == before["UID"] != first["UID"]
    assert second["DTSTART"] == f"{date_in_days(3):%Y%m%d}T020000Z"


async def test_feed_address_is_returned_once_and_stored_as_digest(
    scenario: Scenario, superuser_connection: Any
) -> None:
    worker = scenario.worker_north
    feed = await create_feed(worker)
    token = re.fullmatch(r"http://testserver/v1/calendar/([A-Za-z0-9_-]{43})\.ics", feed["url"])
    assert token
    response = await worker.get(FEEDS_PATH)
    (item,) = expect_json(response)["items"]
    assert item == {key: feed[key] for key in ("id", "name", "language", "created_at")} | {
        "last_read_at": None
    }
    row = dict(await superuser_connection.fetchrow("SELECT * FROM calendar_feeds"))
    assert row["token_digest"] == hashlib.sha256(token[1].encode()).digest()
    assert token[1] not in str(row)
    await fetch_feed(scenario, feed)
    assert expect_json(await worker.get(FEEDS_PATH))["items"][0]["last_read_at"] is not None


async def test_fetch_is_logged_for_the_owner_without_a_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await insert_due_records(superuser_connection, await scenario.open_case())
    feed = await create_feed(scenario.worker_north)
    response = await fetch_feed(scenario, feed)
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["status"]) == ("agenda.feed", "allowed", 200)
    assert entry["actor"]["id"] == str(WORKER_ID)
    assert entry["child_id"] is entry["case_id"] is entry["record"] is None


async def test_unusable_feeds_return_the_same_404(scenario: Scenario, superuser_connection: Any) -> None:
    worker = scenario.worker_north
    revoked, inactive_owner, owner_without_permission = (
        await create_feed(worker),
        await create_feed(scenario.worker_north_2),
        await create_feed(scenario.worker_south),
    )
    assert (await worker.request("DELETE", f"{FEEDS_PATH}/{revoked['id']}")).status_code == 204
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", scenario.worker_north_2.id
    )
    await superuser_connection.execute(
        "UPDATE users SET roles = '{finance_officer}' WHERE id = $1", scenario.worker_south.id
    )
    unknown = {"url": f"/v1/calendar/{'A' * 43}.ics"}
    outcomes = {
        "revoked": "unauthenticated",
        "inactive owner": "unauthenticated",
        "owner without permission": "forbidden",
        "unknown": "unauthenticated",
    }
    bodies = []
    feeds = (revoked, inactive_owner, owner_without_permission, unknown)
    for (name, outcome), feed in zip(outcomes.items(), feeds, strict=True):
        response = await fetch_feed(scenario, feed)
        assert response.status_code == 404, name
        assert response.headers["content-type"] == "application/problem+json"
        bodies.append({k: v for k, v in response.json().items() if k not in {"instance", "request_id"}})
        (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
        assert (entry["outcome"], entry["status"], entry["act"]) == (outcome, 404, "agenda.feed")
    assert all(body == bodies[0] for body in bodies)
    for token in ("x", "%20", "a" * 3000, str(uuid.uuid4()), "ដ"):
        assert (await scenario.http.get(f"/v1/calendar/{token}.ics")).status_code == 404, token
    assert (await worker.request("DELETE", f"{FEEDS_PATH}/{revoked['id']}")).status_code == 404


async def test_feeds_are_visible_to_and_revocable_by_their_owner_only(scenario: Scenario) -> None:
    feed = await create_feed(scenario.worker_north)
    assert expect_json(await scenario.worker_north_2.get(FEEDS_PATH))["items"] == []
    assert (await scenario.worker_north_2.request("DELETE", f"{FEEDS_PATH}/{feed['id']}")).status_code == 404
    assert (await fetch_feed(scenario, feed)).status_code == 200
    for caller in (scenario.finance, scenario.dpo, scenario.admin, scenario.partner_one):
        assert (await caller.post(FEEDS_PATH, {"name": "x"})).status_code == 403, caller.name
        assert (await caller.get(FEEDS_PATH)).status_code == 403, caller.name
    old_sign_in = AuthenticatedClient(
        "worker_north", scenario.http, access_token_of("worker_north", auth_time=1)
    )
    assert (await old_sign_in.post(FEEDS_PATH, {"name": "x"})).json()["type"].endswith("step-up-required")
    for invalid in (
        {},
        {"name": " "},
        {"name": "x", "language": "fr"},
        {"name": "x" * 201},
        {"name": "x", "token": "mine"},
    ):
        assert (await scenario.worker_north.post(FEEDS_PATH, invalid)).status_code == 422, invalid


async def test_retry_creates_no_second_feed_and_duplicate_id_is_409(scenario: Scenario) -> None:
    key, feed_id = uuid.uuid4().hex, str(uuid.uuid4())
    body = {"id": feed_id, "name": "Tablet"}
    first, retry = [await scenario.worker_north.post(FEEDS_PATH, body, key=key) for _ in range(2)]
    assert retry.json() == {**first.json(), "url": None}
    assert retry.headers["idempotent-replayed"] == "true"
    assert (await scenario.worker_north_2.post(FEEDS_PATH, body)).status_code == 409
    assert len(expect_json(await scenario.worker_north.get(FEEDS_PATH))["items"]) == 1


async def test_concurrent_requests_never_exceed_ten_active_feeds(scenario: Scenario) -> None:
    worker = scenario.worker_north
    for _ in range(MAX_ACTIVE_FEEDS - 2):
        await create_feed(worker)
    responses = await asyncio.gather(*(worker.post(FEEDS_PATH, {"name": f"n{n}"}) for n in range(4)))
    assert sorted(response.status_code for response in responses) == [201, 201, 409, 409]
    refused = next(response for response in responses if response.status_code == 409)
    assert [fault["code"] for fault in refused.json()["unmet"]] == ["too_many"]
    feeds = expect_json(await worker.get(FEEDS_PATH))["items"]
    assert len(feeds) == MAX_ACTIVE_FEEDS
    await worker.request("DELETE", f"{FEEDS_PATH}/{feeds[0]['id']}")
    await create_feed(worker)


async def test_feed_token_is_not_logged(
    scenario: Scenario, superuser_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = await create_feed(scenario.worker_north)
    token = feed["url"].rpartition("/")[2].removesuffix(".ics")
    capsys.readouterr()
    assert (await fetch_feed(scenario, feed)).status_code == 200
    await scenario.worker_north.request("DELETE", f"{FEEDS_PATH}/{feed['id']}")
    assert (await fetch_feed(scenario, feed)).status_code == 404
    log_output = capsys.readouterr().out
    assert log_output.count('"route":"/v1/calendar/{token}.ics"') == 2
    assert token not in log_output
    for table in ("access_events", "access_entries", "sign_in_attempts"):
        assert token not in str(await superuser_connection.fetch(f"SELECT * FROM {table}")), table  # noqa: S608


async def test_guessing_of_feed_tokens_is_throttled(scenario: Scenario) -> None:
    feed = await create_feed(scenario.worker_north)
    for _ in range(60):  # requests with a valid token are not throttled
        assert (await fetch_feed(scenario, feed)).status_code == 200
    statuses = [(await scenario.http.get(f"/v1/calendar/{uuid.uuid4()}.ics")).status_code for _ in range(51)]
    assert statuses == [404] * 50 + [429]
    refused = await scenario.http.get(f"/v1/calendar/{uuid.uuid4()}.ics")
    assert int(refused.headers["retry-after"]) >= 1
    (entry,) = await scenario.list_access_entries(refused.headers["x-request-id"])
    assert (entry["act"], entry["outcome"], entry["status"]) == ("agenda.feed", "refused", 429)


async def test_feed_shows_only_cases_that_its_owner_sees_today(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    feed = await create_feed(scenario.worker_north)
    assert len(parse_events(await fetch_feed(scenario, feed))) == 7
    staff = {"lead_worker_id": str(scenario.worker_north_2.id), "co_worker_ids": []}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    assert parse_events(await fetch_feed(scenario, feed)) == [], "the owner is no longer a worker of the case"


def test_every_agenda_kind_has_a_neutral_title() -> None:
    for titles in EVENT_TITLES.values():
        assert set(titles) == set(get_codes("agenda_kind"))
        assert titles["session"] == titles["legal_step"], "an outsider must not be able to distinguish them"
    assert set(EVENT_TITLES) == set(CALENDAR_NAMES) == {"en", "km"}


@given(st.text(max_size=300))
def test_folded_lines_are_short_and_unfold_to_the_original(text: str) -> None:
    line = vText(text).to_ical().decode()
    assert "\n" not in line
    assert "\r" not in line
    event = CalendarEvent("u", text, today(), None)
    result = render_icalendar("Agenda", [event], datetime.now(UTC), "en", timedelta(hours=1))
    assert all(len(part.encode("utf-8", "surrogatepass")) <= 75 for part in result.split("\r\n"))
    assert f"SUMMARY:{line}" in unfold_lines(result)


def test_calendar_without_events_is_valid() -> None:
    text = render_icalendar("Agenda", [], datetime(2026, 11, 22, tzinfo=UTC), "en", timedelta(hours=1))
    assert text.splitlines() == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Agenda//EN", "CALSCALE:GREGORIAN", "NAME:Agenda",
        "X-WR-CALNAME:Agenda", "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H", "END:VCALENDAR",
    ]  # fmt: skip
    event = CalendarEvent("u", "a, b; c\\d", today(), None)
    assert "SUMMARY:a\\, b\\; c\\\\d\r\n" in render_icalendar(
        "x", [event], datetime.now(UTC), "en", timedelta(hours=1)
    )
