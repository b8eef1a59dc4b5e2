"""Report: time until the first care plan."""

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
    name="care_plan_time",
    definition=Text(
        "Cases whose first care plan for the child was approved within the target after the opening.",
        "ករណីដែលផែនការថែទាំដំបូងរបស់កុមារត្រូវបានអនុម័តទាន់គោលដៅក្រោយការបើក។",
    ),
    numerator="Cases opened in the period whose first care plan for the child was approved within the target.",
    denominator="Cases opened in the period, whose target is over.",
    pitfall="A returned plan counts from its final approval.",
    period=follow_target("care_plan"),
    dimensions=(KIND, TEAM),
    measures=measure_step_time(
        "care_plan",
        Text("Care plan approved within the target", "ផែនការថែទាំត្រូវបានអនុម័តទាន់គោលដៅ"),
        Text("Share of cases with a care plan on time", "ភាគរយទាន់ពេល"),
        Text("Median days until approved", "មេដ្យានថ្ងៃរហូតដល់អនុម័ត"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.kind, c.team, (
                   SELECT min({local_day("a.decided_at")}) FROM care_plans a
                    WHERE a.case_id = c.id AND a.subject = 'child' AND a.status IN ('approved', 'superseded')
               ) - c.opened_on AS days
          FROM counted_cases c""",  # noqa: S608 - a constant
)
