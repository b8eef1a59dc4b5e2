"""Slow computation of the report about the answers at the entry."""

from datetime import date
from typing import Any

from app.models import Child, Referral
from tests.services.reports.slow_figures import Figures, Row, Rows, SlowReport, Unit


def list_entries(rows: Rows, first_day: date, last_day: date) -> list[Unit]:
    children = {row["id"]: row for row in rows.tables["children"]}
    referrals = {row["id"]: row for row in rows.tables["referrals"]}
    return [
        {**case, **list_answers(children[case["child_id"]], referrals.get(case["referral_id"]))}
        for case in rows.cases()
        if first_day <= case["opened_on"] <= last_day
    ]


def list_answers(child: Row, referral: Row | None) -> dict[str, str]:
    record: dict[str, Any] = dict(Child.identity.decrypt(child["id"], child["identity_encrypted"]))
    if referral is not None:
        content = Referral.content.decrypt(referral["id"], referral["content_encrypted"])
        record.update({name: value for name, value in content["child"].items() if value is not None})
    school, gender, idpoor = record.get("school"), record.get("gender_identity"), record.get("idpoor")
    return {
        "disability": get_disability(record.get("disability")),
        "gender_identity": "not_asked" if gender is None else gender,
        "school": "not_asked" if school is None else school["status"],
        "idpoor": "not_asked" if idpoor is None else idpoor,
    }


def get_disability(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return "not_asked"
    worst = max(
        (["none", "some", "a_lot", "cannot_do"].index(level) for level in answer["difficulties"].values()),
        default=0,
    )
    if worst:
        return "some_difficulty" if worst == 1 else "with_disability"
    return "unknown" if answer["has_difficulty"] else "no_difficulty"


def compute_entries(units: list[Unit]) -> Figures:
    return {"cases": len(units)}


ENTRY_REPORTS = {"entry_profile": SlowReport(list_entries, compute_entries)}
