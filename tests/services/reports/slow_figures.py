"""A second computation of every report: in Python, row by row, from the rows of the tables.

It shares no code with the reports. `Rows` are the rows of the tables as PostgreSQL returns them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import combinations
from statistics import median
from typing import Any

Row = Mapping[str, Any]
Unit = dict[str, Any]
Figures = dict[str, Any]
CAMBODIA = timezone(timedelta(hours=7))


@dataclass(frozen=True)
class Rows:
    """The rows of all tables, and the day on which the reports are read."""

    tables: Mapping[str, Sequence[Row]]
    today: date
    grant_code: str | None = None
    """The grant to which the records are limited."""

    def __getattr__(self, table: str) -> Sequence[Row]:
        return self.tables[table]

    def cases(self) -> list[Unit]:
        """Return the cases that reports count, with the values of their dimensions."""
        children = {child["id"]: child for child in self.tables["children"]}
        return [
            {**case, "sex": children[case["child_id"]]["sex"], "age_band": get_age_band(case),
             "province": (case["province_code"] or "unknown")[:2] if case["province_code"] else "unknown",
             "team": str(case["team_id"])}
            for case in self.tables["cases"]
            if case["close_reason"] not in {"duplicate", "opened_in_error"}
            and self.grant_code in {None, case["grant_code"]}
        ]  # fmt: skip

    def referrals(self) -> list[Unit]:
        """Return the referrals that reports count, with the values of their dimensions."""
        grants = {case["id"]: case["grant_code"] for case in self.tables["cases"]}
        return [
            {**referral, "kind": referral["concern_kind"] or "unknown",
             "province": referral["province_code"][:2] if referral["province_code"] else "unknown",
             "team": str(referral["team_id"]) if referral["team_id"] else "unknown"}
            for referral in self.tables["referrals"]
            if referral["decline_reason_code"] != "duplicate"
            and self.grant_code in {None, grants.get(referral["case_id"])}
        ]  # fmt: skip

    def disbursements(self) -> list[Row]:
        """Return the disbursements that reports count."""
        grants = {fund["id"]: fund["grant_code"] for fund in self.tables["funds"]}
        return [
            row
            for row in self.tables["disbursements"]
            if self.grant_code in {None, grants.get(row["fund_id"])}
        ]


def get_age_band(case: Row) -> str:
    low, high = case["age_at_referral_min"], case["age_at_referral_max"]
    if low is None or high is None:
        return "unknown"
    bands = {_band_of(age) for age in (low, high)}
    return bands.pop() if len(bands) == 1 else "uncertain"


def _band_of(age: int) -> str:
    for first, last in ((5, 9), (10, 13), (14, 17)):
        if first <= age <= last:
            return f"from_{first}_to_{last}"
    return "outside"


def local_day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(CAMBODIA).date()


def is_open_at_end(unit: Unit, last_day: date) -> bool:
    return unit["opened_on"] <= last_day and not (unit["closed_on"] and unit["closed_on"] <= last_day)


def list_current_periods(rows: Rows, table: str, last_day: date) -> list[Row]:
    """Return the periods that contain the last moment of a day in Cambodia."""
    end = datetime(last_day.year, last_day.month, last_day.day, tzinfo=CAMBODIA) + timedelta(days=1)
    return [
        period
        for period in rows.tables[table]
        if period["began_at"] < end and (period["ended_at"] is None or period["ended_at"] >= end)
    ]


def share(part: int, whole: int) -> float | None:
    """Return a percentage, rounded half up to one decimal place."""
    if not whole:
        return None
    return round_half_up(Fraction(100 * part, whole))


def round_half_up(value: Fraction | float) -> float:
    """Return a number with one decimal place. A half is rounded away from zero."""
    if value < 0:
        return -round_half_up(-value)
    return float(Fraction(int(10 * Fraction(value) + Fraction(1, 2)), 10))


def count(units: Iterable[Unit], key: str, code: str | None) -> int:
    return sum(unit[key] == code for unit in units)


def count_codes(units: Sequence[Unit], key: str, codes: Iterable[str], prefix: str) -> Figures:
    """Return a figure per code, and the number of all other units as `unknown`."""
    figures = {prefix + code: count(units, key, code) for code in codes if code != "unknown"}
    return {**figures, prefix + "unknown": len(units) - sum(figures.values())}


def day_of(row: Row, column: str) -> date:
    """Return the local day of a point in time; a day far ahead if there is none."""
    return local_day(row[column]) or date.max


def group_by_case(rows: Iterable[Row]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["case_id"]].append(row)
    return groups


def valid_sessions(rows: Rows) -> list[Row]:
    return [session for session in rows.tables["support_sessions"] if session["entered_in_error_at"] is None]


def list_contacts_since(rows: Rows, case: Row) -> list[date]:
    """Return the days of the contacts in a case after its referral, or from the day of its opening without a referral."""
    referrals = {referral["id"]: referral for referral in rows.tables["referrals"]}
    referral = referrals.get(case["referral_id"])
    days = []
    for session in rows.tables["support_sessions"]:
        held_at = session["held_at"]
        if session["case_id"] != case["id"] or not is_contact(session) or held_at is None:
            continue
        day = held_at.astimezone(CAMBODIA)
        if referral is None:
            is_later = day.date() >= case["opened_on"]
        elif (day.hour, day.minute, day.second) == (0, 0, 0) and day.date() == day_of(
            referral, "received_at"
        ):
            is_later = max(held_at, session["recorded_at"]) > referral["received_at"]
        else:
            is_later = held_at > referral["received_at"]
        if is_later:
            days.append(day.date())
    return days


def is_contact(session: Row) -> bool:
    if session["status"] != "held" or session["entered_in_error_at"] is not None:
        return False
    if session["contact_with"]:
        return not {"child", "supporter", "family"}.isdisjoint(session["contact_with"])
    return bool(session["kind"] != "phone_call")


def get_target_days(rows: Rows, name: str) -> int:
    """Return the whole days of a target, rounded up."""
    hours: int = next(target["hours"] for target in rows.tables["targets"] if target["name"] == name)
    return (hours + 23) // 24


def mark_ripe(units: list[Unit], days: int, today: date) -> list[Unit]:
    return [{**unit, "ripe": unit["entered"] + timedelta(days=days) < today} for unit in units]


def middle(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return round_half_up(median(numbers)) if numbers else None


class SlowReport:
    """Computes one report: `list_units` of the period, and `compute` the figures of some of them."""

    def __init__(
        self,
        list_units: Callable[[Rows, date, date], list[Unit]],
        compute: Callable[[list[Unit]], Figures],
    ) -> None:
        self.list_units = list_units
        self.compute = compute

    def compute_groups(
        self, rows: Rows, first_day: date, last_day: date, by: Sequence[str]
    ) -> tuple[dict[tuple[str, ...], Figures], Figures]:
        """Return the figures of each group that has units, and of all units."""
        units = self.list_units(rows, first_day, last_day)
        groups: dict[tuple[str, ...], list[Unit]] = defaultdict(list)
        for unit in units:
            groups[tuple(unit[name] or "unknown" for name in by)].append(unit)
        return {group: self.compute(members) for group, members in groups.items()}, self.compute(units)


def list_groupings(dimensions: Sequence[str]) -> list[list[str]]:
    """Return no dimension, each one, and all pairs in alphabetical order."""
    names = sorted(dimensions)
    return [[], *([name] for name in names), *map(list, combinations(names, 2))]
