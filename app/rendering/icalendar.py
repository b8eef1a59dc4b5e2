"""Writing calendars as phones and mail programs read them (RFC 5545)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

MAX_LINE_OCTETS = 75
"""Octets of a content line without its end (section 3.1)."""


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One entry: on a day, or from a moment on for some time."""

    uid: str
    """The same whenever the entry is written, so that calendars recognise it."""
    title: str
    starts_on: date
    starts_at: datetime | None
    duration: timedelta = timedelta(hours=1)


def render_icalendar(
    name: str, events: Iterable[CalendarEvent], stamp: datetime, language: str, refresh: timedelta
) -> str:
    """Return a calendar as text; `stamp` is when it was made, `refresh` how often to look again, in whole hours."""
    lines = [*_header_lines(name, language, refresh), *_event_lines(events, stamp), "END:VCALENDAR"]
    return "".join(f"{fold_line(line)}\r\n" for line in lines)


def fold_line(line: str) -> str:
    """Fold a content line after at most 75 octets, never inside a character (section 3.1)."""
    parts, part, size = [], "", 0
    for character in line:
        width = len(character.encode())
        if size + width > MAX_LINE_OCTETS:
            parts.append(part)
            part, size = " ", 1
        part, size = part + character, size + width
    return "\r\n".join([*parts, part])


def escape_text(text: str) -> str:
    """Return a text as a value (section 3.3.11)."""
    for plain, safe in (
        ("\\", "\\\\"),
        (";", "\\;"),
        (",", "\\,"),
        ("\r\n", "\\n"),
        ("\n", "\\n"),
        ("\r", "\\n"),
    ):
        text = text.replace(plain, safe)
    return text


def _header_lines(name: str, language: str, refresh: timedelta) -> Iterator[str]:
    hours = int(refresh.total_seconds() // 3600)
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{escape_text(name)}//{language.upper()}")
    yield from ("CALSCALE:GREGORIAN", f"NAME:{escape_text(name)}", f"X-WR-CALNAME:{escape_text(name)}")
    yield from (f"REFRESH-INTERVAL;VALUE=DURATION:PT{hours}H", f"X-PUBLISHED-TTL:PT{hours}H")


def _event_lines(events: Iterable[CalendarEvent], stamp: datetime) -> Iterator[str]:
    for event in events:
        yield from ("BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{_format_timestamp(stamp)}")
        yield from _time_lines(event)
        yield from (f"SUMMARY:{escape_text(event.title)}", "CLASS:PRIVATE", "END:VEVENT")


def _time_lines(event: CalendarEvent) -> Iterator[str]:
    """A day without a time does not block the calendar of who has it."""
    if event.starts_at is None:
        # Not `%Y`: it writes a year before 1000 with fewer digits, and no calendar reads such a day.
        yield from (
            f"DTSTART;VALUE=DATE:{event.starts_on.isoformat().replace('-', '')}",
            "TRANSP:TRANSPARENT",
        )
    else:
        yield from (
            f"DTSTART:{_format_timestamp(event.starts_at)}",
            f"DTEND:{_format_timestamp(event.starts_at + event.duration)}",
        )


def _format_timestamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
