"""Report: open cases at the end of the period."""

from app.services.reports.definition import (
    AGE_BAND,
    KIND,
    PROVINCE,
    SEX,
    STOCK,
    TEAM,
    Measure,
    Report,
    Text,
    count_by_code,
)

REPORT = Report(
    name="open_cases",
    definition=Text(
        "Cases that are open at the end of the last day of the period, by stage.",
        "ករណីដែលកំពុងបើកនៅចុងថ្ងៃចុងក្រោយនៃរយៈពេល តាមដំណាក់កាល។",
    ),
    numerator="Cases opened on or before the last day and not closed by its end.",
    pitfall="A case that was opened and closed on the last day is not open at its end. The team is the current one.",
    period=STOCK,
    dimensions=(SEX, AGE_BAND, KIND, PROVINCE, TEAM),
    measures=(
        Measure(name="cases", title=Text("Open cases", "ករណីដែលកំពុងបើក")),
        *count_by_code("stage", "case_status", prefix="stage_", without=("closed",)),
    ),
    facts="""
        SELECT opened_on AS starts_on, closed_on AS ends_on, c.*, stages.status AS stage
          FROM counted_cases c LEFT JOIN stages ON stages.case_id = c.id""",
)
