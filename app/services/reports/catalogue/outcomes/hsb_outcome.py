"""Report: further harmful sexual behaviour at the exit and six months later."""

from app.services.reports.definition import (
    FLOW,
    UNRIPE,
    Measure,
    Report,
    Text,
    count_by_code,
    count_if,
    percentage,
)

REPORT = Report(
    name="hsb_outcome",
    definition=Text(
        "Cases of children with harmful sexual behaviour that were closed in the period, by the outcome at the exit and "
        "at the follow-up after six months.",
        "ករណីកុមារដែលបង្ហាញឥរិយាបថផ្លូវភេទដែលបង្កគ្រោះថ្នាក់ ដែលបានបិទក្នុងរយៈពេល តាមលទ្ធផលពេលបញ្ចប់ និងពេលតាមដានក្រោយប្រាំមួយខែ។",
    ),
    numerator="Exits without further behaviour, at the exit and after six months.",
    denominator="Cases of the kinds `hsb` and `both` that were closed in the period, without deaths; for the follow-up, those closed more than 183 days ago.",
    pitfall="A case without a follow-up after six months is unknown. Cases closed in the last 183 days are counted separately.",
    period=FLOW,
    dimensions=(),
    measures=(
        Measure(name="exits", title=Text("Exits", "ការបញ្ចប់ការគាំទ្រ")),
        *count_by_code("at_exit", "hsb_outcome", prefix="at_exit_"),
        count_if(
            "followed",
            Text("Exits more than six months ago", "ការបញ្ចប់ការគាំទ្រលើសពីប្រាំមួយខែមុន"),
            "is_ripe",
        ),
        *count_by_code("later", "hsb_outcome", prefix="after_6_months_", among="is_ripe"),
        percentage(
            "at_exit_share",
            Text("No further behaviour at the exit", "ភាគរយគ្មានឥរិយាបថបន្តពេលបញ្ចប់"),
            "at_exit_no_further_behaviour",
            "exits",
        ),
        percentage(
            "after_6_months_share",
            Text("No further behaviour after six months", "ភាគរយគ្មានឥរិយាបថបន្តក្រោយប្រាំមួយខែ"),
            "after_6_months_no_further_behaviour",
            "followed",
        ),
        UNRIPE,
    ),
    facts="""
        SELECT c.closed_on AS starts_on, c.closed_on + 183 < $3 AS is_ripe, c.hsb_outcome AS at_exit, (
                   SELECT f.hsb_outcome FROM follow_ups f
                    WHERE f.case_id = c.id AND f.months = 6 AND f.status = 'held') AS later
          FROM counted_cases c
         WHERE c.closed_on IS NOT NULL AND c.close_reason IS DISTINCT FROM 'died' AND c.kind IN ('hsb', 'both')""",
)
