"""Report: time until the first care plan."""

from app.services.reports.definition import (
    KIND,
    TEAM,
    Report,
    Text,
    follow,
    time_from_opening,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="care_plan_time",
    definition=Text(
        "Cases whose first care plan of the child was approved within 45 days of the opening.",
        "ករណីដែលផែនការថែទាំដំបូងរបស់កុមារត្រូវបានអនុម័តក្នុងរយៈពេល ៤៥ ថ្ងៃក្រោយការបើក។",
    ),
    numerator="Cases opened in the period with an approval at most 45 days after the opening.",
    denominator="Cases opened in the period and more than 45 days ago.",
    pitfall="A returned plan counts from its final approval.",
    period=follow(45),
    dimensions=(KIND, TEAM),
    measures=time_from_opening(
        45,
        Text("Care plan approved within 45 days", "ផែនការថែទាំត្រូវបានអនុម័តក្នុង ៤៥ ថ្ងៃ"),
        Text("On time, of cases", "ភាគរយទាន់ពេល"),
        Text("Median days until approved", "មេដ្យានថ្ងៃរហូតដល់អនុម័ត"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.kind, c.team, (
                   SELECT min({local_day("a.decided_at")}) FROM care_plans a
                    WHERE a.case_id = c.id AND a.subject = 'child' AND a.status IN ('approved', 'superseded')
               ) - c.opened_on AS days
          FROM counted_cases c""",  # noqa: S608 - a constant
)
