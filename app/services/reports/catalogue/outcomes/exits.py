"""Report: cases closed in the period."""

from app.services.reports.definition import (
    AGE_BAND,
    FLOW,
    KIND,
    SEX,
    Report,
    Text,
    count_by_code,
    count_if,
    percentage,
)

REPORT = Report(
    name="exits",
    definition=Text(
        "Cases closed in the period, by reason. Cases that ended with the death of the child are counted separately.",
        "ករណីដែលបានបិទក្នុងរយៈពេល តាមមូលហេតុ។ ករណីដែលចប់ដោយមរណភាពរបស់កុមារ ត្រូវបានរាប់ដាច់ដោយឡែក។",
    ),
    numerator="Cases closed in the period because the goals of support were reached.",
    denominator="Cases closed in the period, without deaths.",
    pitfall="Cases that were closed as duplicates or as opened by mistake are not counted.",
    period=FLOW,
    dimensions=(SEX, AGE_BAND, KIND),
    measures=(
        count_if("exits", Text("Exits", "ការបញ្ចប់ការគាំទ្រ"), "close_reason IS DISTINCT FROM 'died'"),
        percentage(
            "goals_met_share",
            Text("Share of exits with goals reached", "ភាគរយដែលសម្រេចគោលដៅ"),
            "reason_goals_met",
            "exits",
        ),
        *count_by_code(
            "close_reason", "closure_reason", prefix="reason_", without=("duplicate", "opened_in_error")
        ),
    ),
    facts="SELECT closed_on AS starts_on, c.* FROM counted_cases c WHERE closed_on IS NOT NULL",
)
