"""Report: cases opened in the period."""

from app.services.reports.definition import (
    AGE_BAND,
    FLOW,
    KIND,
    PROVINCE,
    SEX,
    TEAM,
    Measure,
    Report,
    Text,
    count_if,
)

REPORT = Report(
    name="new_cases",
    definition=Text(
        "Cases opened in the period. Cases that continue an earlier case of the child are counted separately.",
        "ករណីដែលបានបើកក្នុងរយៈពេល។ ករណីដែលបន្តពីករណីមុនរបស់កុមារ ត្រូវបានរាប់ដាច់ដោយឡែក។",
    ),
    numerator="Cases whose opening day is in the period.",
    pitfall="A referral that joins an open case opens no case.",
    period=FLOW,
    dimensions=(SEX, AGE_BAND, KIND, PROVINCE, TEAM),
    measures=(
        Measure(name="cases", title=Text("Cases opened", "ករណីដែលបានបើក")),
        count_if("first", Text("First or unrelated cases", "ករណីថ្មីទាំងស្រុង"), "previous_case_id IS NULL"),
        count_if("reopened", Text("Reopened cases", "ករណីដែលបានបើកឡើងវិញ"), "previous_case_id IS NOT NULL"),
    ),
    facts="SELECT opened_on AS starts_on, c.* FROM counted_cases c",
)
