"""The iCalendar writer."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.rendering.icalendar import CalendarEvent, render_icalendar


@pytest.mark.parametrize(("day", "expected"), [(date(1, 1, 1), "00010101"), (date(2027, 1, 31), "20270131")])
def test_date_has_eight_digits_in_any_year(day: date, expected: str) -> None:
    # Catches: the year without leading zeros (`10101`). Calendar programs reject such a date and then the whole feed.
    calendar = render_icalendar(
        "Agenda", [CalendarEvent("1", "Task", day, None)], datetime.now(UTC), "en", timedelta(hours=1)
    )
    assert f"DTSTART;VALUE=DATE:{expected}\r\n" in calendar
