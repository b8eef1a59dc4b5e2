"""Report: missing and late data."""

from app.access.roles import Role
from app.services.reports.definition import (
    FLOW,
    TEAM,
    TEAM_REPORT_READERS,
    Report,
    Text,
    count_if,
    percentage,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="data_quality",
    definition=Text(
        "Cases opened in the period with missing data, sessions recorded late, data shared without consent, and "
        "break-glass access.",
        "ករណីដែលបានបើកក្នុងរយៈពេលដោយខ្វះទិន្នន័យ វគ្គដែលកត់ត្រាយឺត ទិន្នន័យដែលបានចែករំលែកដោយគ្មានការយល់ព្រម និងការចូលមើលក្នុងករណីបន្ទាន់។",
    ),
    numerator="Cases without age, sex or province; sessions recorded more than 3 days after they were held.",
    denominator="Cases opened in the period; sessions held in the period.",
    pitfall="Data that are completed later leave the figures of earlier periods.",
    period=FLOW,
    dimensions=(TEAM,),
    measures=(
        count_if("cases", Text("Cases opened", "ករណីដែលបានបើក"), "event = 'case'"),
        count_if("without_age", Text("Without age", "គ្មានអាយុ"), "event = 'case' AND no_age"),
        count_if("without_sex", Text("Without sex", "គ្មានភេទ"), "event = 'case' AND no_sex"),
        count_if("without_province", Text("Without province", "គ្មានខេត្ត"), "event = 'case' AND no_province"),
        count_if("sessions", Text("Sessions held", "វគ្គដែលបានធ្វើ"), "event = 'session'"),
        count_if(
            "late_sessions", Text("Recorded after 3 days", "កត់ត្រាលើសពី ៣ ថ្ងៃ"), "event = 'session' AND is_late"
        ),
        percentage(
            "late_share", Text("Share of sessions recorded late", "ភាគរយកត់ត្រាយឺត"), "late_sessions", "sessions"
        ),
        count_if("shares", Text("Service referrals sent", "ការបញ្ជូនទៅទទួលសេវាដែលបានផ្ញើ"), "event = 'share'"),
        count_if(
            "without_consent",
            Text("Sent without consent", "បានផ្ញើដោយគ្មានការយល់ព្រម"),
            "event = 'share' AND no_consent",
        ),
        count_if("break_glass", Text("Break-glass accesses", "ការចូលមើលក្នុងករណីបន្ទាន់"), "event = 'break_glass'"),
    ),
    readers=TEAM_REPORT_READERS | {Role.data_protection_officer},
    facts=f"""
        SELECT 'case' AS event, c.opened_on AS starts_on, c.team, c.age_band IS NULL AS no_age,
               c.sex = 'unknown' AS no_sex, c.province IS NULL AS no_province, false AS is_late, false AS no_consent
          FROM counted_cases c
         UNION ALL
        SELECT 'session', {local_day("s.held_at")}, c.team, false, false, false,
               {local_day("s.recorded_at")} - {local_day("s.held_at")} > 3, false
          FROM support_sessions s JOIN counted_cases c ON c.id = s.case_id
         WHERE s.status = 'held' AND s.entered_in_error_at IS NULL
         UNION ALL
        SELECT 'share', {local_day("r.sent_at")}, c.team, false, false, false, false, r.consent_id IS NULL
          FROM service_referrals r JOIN counted_cases c ON c.id = r.case_id WHERE r.sent_at IS NOT NULL
         UNION ALL
        SELECT 'break_glass', {local_day("b.opened_at")}, c.team, false, false, false, false, false
          FROM break_glass b JOIN counted_cases c ON c.id = b.case_id""",  # noqa: S608 - a constant
)
