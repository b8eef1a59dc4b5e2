"""Slow computations of the reports about the stages of the pathway."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from app.schemas.codes import get_codes
from tests.services.reports.slow_figures import (
    Figures,
    Row,
    Rows,
    SlowReport,
    Unit,
    count,
    day_of,
    group_by_case,
    is_contact,
    is_open_at_end,
    list_current_periods,
    local_day,
    share,
    valid_sessions,
)


def list_area_ratings(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    points: dict[Any, list[tuple[Any, Any, dict[str, int]]]] = defaultdict(list)
    for assessment in rows.tables["assessments"]:
        if assessment["subject"] == "child" and assessment["status"] == "approved":
            points[assessment["case_id"]].append(
                (assessment["decided_at"], assessment["id"], assessment["ratings"])
            )
    for review in rows.tables["reviews"]:
        if review["status"] == "completed":
            points[review["case_id"]].append((review["completed_at"], review["id"], review["ratings"]))
    units = []
    for case in rows.cases():
        if not is_open_at_end(case, last_day):
            continue
        known = sorted(p for p in points[case["id"]] if (local_day(p[0]) or date.max) <= last_day)
        for area in get_codes("area"):
            ratings = [point[2][area] for point in known if area in point[2]]
            if ratings:
                units.append({**case, "area": area, "ratings": ratings})
    return units


def compute_area_ratings(units: list[Unit]) -> Figures:
    twice = [unit["ratings"] for unit in units if len(unit["ratings"]) > 1]
    improved = sum(ratings[-1] > ratings[0] for ratings in twice)
    return {
        "rated_twice": len(twice),
        "improved": improved,
        "improved_share": share(improved, len(twice)),
        "declined": sum(ratings[-1] < ratings[0] for ratings in twice),
        "rated_once": len(units) - len(twice),
    }


def list_goals(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    counted = {case["id"] for case in rows.cases()}
    plans = {p["id"]: p for p in rows.tables["care_plans"] if p["status"] in {"approved", "superseded"}}
    latest: dict[Any, Row] = {}
    for goal in sorted(
        rows.tables["goals"],
        key=lambda g: (plans[g["plan_id"]]["edition"] if g["plan_id"] in plans else 0, g["id"]),
    ):
        if goal["plan_id"] in plans and goal["case_id"] in counted:
            latest[goal["origin_id"]] = goal
    units = []
    for goal in latest.values():
        due = [action["due_on"] for action in rows.tables["actions"] if action["goal_id"] == goal["id"]]
        if due and first_day <= max(due) <= last_day:
            units.append(dict(goal))
    return units


def compute_goals(units: list[Unit]) -> Figures:
    figures = {status: count(units, "status", status) for status in ("achieved", "open", "dropped")}
    kept = figures["achieved"] + figures["open"]
    return {
        **figures, "goals": len(units), "not_dropped": kept, "achieved_share": share(figures["achieved"], kept),
    }  # fmt: skip


def list_sessions(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    cases = {case["id"]: case for case in rows.cases()}
    return [
        {**session, "team": cases[session["case_id"]]["team"]}
        for session in valid_sessions(rows)
        if session["case_id"] in cases
        and first_day <= (local_day(session["held_at"] or session["planned_at"]) or date.max) <= last_day
    ]


def compute_sessions(units: list[Unit]) -> Figures:
    figures = {
        status: count(units, "status", status) for status in ("held", "missed", "cancelled", "planned")
    }
    held_or_missed = figures["held"] + figures["missed"]
    return {
        **figures,
        "sessions": len(units),
        "held_or_missed": held_or_missed,
        "held_share": share(figures["held"], held_or_missed),
        **{
            f"topic_{code}": sum(unit["status"] == "held" and code in unit["topics"] for unit in units)
            for code in get_codes("session_topic")
        },
        "topic_unknown": sum(unit["status"] == "held" and not unit["topics"] for unit in units),
        "cases_with_session": len({unit["case_id"] for unit in units if unit["status"] == "held"}),
    }


def list_contacts(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    sessions = group_by_case(filter(is_contact, rows.tables["support_sessions"]))
    stages = {
        period["case_id"]: period["status"]
        for period in list_current_periods(rows, "status_periods", last_day)
    }
    units = []
    for case in rows.cases():
        if is_open_at_end(case, last_day) and stages.get(case["id"]) == "active":
            days = [day_of(session, "held_at") for session in sessions[case["id"]]]
            latest = max([case["opened_on"], *(day for day in days if day <= last_day)])
            units.append({**case, "days": (last_day - latest).days})
    return units


def compute_contacts(units: list[Unit]) -> Figures:
    without = sum(unit["days"] >= 30 for unit in units)
    return {
        "cases": len(units),
        "without_contact": without,
        "without_contact_share": share(without, len(units)),
    }


def list_reviews(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    cases = {case["id"]: case for case in rows.cases()}
    return [
        {**review, "team": cases[review["case_id"]]["team"]}
        for review in rows.tables["reviews"]
        if review["case_id"] in cases
        and review["status"] != "cancelled"
        and first_day <= review["due_on"] <= last_day
    ]


def compute_reviews(units: list[Unit]) -> Figures:
    held = [unit for unit in units if unit["status"] == "completed" and unit["held_on"] is not None]
    on_time = sum(unit["held_on"] <= unit["due_on"] for unit in held)
    return {
        "due": len(units),
        "on_time": on_time,
        "late": len(held) - on_time,
        "not_held": sum(unit["status"] != "completed" for unit in units),
        "on_time_share": share(on_time, len(units)),
    }


def list_plans(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    plans = group_by_case(
        plan
        for plan in rows.tables["care_plans"]
        if plan["status"] in {"approved", "superseded"} and day_of(plan, "decided_at") <= last_day
    )
    return [
        {**case, "subjects": {plan["subject"] for plan in plans[case["id"]]}}
        for case in rows.cases()
        if is_open_at_end(case, last_day)
    ]


def compute_plans(units: list[Unit]) -> Figures:
    both = sum({"supporter", "family"} <= unit["subjects"] for unit in units)
    return {
        "cases": len(units),
        "supporter": sum("supporter" in unit["subjects"] for unit in units),
        "family": sum("family" in unit["subjects"] for unit in units),
        "both": both,
        "both_share": share(both, len(units)),
    }


def list_data_quality(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    cases = {case["id"]: case for case in rows.cases()}
    events: list[tuple[str, date, Any, Row]] = [
        ("case", case["opened_on"], case["id"], case) for case in cases.values()
    ]
    events += [
        ("session", day_of(s, "held_at"), s["case_id"], s)
        for s in valid_sessions(rows)
        if s["status"] == "held"
    ]
    events += [("share", day_of(r, "sent_at"), r["case_id"], r) for r in rows.tables["service_referrals"]]
    events += [("break_glass", day_of(g, "opened_at"), g["case_id"], g) for g in rows.tables["break_glass"]]
    return [
        {**row, "event": event, "team": cases[case_id]["team"]}
        for event, day, case_id, row in events
        if case_id in cases and first_day <= day <= last_day
    ]


def compute_data_quality(units: list[Unit]) -> Figures:
    by_event: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        by_event[unit["event"]].append(unit)
    cases, sessions, shares = by_event["case"], by_event["session"], by_event["share"]
    late = sum(
        s["recorded_at"] is not None and day_of(s, "recorded_at") - day_of(s, "held_at") > timedelta(days=3)
        for s in sessions
    )
    return {
        "cases": len(cases), "without_age": count(cases, "age_band", "unknown"),
        "without_sex": count(cases, "sex", "unknown"), "without_province": count(cases, "province", "unknown"),
        "sessions": len(sessions), "late_sessions": late, "late_share": share(late, len(sessions)),
        "shares": len(shares), "without_consent": count(shares, "consent_id", None),
        "break_glass": len(by_event["break_glass"]),
    }  # fmt: skip


PATHWAY_REPORTS = {
    "area_progress": SlowReport(list_area_ratings, compute_area_ratings),
    "goals_achieved": SlowReport(list_goals, compute_goals),
    "support_sessions": SlowReport(list_sessions, compute_sessions),
    "no_recent_contact": SlowReport(list_contacts, compute_contacts),
    "reviews_on_time": SlowReport(list_reviews, compute_reviews),
    "supporter_family_plans": SlowReport(list_plans, compute_plans),
    "data_quality": SlowReport(list_data_quality, compute_data_quality),
}
