"""Report: time until the first assessment."""

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
    name="assessment_time",
    definition=Text(
        "Cases whose initial assessment of the child was approved within 30 days of the opening.",
        "ករណីដែលការវាយតម្លៃដំបូងរបស់កុមារត្រូវបានអនុម័តក្នុងរយៈពេល ៣០ ថ្ងៃក្រោយការបើក។",
    ),
    numerator="Cases opened in the period with an approval at most 30 days after the opening.",
    denominator="Cases opened in the period and more than 30 days ago.",
    pitfall="A returned assessment counts from its final approval.",
    period=follow(30),
    dimensions=(KIND, TEAM),
    measures=time_from_opening(
        30,
        Text("Assessment approved within 30 days", "ការវាយតម្លៃត្រូវបានអនុម័តក្នុង ៣០ ថ្ងៃ"),
        Text("On time, of cases", "ភាគរយទាន់ពេល"),
        Text("Median days until approved", "មេដ្យានថ្ងៃរហូតដល់អនុម័ត"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.kind, c.team, (
                   SELECT min({local_day("a.decided_at")}) FROM assessments a
                    WHERE a.case_id = c.id AND a.kind = 'initial' AND a.subject = 'child' AND a.status = 'approved'
               ) - c.opened_on AS days
          FROM counted_cases c""",  # noqa: S608 - a constant
)
