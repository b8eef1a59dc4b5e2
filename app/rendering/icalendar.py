"""Write calendars in the iCalendar format (RFC 5545), with the library `icalendar`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Event


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
        refresh: interval at which programs should fetch the calendar again.
    """
    from icalendar import Calendar, vDuration  # noqa: PLC0415 - a start does not need it, and its import is slow

    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", f"-//{name}//{language.upper()}")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("NAME", name)
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", refresh, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(refresh))
    for event in events:
        calendar.add_component(_build_component(event, stamp.astimezone(UTC)))
    content: bytes = calendar.to_ical(sorted=False)  # in the order of the lines above
    return content.decode()


def _build_component(event: CalendarEvent, stamp: datetime) -> "Event":
    """Return the component of an entry. During an entry for a whole day, the user does not appear busy."""
    from icalendar import Event  # noqa: PLC0415 - see above

    component = Event()
    component.add("UID", event.uid)
    component.add("DTSTAMP", stamp)
    if event.starts_at is None:
        component.add("DTSTART", event.starts_on)
        component.add("TRANSP", "TRANSPARENT")
    else:
        component.add("DTSTART", event.starts_at.astimezone(UTC))
        component.add("DTEND", (event.starts_at + event.duration).astimezone(UTC))
    component.add("SUMMARY", event.title)
    component.add("CLASS", "PRIVATE")
    return component
