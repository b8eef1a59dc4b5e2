"""Report: time until the first contact."""

from app.services.reports.definition import (
    KIND,
    PROVINCE,
    TEAM,
    Report,
    Text,
    follow_target,
    measure_step_time,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="first_contact_time",
    definition=Text(
        "Days from the opening of a case to the first contact with the child, the supporter or the family after the "
        "referral was received.",
        "ចំនួនថ្ងៃចាប់ពីការបើកករណី រហូតដល់ការជួបលើកដំបូងជាមួយកុមារ អ្នកគាំទ្រ ឬគ្រួសារ ក្រោយពីបានទទួលការបញ្ជូន។",
    ),
    numerator="Cases opened in the period whose first contact was within the target `first_contact`.",
    denominator="Cases opened in the period, whose target is over.",
    pitfall="A session that is recorded late changes the figure. The median is that of the cases that had a contact. A "
    "contact between the referral and the opening counts as day 0, and without a referral one from the day of the opening.",
    period=follow_target("first_contact"),
    dimensions=(KIND, PROVINCE, TEAM),
    measures=measure_step_time(
        "first_contact",
        Text("First contact within the target", "ជួបលើកដំបូងទាន់គោលដៅ"),
        Text("Share of cases with a first contact on time", "ភាគរយទាន់ពេល"),
        Text("Median days", "មេដ្យានថ្ងៃ"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.kind, c.province, c.team, (
                   SELECT min(greatest({local_day("s.held_at")}, c.opened_on)) - c.opened_on
                     FROM support_sessions s
                    WHERE s.case_id = c.id
                      AND access.is_contact(s.kind, s.status, s.contact_with, s.entered_in_error_at)
                      AND CASE WHEN r.id IS NULL THEN {local_day("s.held_at")} >= c.opened_on
                               ELSE access.is_later_contact(s.held_at, s.recorded_at, r.received_at) END
               ) AS days
          FROM counted_cases c LEFT JOIN referrals r ON r.id = c.referral_id""",  # noqa: S608 - a constant
)
