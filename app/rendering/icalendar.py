"""Write calendars in the iCalendar format (RFC 5545)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

MAX_LINE_OCTETS = 75
"""Maximum length of a content line in octets, without the line break (section 3.1)."""


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """A calendar entry, either for a whole day or with a start time and a duration."""

    uid: str
    """Identifier that never changes, by which calendar programs recognise an entry."""
    title: str
    starts_on: date
    starts_at: datetime | None
    """Start time; None for an entry that lasts the whole day."""
    duration: timedelta = timedelta(hours=1)


def render_icalendar(
    name: str, events: Iterable[CalendarEvent], stamp: datetime, language: str, refresh: timedelta
) -> str:
    """Return a calendar as text.

    Args:
        name: display name of the calendar.
        events: the entries.
        stamp: creation time of the calendar (DTSTAMP).
        language: language tag of the calendar.
        refresh: interval at which programs should fetch the calendar again, in whole hours.
    """
    lines = [*_header_lines(name, language, refresh), *_event_lines(events, stamp), "END:VCALENDAR"]
    return "".join(f"{fold_line(line)}\r\n" for line in lines)


def fold_line(line: str) -> str:
    """Break a content line after at most 75 octets, but not inside a character (section 3.1)."""
    parts, part, octets = [], "", 0
    for character in line:
        character_octets = len(character.encode())
        if octets + character_octets > MAX_LINE_OCTETS:
            parts.append(part)
            part, octets = " ", 1
        part, octets = part + character, octets + character_octets
    return "\r\n".join([*parts, part])


def escape_text(text: str) -> str:
    """Escape a text for a property value (section 3.3.11)."""
    for character, escaped in (
        ("\\", "\\\\"),
        (";", "\\;"),
        (",", "\\,"),
        ("\r\n", "\\n"),
        ("\n", "\\n"),
        ("\r", "\\n"),
    ):
        text = text.replace(character, escaped)
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
    """Yield the lines with the times of an entry. During an entry for a whole day, the user does not appear busy."""
    if event.starts_at is None:
        # Not strftime("%Y"), which writes years before 1000 without leading zeros.
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
