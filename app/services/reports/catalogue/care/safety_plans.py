"""Report: safety plans of open cases with a high risk."""

from app.services.reports.definition import (
    AGE_BAND,
    KIND,
    SEX,
    STOCK,
    Measure,
    Report,
    Text,
    count_if,
    percentage,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="safety_plans",
    definition=Text(
        "Open cases with a high risk, and those with an approved care plan that contains a safety plan.",
        "ករណីដែលកំពុងបើក ហើយមានហានិភ័យខ្ពស់ និងករណីដែលមានផែនការថែទាំបានអនុម័ត ដែលរួមមានផែនការសុវត្ថិភាព។",
    ),
    numerator="Cases whose approved care plan of the child rests on the assessment with the high risk.",
    denominator="Open cases whose latest approved assessment of the child has a high risk.",
    pitfall="A care plan that rests on an assessment with a high risk is approved only with a safety plan, so such a "
    "plan counts as a safety plan.",
    period=STOCK,
    dimensions=(SEX, AGE_BAND, KIND),
    measures=(
        Measure(name="high_risk", title=Text("Cases with a high risk", "ករណីដែលមានហានិភ័យខ្ពស់")),
        count_if("with_safety_plan", Text("With a safety plan", "មានផែនការសុវត្ថិភាព"), "has_safety_plan"),
        percentage(
            "share",
            Text("Share of high-risk cases with a safety plan", "ភាគរយដែលមានផែនការសុវត្ថិភាព"),
            "with_safety_plan",
            "high_risk",
        ),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.closed_on AS ends_on, c.sex, c.age_band, c.kind, EXISTS (
                   SELECT FROM care_plans p
                    WHERE p.assessment_id = latest.id AND p.subject = 'child' AND p.status IN ('approved', 'superseded')
                      AND {local_day("p.decided_at")} <= $2) AS has_safety_plan
          FROM counted_cases c
          JOIN (SELECT DISTINCT ON (a.case_id) a.case_id, a.id, a.risk_level FROM assessments a
                 WHERE a.subject = 'child' AND a.status = 'approved' AND {local_day("a.decided_at")} <= $2
                 ORDER BY a.case_id, a.decided_at DESC, a.id DESC) latest
            ON latest.case_id = c.id AND latest.risk_level = 'high'""",  # noqa: S608 - a constant
)
