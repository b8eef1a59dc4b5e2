"""Report: open cases with plans for the supporter and the family."""

from app.services.reports.definition import KIND, STOCK, Measure, Report, Text, count_if, percentage
from app.services.reports.population import local_day

REPORT = Report(
    name="supporter_family_plans",
    definition=Text(
        "Open cases with an approved plan for the supporter, for the family, and for both, at the end of the period.",
        "ករណីដែលកំពុងបើក ហើយមានផែនការដែលបានអនុម័តសម្រាប់អ្នកគាំទ្រ សម្រាប់គ្រួសារ និងសម្រាប់ទាំងពីរ។",
    ),
    numerator="Open cases with an approved plan for the supporter and one for the family.",
    denominator="Cases that are open at the end of the last day.",
    pitfall="One person can be supporter and family member. The case then needs a plan for each of the two roles.",
    period=STOCK,
    dimensions=(KIND,),
    measures=(
        Measure(name="cases", title=Text("Open cases", "ករណីដែលកំពុងបើក")),
        count_if(
            "supporter", Text("With a plan for the supporter", "មានផែនការសម្រាប់អ្នកគាំទ្រ"), "has_supporter"
        ),
        count_if("family", Text("With a plan for the family", "មានផែនការសម្រាប់គ្រួសារ"), "has_family"),
        count_if("both", Text("With both plans", "មានផែនការទាំងពីរ"), "has_supporter AND has_family"),
        percentage(
            "both_share",
            Text("Share of open cases with both plans", "ភាគរយដែលមានផែនការទាំងពីរ"),
            "both",
            "cases",
        ),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.closed_on AS ends_on, c.kind,
               coalesce(bool_or(p.subject = 'supporter'), false) AS has_supporter,
               coalesce(bool_or(p.subject = 'family'), false) AS has_family
          FROM counted_cases c
          LEFT JOIN care_plans p ON p.case_id = c.id AND p.status IN ('approved', 'superseded')
               AND {local_day("p.decided_at")} <= $2
         GROUP BY c.id, c.opened_on, c.closed_on, c.kind""",  # noqa: S608 - a constant
)
