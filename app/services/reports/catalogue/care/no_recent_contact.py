"""Report: open cases without a recent contact."""

from app.services.reports.definition import STOCK, TEAM, Measure, Report, Text, count_if, percentage
from app.services.reports.population import local_day

REPORT = Report(
    name="no_recent_contact",
    definition=Text(
        "Active cases without a contact with the child, the supporter or the family for 30 days or more, at the end of the "
        "period.",
        "ករណីដែលកំពុងផ្តល់ការគាំទ្រ ហើយគ្មានការជួបជាមួយកុមារ អ្នកគាំទ្រ ឬគ្រួសារ ចាប់ពី ៣០ ថ្ងៃឡើងទៅ នៅចុងរយៈពេល។",
    ),
    numerator="Active cases whose last contact, or else whose opening, was 30 days or more before the last day.",
    denominator="Cases that are in the stage `active` at the end of the last day.",
    pitfall="A session that is recorded late counts from the day on which it was held. A call with other people is not a "
    "contact.",
    period=STOCK,
    dimensions=(TEAM,),
    measures=(
        Measure(name="cases", title=Text("Active cases", "ករណីដែលកំពុងផ្តល់ការគាំទ្រ")),
        count_if(
            "without_contact",
            Text("Without contact for 30 days", "គ្មានការជួប ៣០ ថ្ងៃ"),
            "$2 - last_contact >= 30",
        ),
        percentage(
            "without_contact_share",
            Text("Share of active cases without contact", "ភាគរយដែលគ្មានការជួប"),
            "without_contact",
            "cases",
        ),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.closed_on AS ends_on, c.team, greatest(c.opened_on, (
                   SELECT max({local_day("s.held_at")}) FROM support_sessions s
                    WHERE s.case_id = c.id
                      AND access.is_contact(s.kind, s.status, s.contact_with, s.entered_in_error_at)
                      AND {local_day("s.held_at")} <= $2)) AS last_contact
          FROM counted_cases c JOIN stages ON stages.case_id = c.id AND stages.status = 'active'""",  # noqa: S608 - a constant
)
