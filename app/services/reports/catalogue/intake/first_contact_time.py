"""Report: time until the first attended contact."""

from app.services.reports.definition import (
    KIND,
    PROVINCE,
    TEAM,
    Report,
    Text,
    follow,
    time_from_opening,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="first_contact_time",
    definition=Text(
        "Days from the opening of a case to the first support session that was attended.",
        "ចំនួនថ្ងៃចាប់ពីការបើកករណី រហូតដល់វគ្គគាំទ្រដំបូងដែលមានការចូលរួម។",
    ),
    numerator="Cases opened in the period with an attended session within 7 days.",
    denominator="Cases opened in the period and at least 8 days ago.",
    pitfall="A session that is recorded late changes the figure. The median is that of the cases that had a session.",
    period=follow(7),
    dimensions=(KIND, PROVINCE, TEAM),
    measures=time_from_opening(
        7,
        Text("First contact within 7 days", "ជួបលើកដំបូងក្នុង ៧ ថ្ងៃ"),
        Text("Within 7 days, of cases", "ភាគរយក្នុង ៧ ថ្ងៃ"),
        Text("Median days", "មេដ្យានថ្ងៃ"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.kind, c.province, c.team, (
                   SELECT min({local_day("s.held_at")}) FROM support_sessions s
                    WHERE s.case_id = c.id AND s.status = 'held' AND s.attendance IN ('attended', 'attended_part')
                      AND s.entered_in_error_at IS NULL AND {local_day("s.held_at")} >= c.opened_on
               ) - c.opened_on AS days
          FROM counted_cases c""",  # noqa: S608 - a constant
)
