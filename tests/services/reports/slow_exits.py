"""Slow computations of the reports about the exit and the time after it."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from app.kit.dates import add_months
from app.schemas.codes import get_codes
from tests.services.reports.slow_figures import (
    Figures,
    Rows,
    SlowReport,
    Unit,
    count,
    count_codes,
    round_half_up,
    share,
)


def list_exits(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    return [case for case in rows.cases() if case["closed_on"] and first_day <= case["closed_on"] <= last_day]


def compute_exits(units: list[Unit]) -> Figures:
    reasons = [code for code in get_codes("closure_reason") if code not in {"duplicate", "opened_in_error"}]
    exits = sum(unit["close_reason"] != "died" for unit in units)
    return {
        "exits": exits,
        "goals_met_share": share(count(units, "close_reason", "goals_met"), exits),
        **count_codes(units, "close_reason", reasons, "reason_"),
    }


def list_after_exit(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    cases = {case["id"]: case for case in rows.cases()}
    units: list[Unit] = [
        {**follow_up, "event": "follow_up", "kind": cases[follow_up["case_id"]]["kind"]}
        for follow_up in rows.tables["follow_ups"]
        if follow_up["case_id"] in cases and follow_up["status"] != "cancelled"
        and follow_up["due_on"] is not None and first_day <= follow_up["due_on"] <= last_day
    ]  # fmt: skip
    for case in cases.values():
        if case["closed_on"] is None or case["close_reason"] == "died":
            continue
        end = case["closed_on"] + timedelta(days=365)
        if first_day <= end <= last_day and end < rows.today:
            later = [
                other
                for other in replace(rows, grant_code=None).cases()
                if other["previous_case_id"] == case["id"]
            ]
            is_reopened = any(other["opened_on"] <= end for other in later)
            units.append({**case, "event": "exit", "reopened": is_reopened, "status": None})
    return units


def compute_after_exit(units: list[Unit]) -> Figures:
    due = [unit for unit in units if unit["event"] == "follow_up"]
    held = [unit for unit in due if unit["status"] == "held"]
    reached = [unit for unit in held if unit["wellbeing"] not in {None, "not_reached"}]
    exits = [unit for unit in units if unit["event"] == "exit"]
    well, reopened = count(reached, "wellbeing", "well"), sum(unit["reopened"] for unit in exits)
    return {
        "due": len(due), "held": len(held), "held_share": share(len(held), len(due)), "reached": len(reached),
        "well": well, "well_share": share(well, len(reached)), "not_reached": count(held, "wellbeing", "not_reached"),
        "exits": len(exits), "reopened": reopened, "reopened_share": share(reopened, len(exits)),
    }  # fmt: skip


def list_lengths(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    units = []
    for case in rows.cases():
        if case["opened_on"] <= last_day:
            is_closed = case["closed_on"] is not None and case["closed_on"] <= last_day
            days = ((case["closed_on"] if is_closed else last_day) - case["opened_on"]).days
            is_past = not is_closed and add_months(case["opened_on"], 24) <= last_day
            is_exit = is_closed and case["close_reason"] != "died"
            units.append({**case, "days": days, "exit": is_exit, "past": is_past})
    return units


def compute_lengths(units: list[Unit]) -> Figures:
    """Compute the survival function day by day, with exact fractions."""
    surviving, median_days = Fraction(1), None
    for day in range(max((unit["days"] for unit in units), default=0) + 1):
        at_risk = [unit for unit in units if unit["days"] >= day]
        exits = sum(unit["exit"] and unit["days"] == day for unit in at_risk)
        surviving *= Fraction(len(at_risk) - exits, len(at_risk)) if at_risk else 1
        if surviving <= Fraction(1, 2):
            median_days = day
            break
    return {
        "cases": len(units),
        "exits": sum(unit["exit"] for unit in units),
        "median_months": None
        if median_days is None
        else round_half_up(Fraction(median_days) / Fraction("30.4375")),
        "past_24_months": sum(unit["past"] for unit in units),
    }


EXIT_REPORTS = {
    "exits": SlowReport(list_exits, compute_exits),
    "length_of_support": SlowReport(list_lengths, compute_lengths),
    "after_exit": SlowReport(list_after_exit, compute_after_exit),
}
