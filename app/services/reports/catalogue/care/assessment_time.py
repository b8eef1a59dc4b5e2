"""Report: time until the first assessment."""

from app.services.reports.definition import (
    KIND,
    TEAM,
    Report,
    Text,
    follow_target,
    measure_step_time,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="assessment_time",
    definition=Text(
        "Cases whose initial assessment of the child was approved within the target after the opening.",
        "ករណីដែលការវាយតម្លៃដំបូងរបស់កុមារត្រូវបានអនុម័តទាន់គោលដៅក្រោយការបើក។",
    ),
    numerator="Cases opened in the period whose initial assessment was approved within the target.",
    denominator="Cases opened in the period, whose target is over.",
    pitfall="A returned assessment counts from its final approval.",
    period=follow_target("assessment"),
    dimensions=(KIND, TEAM),
    measures=measure_step_time(
        "assessment",
        Text("Assessment approved within the target", "ការវាយតម្លៃត្រូវបានអនុម័តទាន់គោលដៅ"),
        Text("Share of cases with an assessment on time", "ភាគរយទាន់ពេល"),
        Text("Median days until approved", "មេដ្យានថ្ងៃរហូតដល់អនុម័ត"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.kind, c.team, (
                   SELECT min({local_day("a.decided_at")}) FROM assessments a
                    WHERE a.case_id = c.id AND a.kind = 'initial' AND a.subject = 'child' AND a.status = 'approved'
               ) - c.opened_on AS days
          FROM counted_cases c""",  # noqa: S608 - a constant
)
