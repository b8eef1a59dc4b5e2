"""Days, times and codes of generated caseloads. Many of them are at the edge of a period or of a day."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from app.schemas.codes import get_codes

TODAY = date(2026, 6, 15)
"""The day on which the reports of generated caseloads are read."""
FIRST_DAY, LAST_DAY = date(2026, 3, 1), date(2026, 3, 31)
EDGES = [
    date(2025, 3, 10), date(2025, 9, 1), date(2026, 1, 31), FIRST_DAY - timedelta(days=1), FIRST_DAY, FIRST_DAY + timedelta(days=1),
    date(2026, 3, 17), LAST_DAY - timedelta(days=1), LAST_DAY, LAST_DAY + timedelta(days=1), date(2026, 5, 1), TODAY,
]  # fmt: skip
"""Days before, at and after the edges of the period, and a day whose first year after ends in the period."""
DAYS = st.sampled_from(EDGES) | st.dates(date(2025, 6, 1), TODAY)
TIMES = st.sampled_from([time(0), time(16, 59, 59), time(17), time(17, 0, 1), time(9, 30)])
"""Times of day in UTC; the day in Cambodia begins at 17:00."""
MOMENTS = st.builds(lambda day, at: datetime.combine(day, at, UTC), DAYS, TIMES)


def codes(name: str) -> st.SearchStrategy[str]:
    """Draw a code of a list."""
    return st.sampled_from(get_codes(name))
