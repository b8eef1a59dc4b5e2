"""Slow computations of the reports about cases and referrals."""

from datetime import date

from app.schemas.codes import get_codes
from tests.services.reports.slow_figures import (
    Figures,
    Rows,
    SlowReport,
    Unit,
    count,
    count_codes,
    is_open_at_end,
    list_current_periods,
    local_day,
    share,
)


def list_open_cases(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    del first_day
    stages = {
        period["case_id"]: period["status"]
        for period in list_current_periods(rows, "status_periods", last_day)
    }
    return [
        {**case, "stage": stages.get(case["id"])} for case in rows.cases() if is_open_at_end(case, last_day)
    ]


def compute_open_cases(units: list[Unit]) -> Figures:
    stages = [code for code in get_codes("case_status") if code != "closed"]
    return {"cases": len(units), **count_codes(units, "stage", stages, "stage_")}


def list_new_cases(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    return [case for case in rows.cases() if first_day <= case["opened_on"] <= last_day]


def compute_new_cases(units: list[Unit]) -> Figures:
    reopened = sum(unit["previous_case_id"] is not None for unit in units)
    return {"cases": len(units), "reopened": reopened, "first": len(units) - reopened}


def list_supported_children(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    latest: dict[object, Unit] = {}
    for case in sorted(rows.cases(), key=lambda case: (case["opened_on"], case["id"])):
        is_before = case["closed_on"] is not None and case["closed_on"] < first_day
        if case["opened_on"] <= last_day and not is_before:
            latest[case["child_id"]] = case
    return list(latest.values())


def list_received(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    return [
        unit
        for unit in rows.referrals()
        if first_day <= (local_day(unit["received_at"]) or date.max) <= last_day
    ]


def compute_received(units: list[Unit]) -> Figures:
    return {
        "referrals": len(units),
        **count_codes(units, "urgency", get_codes("urgency"), "urgency_"),
        **count_codes(units, "source", get_codes("referral_source"), "source_"),
    }


def list_decisions(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    return [
        unit
        for unit in rows.referrals()
        if unit["status"] in {"accepted", "declined"}
        and first_day <= (local_day(unit["decided_at"]) or date.max) <= last_day
    ]


def compute_decisions(units: list[Unit]) -> Figures:
    accepted, declined = count(units, "status", "accepted"), count(units, "status", "declined")
    reasons = [code for code in get_codes("decline_reason") if code != "duplicate"]
    return {
        "decided": len(units),
        "accepted": accepted,
        "declined": declined,
        "accepted_share": share(accepted, accepted + declined),
        **count_codes(
            [u for u in units if u["status"] == "declined"], "decline_reason_code", reasons, "declined_"
        ),
    }


INTAKE_REPORTS = {
    "open_cases": SlowReport(list_open_cases, compute_open_cases),
    "new_cases": SlowReport(list_new_cases, compute_new_cases),
    "children_supported": SlowReport(list_supported_children, lambda units: {"children": len(units)}),
    "referrals_received": SlowReport(list_received, compute_received),
    "referral_decisions": SlowReport(list_decisions, compute_decisions),
}
