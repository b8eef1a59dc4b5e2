"""Writing calendars as phones and mail programs read them (RFC 5545)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

LONGEST_LINE = 75
"""Octets of a content line without its end (section 3.1)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: on a day, or from a moment on for some time."""

    uid: str
    """The same whenever the entry is written, so that calendars recognise it."""
    title: str
    on: date
    at: datetime | None
    lasts: timedelta = timedelta(hours=1)


def written(name: str, events: Iterable[Event], stamp: datetime, language: str, refresh: timedelta) -> str:
    """Return a calendar as text; `stamp` is when it was made, `refresh` how often to look again, in whole hours."""
    lines = [*_head(name, language, refresh), *_body(events, stamp), "END:VCALENDAR"]
    return "".join(f"{folded(line)}\r\n" for line in lines)


def folded(line: str) -> str:
    """Fold a content line after at most 75 octets, never inside a character (section 3.1)."""
    parts, part, size = [], "", 0
    for character in line:
        width = len(character.encode())
        if size + width > LONGEST_LINE:
            parts.append(part)
            part, size = " ", 1
        part, size = part + character, size + width
    return "\r\n".join([*parts, part])


def escaped(text: str) -> str:
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


def _head(name: str, language: str, refresh: timedelta) -> Iterator[str]:
    hours = int(refresh.total_seconds() // 3600)
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{escaped(name)}//{language.upper()}")
    yield from ("CALSCALE:GREGORIAN", f"NAME:{escaped(name)}", f"X-WR-CALNAME:{escaped(name)}")
    yield from (f"REFRESH-INTERVAL;VALUE=DURATION:PT{hours}H", f"X-PUBLISHED-TTL:PT{hours}H")


def _body(events: Iterable[Event], stamp: datetime) -> Iterator[str]:
    for event in events:
        yield from ("BEGIN:VEVENT", f"UID:{event.uid}", f"DTSTAMP:{_moment(stamp)}")
        yield from _when(event)
        yield from (f"SUMMARY:{escaped(event.title)}", "CLASS:PRIVATE", "END:VEVENT")


def _when(event: Event) -> Iterator[str]:
    """A day without a time does not block the calendar of who has it."""
    if event.at is None:
        # Not `%Y`: it writes a year before 1000 with fewer digits, and no calendar reads such a day.
        yield from (f"DTSTART;VALUE=DATE:{event.on.isoformat().replace('-', '')}", "TRANSP:TRANSPARENT")
    else:
        yield from (f"DTSTART:{_moment(event.at)}", f"DTEND:{_moment(event.at + event.lasts)}")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
