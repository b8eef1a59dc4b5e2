"""Calendars as RFC 5545 asks for them, whatever the day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.rendering.icalendar import CalendarEvent, render_icalendar


@pytest.mark.parametrize(("on", "told"), [(date(1, 1, 1), "00010101"), (date(2027, 1, 31), "20270131")])
def test_a_day_has_eight_digits_in_any_year(on: date, told: str) -> None:
    # Before: `10101`, a day that no calendar reads: one wrong year in a plan, and the phone shows nothing any more.
    calendar = render_icalendar(
        "Agenda", [CalendarEvent("1", "Task", on, None)], datetime.now(UTC), "en", timedelta(hours=1)
    )
    assert f"DTSTART;VALUE=DATE:{told}\r\n" in calendar
