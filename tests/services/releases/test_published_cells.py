"""The cells of released tables: equal margins, percentages of rounded counts, medians, and periods."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.models.record import freeze_time
from app.services.releases.counts import ReportCounts
from app.services.releases.menu_reports import MENU, TABLES
from app.services.releases.periods import ReleasePeriod, list_latest_closed_periods
from app.services.releases.published_cells import (
    CellRounding,
    build_table_content,
    compute_percentage,
    compute_table_hash,
)
from app.services.releases.random_rounding import build_cell_label, round_randomly
from app.services.releases.release_audit import AuditedRelease, AuditedTable, find_tables_to_drop

KEY = b"a key of tests, always the same."
REPORT = MENU["first_contact_time"]
COUNTS: dict[tuple[str, ...], int] = {
    ("survivor", "12", "on_time"): 52,
    ("survivor", "17", "late"): 3,
    ("hsb", "12", "late"): 7,
}


def build_content(name: str, names: list[str], median: float | None = 6.0) -> dict[str, Any]:
    rounding = CellRounding(REPORT, "2025-Q2", ReportCounts({"2025-Q2": COUNTS}, median), KEY)
    return build_table_content(REPORT, TABLES[name], rounding, median, names)


def get_cell(content: dict[str, Any], *values: str) -> dict[str, Any]:
    (cell,) = (cell for cell in content["cells"] if cell["values"] == list(values))
    return cell  # type: ignore[no-any-return]


def test_cell_has_the_same_count_in_every_table() -> None:
    label = build_cell_label("first_contact_time", "2025-Q2", {"kind": "survivor"})
    content = build_content("first_contact_time_by_kind", ["first_contact_time_by_kind"])
    assert get_cell(content, "survivor")["count"] == round_randomly(55, label, KEY)
    assert get_cell(content, "both")["count"] == 0


def test_percentage_is_computed_from_published_counts_and_needs_a_denominator_of_20() -> None:
    names = ["first_contact_time_by_kind", "first_contact_time_by_kind_and_timeliness"]
    kinds, content = (build_content(name, names) for name in names)
    on_time, whole = get_cell(content, "survivor", "on_time"), get_cell(kinds, "survivor")["count"]
    assert on_time["percentage"] == min(100, round(100 * on_time["count"] / whole))
    assert get_cell(content, "hsb", "late")["percentage"] is None
    alone = build_content(names[1], names[1:])
    assert get_cell(alone, "survivor", "on_time")["percentage"] is None


@pytest.mark.parametrize(
    ("count", "whole", "expected"), [(5, 15, None), (5, 20, 25), (25, 20, 100), (0, 40, 0)]
)
def test_percentage_is_whole_and_at_most_100(count: int, whole: int, expected: int | None) -> None:
    assert compute_percentage(count, whole) == expected


def test_tables_by_dimensions_have_no_median() -> None:
    assert build_content("first_contact_time", [])["median"] == 6.0
    assert build_content("first_contact_time_by_kind", [])["median"] is None


def test_hash_depends_on_period_edition_and_counts() -> None:
    table, content = TABLES["first_contact_time"], build_content("first_contact_time", [])
    changed = {**content, "cells": [{"values": [], "count": 5, "percentage": None}]}
    hashes = {
        compute_table_hash(table, *arguments)
        for arguments in (("2025-Q2", 1, content), ("2025-Q3", 1, content), ("2025-Q2", 2, content), ("2025-Q2", 1, changed))
    }  # fmt: skip
    assert len(hashes) == 4
    assert compute_table_hash(table, "2025-Q2", 1, content) in hashes


def build_release(name: str, period: str, totals: dict[str, int], published: int) -> AuditedRelease:
    """Return a release with the total of the reviews. All reviews are late."""
    counts: dict[str, dict[tuple[str, ...], int]] = {
        quarter: {("late",): number} for quarter, number in totals.items()
    }
    cell = {"values": [], "count": published, "percentage": None}
    return AuditedRelease(
        name, period, ("timeliness",), counts, [AuditedTable("reviews_on_time", (), [cell])]
    )


def test_audit_of_a_year_includes_the_published_quarters() -> None:
    quarters = [f"2025-Q{number}" for number in (1, 2, 3, 4)]
    published = [build_release(quarter, quarter, {quarter: 4}, 0) for quarter in quarters]
    revealing = build_release("year", "2025", dict.fromkeys(quarters, 4), 20)
    assert find_tables_to_drop(MENU["reviews_on_time"], revealing, published) == ["reviews_on_time"]
    harmless = build_release("year", "2025", dict.fromkeys(quarters, 4), 15)
    assert find_tables_to_drop(MENU["reviews_on_time"], harmless, published) == []
    assert find_tables_to_drop(MENU["reviews_on_time"], revealing, published[:3]) == []


def test_audit_that_does_not_end_in_time_drops_all_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    release = build_release("quarter", "2025-Q1", {"2025-Q1": 4}, 0)
    assert find_tables_to_drop(MENU["reviews_on_time"], release, []) == []
    monkeypatch.setattr("app.services.releases.release_audit.AUDIT_SECONDS", 0.0)
    assert find_tables_to_drop(MENU["reviews_on_time"], release, []) == ["reviews_on_time"]


@pytest.mark.parametrize(
    ("name", "first_day", "last_day"),
    [
        ("2024-Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2024-Q4", date(2024, 10, 1), date(2024, 12, 31)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_period_begins_and_ends_with_calendar_months(name: str, first_day: date, last_day: date) -> None:
    period = ReleasePeriod.parse(name)
    assert (str(period), period.first_day, period.last_day) == (name, first_day, last_day)


@pytest.mark.parametrize("name", ["2024-Q5", "2024-q1", "1999", "24-Q1", "2024-Q1 ", "២០២៤"])
def test_period_with_another_form_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match="A period is"):
        ReleasePeriod.parse(name)


@pytest.mark.parametrize(
    ("day", "latest"),
    [
        (date(2026, 3, 31), ["2025-Q4", "2025"]),
        (date(2026, 4, 1), ["2026-Q1", "2025"]),
        (date(2026, 1, 1), ["2025-Q4", "2025"]),
    ],
)
def test_period_is_closed_on_the_day_after_its_last_day(day: date, latest: list[str]) -> None:
    with freeze_time(datetime(day.year, day.month, day.day, 5, tzinfo=UTC)):
        assert list(list_latest_closed_periods()) == latest
        assert ReleasePeriod.parse("2026-Q1").is_closed() == (day == date(2026, 4, 1))
        assert not ReleasePeriod.parse("2025-Q4").is_closed(follow_up_days=91)
