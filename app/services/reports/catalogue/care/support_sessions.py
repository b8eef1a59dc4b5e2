"""Report: support sessions in the period."""

from app.schemas.codes import CODE_LISTS
from app.services.reports.definition import (
    FLOW,
    SESSION_KIND,
    TEAM,
    Measure,
    Report,
    Text,
    count_if,
    percentage,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="support_sessions",
    definition=Text(
        "Support sessions in the period, by the day on which they were held or planned.",
        "វគ្គគាំទ្រក្នុងរយៈពេល តាមថ្ងៃដែលបានធ្វើ ឬបានគ្រោង។",
    ),
    numerator="Sessions that were held.",
    denominator="Sessions that were held or missed.",
    pitfall="Sessions that are recorded late change the figures of earlier periods. Sessions entered in error do not count. "
    "A session can have several topics.",
    period=FLOW,
    dimensions=(SESSION_KIND, TEAM),
    measures=(
        Measure(name="sessions", title=Text("Sessions", "វគ្គគាំទ្រ")),
        count_if("held", Text("Held", "បានធ្វើ"), "status = 'held'"),
        count_if("missed", Text("Missed", "មិនបានធ្វើ"), "status = 'missed'"),
        count_if("cancelled", Text("Cancelled", "បានបោះបង់"), "status = 'cancelled'"),
        count_if(
            "planned", Text("Planned, without a record", "បានគ្រោង មិនទាន់មានកំណត់ត្រា"), "status = 'planned'"
        ),
        count_if(
            "held_or_missed", Text("Held or missed", "បានធ្វើ ឬមិនបានធ្វើ"), "status IN ('held', 'missed')"
        ),
        percentage(
            "held_share",
            Text("Share of held or missed sessions that were held", "ភាគរយដែលបានធ្វើ"),
            "held",
            "held_or_missed",
        ),
        Measure(
            name="cases_with_session",
            title=Text("Cases with a held session", "ករណីដែលមានវគ្គបានធ្វើ"),
            sql="count(DISTINCT case_id) FILTER (WHERE status = 'held')",
        ),
        *(
            count_if(
                f"topic_{code.code}",
                Text(code.en, code.km),
                f"status = 'held' AND '{code.code}' = ANY (topics)",
            )
            for code in CODE_LISTS["session_topic"].codes
        ),
        count_if(
            "topic_unknown", Text("Without a topic", "គ្មានប្រធានបទ"), "status = 'held' AND topics = '{}'"
        ),
    ),
    facts=f"""
        SELECT {local_day("coalesce(s.held_at, s.planned_at)")} AS starts_on, s.kind, s.status, s.case_id, s.topics, c.team
          FROM support_sessions s JOIN counted_cases c ON c.id = s.case_id
         WHERE s.entered_in_error_at IS NULL""",  # noqa: S608 - a constant
)
