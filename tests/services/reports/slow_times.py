"""Slow computations of the reports about times from one step to the next."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from tests.services.reports.slow_figures import (
    Figures,
    Rows,
    SlowReport,
    Unit,
    count,
    day_of,
    get_target_days,
    list_contacts_since,
    mark_ripe,
    middle,
    share,
)

TARGETS_BY_URGENCY = {urgency: f"acknowledgement_{urgency}" for urgency in ("emergency", "urgent", "routine")}


def list_acknowledged(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    units = []
    hours = {target["name"]: target["hours"] for target in rows.tables["targets"]}
    for referral in rows.referrals():
        entered = day_of(referral, "received_at")
        if first_day <= entered <= last_day:
            at = referral["acknowledged_at"]
            waited = None if at is None else at - referral["received_at"]
            on_time = waited is not None and waited <= timedelta(
                hours=hours[TARGETS_BY_URGENCY[referral["urgency"]]]
            )
            units.append({**referral, "entered": entered, "on_time": on_time, "waited": waited})
    longest = max(get_target_days(rows, name) for name in TARGETS_BY_URGENCY.values())
    return mark_ripe(units, longest, rows.today)


def compute_acknowledged(units: list[Unit]) -> Figures:
    ripe = [unit for unit in units if unit["ripe"]]
    on_time = sum(unit["on_time"] for unit in ripe)
    return {
        "referrals": len(ripe),
        "on_time": on_time,
        "on_time_share": share(on_time, len(ripe)),
        "median_hours": middle(
            unit["waited"].total_seconds() / 3600 for unit in ripe if unit["waited"] is not None
        ),
        "unripe": len(units) - len(ripe),
    }


def list_first_days(
    target: str, first_day_of: Callable[[Rows], dict[Any, list[date]]]
) -> Callable[[Rows, date, date], list[Unit]]:
    """Return the function that lists the cases opened in a period with the days until their first event."""

    def list_units(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
        events, days = first_day_of(rows), get_target_days(rows, target)
        units = []
        for case in rows.cases():
            if first_day <= case["opened_on"] <= last_day:
                first = min(events.get(case["id"], []), default=None)
                waited = None if first is None else (first - case["opened_on"]).days
                units.append({**case, "entered": case["opened_on"], "waited": waited, "target": days})
        return mark_ripe(units, days, rows.today)

    return list_units


def compute_first_days(units: list[Unit]) -> Figures:
    ripe = [unit for unit in units if unit["ripe"]]
    waits = [unit["waited"] for unit in ripe if unit["waited"] is not None]
    on_time = sum(unit["waited"] <= unit["target"] for unit in ripe if unit["waited"] is not None)
    return {
        "cases": len(ripe),
        "on_time": on_time,
        "on_time_share": share(on_time, len(ripe)),
        "median_days": middle(waits),
        "target_days": float(max(unit["target"] for unit in units)) if units else None,
        "unripe": len(units) - len(ripe),
    }


def list_contact_days(rows: Rows) -> dict[Any, list[date]]:
    return {
        case["id"]: [max(day, case["opened_on"]) for day in list_contacts_since(rows, case)]
        for case in rows.tables["cases"]
    }


def list_approval_days(
    table: str, statuses: set[str], **values: str
) -> Callable[[Rows], dict[Any, list[date]]]:
    def list_days(rows: Rows) -> dict[Any, list[date]]:
        days: dict[Any, list[date]] = defaultdict(list)
        for record in rows.tables[table]:
            if record["status"] in statuses and all(record[key] == value for key, value in values.items()):
                days[record["case_id"]].append(day_of(record, "decided_at"))
        return days

    return list_days


def list_service_referrals(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    counted = {case["id"] for case in rows.cases()}
    units = []
    for referral in rows.tables["service_referrals"]:
        sent = day_of(referral, "sent_at")
        if referral["case_id"] in counted and first_day <= sent <= last_day:
            waits = {
                f"{name}_days": None
                if referral[f"{name}_at"] is None
                else (day_of(referral, f"{name}_at") - sent).days
                for name in ("answered", "ended")
            }
            units.append({**referral, **waits, "entered": sent})
    return mark_ripe(units, 90, rows.today)


def compute_service_referrals(units: list[Unit]) -> Figures:
    ripe = [unit for unit in units if unit["ripe"]]
    answered = [unit for unit in ripe if unit["answered_days"] is not None and unit["answered_days"] <= 90]
    received = [
        unit["ended_days"]
        for unit in ripe
        if unit["status"] == "completed" and unit["outcome"] in {"need_met", "partly_met"}
        and unit["ended_days"] is not None and unit["ended_days"] <= 90
    ]  # fmt: skip
    return {
        "sent": len(ripe),
        "answered": len(answered),
        "accepted": len(answered) - count(answered, "status", "declined"),
        "declined": count(answered, "status", "declined"),
        "received": len(received),
        "received_share": share(len(received), len(ripe)),
        "median_days": middle(received),
        "unripe": len(units) - len(ripe),
    }


ASSESSMENTS = list_approval_days("assessments", {"approved"}, subject="child", kind="initial")
CARE_PLANS = list_approval_days("care_plans", {"approved", "superseded"}, subject="child")
TIME_REPORTS = {
    "acknowledgement_time": SlowReport(list_acknowledged, compute_acknowledged),
    "first_contact_time": SlowReport(list_first_days("first_contact", list_contact_days), compute_first_days),
    "assessment_time": SlowReport(list_first_days("assessment", ASSESSMENTS), compute_first_days),
    "care_plan_time": SlowReport(list_first_days("care_plan", CARE_PLANS), compute_first_days),
    "service_referrals": SlowReport(list_service_referrals, compute_service_referrals),
}
