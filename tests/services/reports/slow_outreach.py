"""Slow computations of the reports about outreach activities, and of the report about feedback."""

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from app.schemas.codes import get_codes
from tests.services.reports.slow_figures import Figures, Rows, SlowReport, Unit, round_half_up

SEX = [f"sex_{code}" for code in get_codes("sex")]
AGE = [f"age_{code}" for code in get_codes("outreach_age_group")]
DISABILITY = ["disability_yes", "disability_no", "disability_unknown"]
STAFF_KINDS = ("training", "consultation", "coaching")


def list_activities(rows: Rows, first_day: date, last_day: date, kinds: Iterable[str]) -> list[Unit]:
    """Return the activities whose last day is in the period, each with its participants."""
    return [
        {
            **activity,
            "province": activity["place_code"][:2] if activity["place_code"] else None,
            "participants": [
                row for row in rows.tables["outreach_participants"] if row["activity_id"] == activity["id"]
            ],
        }
        for activity in rows.tables["outreach_activities"]
        if activity["entered_in_error_at"] is None
        and activity["kind"] in kinds
        and first_day <= (activity["ends_on"] or activity["starts_on"]) <= last_day
    ]


def list_kinds(*kinds: str) -> Callable[[Rows, date, date], list[Unit]]:
    return lambda rows, first_day, last_day: list_activities(rows, first_day, last_day, kinds)


def list_audiences(*kinds: str) -> Callable[[Rows, date, date], list[Unit]]:
    """Return a function that lists a unit per audience of an activity, and one for an activity without participants."""

    def list_units(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
        units = []
        for activity in list_activities(rows, first_day, last_day, kinds):
            audiences = activity["participants"]
            units += [{**activity, "audience": row["audience"], "participants": [row]} for row in audiences]
            if not audiences:
                units.append({**activity, "audience": None})
        return units

    return list_units


def count_persons(units: Iterable[Unit], columns: Iterable[str] = ()) -> Figures:
    units = list(units)
    people = [row for unit in units for row in unit["participants"]]
    return {
        "activities": len({unit["id"] for unit in units}),
        **{column: sum(row[column] for row in people) for column in ("persons", "attendances", *columns)},
    }


def compute_training(units: list[Unit]) -> Figures:
    compared = [unit for unit in units if unit["mean_before"] is not None and unit["mean_after"] is not None]
    before, after = get_mean(compared, "before"), get_mean(compared, "after")
    return {
        **count_persons(units, SEX),
        "compared": len(compared),
        "tested_before": sum(unit["tested_before"] or 0 for unit in units),
        "tested_after": sum(unit["tested_after"] or 0 for unit in units),
        "mean_before": None if before is None else round_half_up(before),
        "mean_after": None if after is None else round_half_up(after),
        "gain": None if before is None or after is None else round_half_up(after - before),
    }


def get_mean(units: list[Unit], test: str) -> Fraction | None:
    """Return the mean score in percent of the maximum, without rounding."""
    persons = sum(unit[f"tested_{test}"] for unit in units)
    points = [
        Fraction(str(unit[f"mean_{test}"])) / Fraction(str(unit["score_maximum"])) * unit[f"tested_{test}"]
        for unit in units
    ]
    return 100 * sum(points, Fraction()) / persons if persons else None


def compute_meetings(units: list[Unit]) -> Figures:
    return {**count_persons(units), "meetings": sum(unit["sessions"] for unit in units)}


def compute_dissemination(units: list[Unit]) -> Figures:
    return {
        **count_persons(units),
        "online": sum(unit["is_online"] for unit in units),
        "copies": sum(unit["copies"] or 0 for unit in units),
    }


def list_feedback(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    kinds = {case["id"]: case["kind"] for case in rows.cases()}
    return [
        {**row, "kind": kinds[row["case_id"]]}
        for row in rows.tables["feedback"]
        if row["case_id"] in kinds
        and row["entered_in_error_at"] is None
        and first_day <= row["given_on"] <= last_day
    ]


def compute_feedback(units: list[Unit]) -> Figures:
    figures: dict[str, Any] = {}
    for giver in ("child", "caregiver"):
        ratings = [unit["rating"] for unit in units if unit["given_by"] == giver]
        figures[giver] = len(ratings)
        figures |= {f"{giver}_{rating}": ratings.count(rating) for rating in range(1, 6)}
        figures[f"{giver}_mean"] = round_half_up(Fraction(sum(ratings), len(ratings))) if ratings else None
    return figures


OUTREACH_REPORTS = {
    "outreach_participants": SlowReport(
        list_audiences(*get_codes("outreach_kind")),
        lambda units: count_persons(units, [*SEX, *AGE, *DISABILITY]),
    ),
    "outreach_training": SlowReport(list_kinds(*STAFF_KINDS), compute_training),
    "outreach_agents": SlowReport(
        list_audiences("agent_training"), lambda units: count_persons(units, [*SEX, *AGE])
    ),
    "outreach_meetings": SlowReport(list_kinds("meeting"), compute_meetings),
    "outreach_dissemination": SlowReport(list_kinds("research_dissemination"), compute_dissemination),
    "feedback": SlowReport(list_feedback, compute_feedback),
}
