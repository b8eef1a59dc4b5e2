"""Slow computations of the reports about risk, outcomes and caseloads."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from app.schemas.codes import get_codes
from tests.services.reports.slow_figures import (
    Figures,
    Rows,
    SlowReport,
    Unit,
    count_codes,
    is_open_at_end,
    list_current_periods,
    local_day,
    round_half_up,
    share,
)


def list_high_risks(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    latest: dict[Any, Any] = {}
    approved = [
        assessment
        for assessment in rows.tables["assessments"]
        if assessment["subject"] == "child" and assessment["status"] == "approved"
        and (local_day(assessment["decided_at"]) or date.max) <= last_day
    ]  # fmt: skip
    for assessment in sorted(approved, key=lambda row: (row["decided_at"], row["id"])):
        latest[assessment["case_id"]] = assessment
    planned = {
        plan["assessment_id"]
        for plan in rows.tables["care_plans"]
        if plan["subject"] == "child" and plan["status"] in {"approved", "superseded"}
        and (local_day(plan["decided_at"]) or date.max) <= last_day
    }  # fmt: skip
    return [
        {**case, "planned": latest[case["id"]]["id"] in planned}
        for case in rows.cases()
        if is_open_at_end(case, last_day)
        and case["id"] in latest
        and latest[case["id"]]["risk_level"] == "high"
    ]


def compute_high_risks(units: list[Unit]) -> Figures:
    planned = sum(unit["planned"] for unit in units)
    return {"high_risk": len(units), "with_safety_plan": planned, "share": share(planned, len(units))}


def list_ended(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    plans = {plan["case_id"]: plan["conditions_met"] for plan in rows.tables["exit_plans"]}
    later = {
        follow_up["case_id"]: follow_up["hsb_outcome"]
        for follow_up in rows.tables["follow_ups"]
        if follow_up["months"] == 6 and follow_up["status"] == "held"
    }
    return [
        {**case, "conditions": plans.get(case["id"]), "later": later.get(case["id"])}
        for case in rows.cases()
        if case["closed_on"] and first_day <= case["closed_on"] <= last_day and case["close_reason"] != "died"
    ]


def compute_conditions(units: list[Unit]) -> Figures:
    figures: Figures = {
        "exits": len(units),
        "without_checklist": sum(unit["conditions"] is None for unit in units),
    }
    for code in get_codes("exit_condition"):
        met = sum(code in (unit["conditions"] or []) for unit in units)
        figures |= {f"met_{code}": met, f"share_{code}": share(met, len(units))}
    return figures


def list_hsb_exits(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    return [
        {**unit, "ripe": unit["closed_on"] + timedelta(days=183) < rows.today}
        for unit in list_ended(rows, first_day, last_day)
        if unit["kind"] != "survivor"
    ]


def compute_hsb_exits(units: list[Unit]) -> Figures:
    codes, followed = get_codes("hsb_outcome"), [unit for unit in units if unit["ripe"]]
    figures = {
        "exits": len(units),
        **count_codes(units, "hsb_outcome", codes, "at_exit_"),
        "followed": len(followed),
        **count_codes(followed, "later", codes, "after_6_months_"),
        "unripe": len(units) - len(followed),
    }
    for moment, exits in (("at_exit", units), ("after_6_months", followed)):
        figures[f"{moment}_share"] = share(figures[f"{moment}_no_further_behaviour"], len(exits))
    return figures


def list_caseloads(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    """Return a unit per worker and team, and a unit per supervisor of these teams."""
    del first_day
    assigned = {row["case_id"]: row for row in list_current_periods(rows, "assignment_periods", last_day)}
    by_worker: dict[tuple[Any, str], list[Unit]] = defaultdict(list)
    for case in rows.cases():
        if is_open_at_end(case, last_day) and case["id"] in assigned:
            period = assigned[case["id"]]
            by_worker[period["lead_worker_id"], str(period["team_id"])].append(case)
    (standard,) = rows.tables["caseload_standards"]
    workers = [
        {"worker": worker, "team": team, "cases": len(cases), "standard": standard,
         "weight": sum(Fraction(standard[f"weight_{case['risk_level'] or 'unknown'}"]) for case in cases)}
        for (worker, team), cases in by_worker.items()
    ]  # fmt: skip
    active = {user["id"] for user in rows.tables["users"] if user["is_active"]}
    teams = {unit["team"] for unit in workers}
    supervisors = [
        {"supervisor": member["user_id"], "team": str(member["team_id"])}
        for member in rows.tables["team_members"]
        if member["is_supervisor"] and member["user_id"] in active and str(member["team_id"]) in teams
    ]
    return [*workers, *supervisors]


def compute_caseloads(all_units: list[Unit]) -> Figures:
    units = [unit for unit in all_units if "worker" in unit]
    workers, cases = {unit["worker"] for unit in units}, sum(unit["cases"] for unit in units)
    supervisors = {unit["supervisor"] for unit in all_units if "supervisor" in unit}
    standard = units[0]["standard"] if units else None
    return {
        "workers": len(workers),
        "cases": cases,
        "cases_per_worker": round_half_up(Fraction(cases, len(workers))) if workers else None,
        "weighted_cases": round_half_up(sum(unit["weight"] for unit in units)) if units else None,
        "largest": float(max(unit["cases"] for unit in units)) if units else None,
        "largest_weight": round_half_up(max(unit["weight"] for unit in units)) if units else None,
        "limit": float(standard["cases_per_worker"]) if standard else None,
        "over_limit": sum(unit["weight"] > unit["standard"]["cases_per_worker"] for unit in units),
        "supervisors": len(supervisors),
        "workers_per_supervisor": (
            round_half_up(Fraction(len(workers), len(supervisors))) if supervisors else None
        ),
        "supervisor_limit": float(standard["workers_per_supervisor"]) if standard else None,
    }


OUTCOME_REPORTS = {
    "safety_plans": SlowReport(list_high_risks, compute_high_risks),
    "exit_conditions": SlowReport(list_ended, compute_conditions),
    "hsb_outcome": SlowReport(list_hsb_exits, compute_hsb_exits),
    "caseload": SlowReport(list_caseloads, compute_caseloads),
}
