"""Slow computations of the reports about the assistance fund."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from app.schemas.money import Money
from tests.services.reports.slow_figures import Figures, Rows, SlowReport, Unit, local_day


def sum_amounts(name: str, units: Iterable[Unit]) -> Figures:
    totals = {"USD": 0, "KHR": 0}
    for unit in units:
        totals[unit["currency"]] += unit["sum"] or 0
    return {
        f"{name}_usd": Money(amount=f"{Decimal(totals['USD']) / 100:.2f}", currency="USD"),
        f"{name}_khr": Money(amount=str(totals["KHR"]), currency="KHR"),
    }


def list_fund_events(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    units = []
    for disbursement in rows.disbursements():
        events = [
            ("requested", local_day(disbursement["created_at"]), disbursement["amount"]),
            ("approved", local_day(disbursement["approved_at"]), disbursement["amount"]),
        ]
        if disbursement["status"] != "reversed":
            events.append(("paid", disbursement["paid_on"], disbursement["amount"]))
            events.append(("spent", local_day(disbursement["reconciled_at"]), disbursement["spent"]))
        fund = str(disbursement["fund_id"]) if disbursement["fund_id"] else "unknown"
        units += [
            {**disbursement, "event": event, "sum": amount, "fund": fund}
            for event, day, amount in events
            if day is not None and first_day <= day <= last_day
        ]
    return units


def compute_fund_events(units: list[Unit]) -> Figures:
    figures: Figures = {}
    for event in ("requested", "approved", "paid", "spent"):
        figures |= sum_amounts(event, (unit for unit in units if unit["event"] == event))
    figures["requests"] = sum(unit["event"] == "requested" for unit in units)
    figures["payments"] = sum(unit["event"] == "paid" for unit in units)
    return figures


def list_unreceipted(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    teams = {case["id"]: str(case["team_id"]) for case in rows.tables["cases"]}
    units = []
    for row in rows.disbursements():
        end = local_day(row["reconciled_at"] or row["ended_at"])
        if row["paid_on"] is not None and row["paid_on"] <= last_day and (end is None or end > last_day):
            approved_on, due_on = local_day(row["approved_at"]), row["approval_due_on"]
            is_late = (
                due_on is not None and due_on < last_day and (approved_on is None or approved_on > last_day)
            )
            units.append({
                **row, "sum": row["amount"], "fund": str(row["fund_id"]) if row["fund_id"] else "unknown",
                "team": teams[row["case_id"]], "age": (last_day - row["paid_on"]).days, "is_late": is_late,
            })  # fmt: skip
    return units


def compute_unreceipted(units: list[Unit]) -> Figures:
    ages = [unit["age"] for unit in units]
    return {
        "payments": len(units),
        **sum_amounts("amount", units),
        "up_to_7_days": sum(age <= 7 for age in ages),
        "up_to_30_days": sum(7 < age <= 30 for age in ages),
        "up_to_90_days": sum(30 < age <= 90 for age in ages),
        "over_90_days": sum(age > 90 for age in ages),
        "late_approvals": sum(unit["is_late"] for unit in units),
    }


FUND_REPORTS = {
    "fund_use": SlowReport(list_fund_events, compute_fund_events),
    "unreceipted_money": SlowReport(list_unreceipted, compute_unreceipted),
}
