"""Report: meetings with authorities and networks."""

from app.services.reports.definition import FLOW, GOVERNMENT_LEVEL, PROVINCE, TOPIC, Report, Text, sum_column
from app.services.reports.outreach_facts import (
    ACTIVITIES,
    ATTENDANCES,
    PERSONS,
    PERSONS_PITFALL,
    select_activities,
)

REPORT = Report(
    name="outreach_meetings",
    definition=Text(
        "Meetings with authorities and networks that ended in the period.",
        "ការប្រជុំជាមួយអាជ្ញាធរ និងបណ្តាញ ដែលបានចប់ក្នុងរយៈពេល។",
    ),
    numerator="Meetings, and the participants who were recorded for them. A series of meetings is one activity.",
    pitfall=PERSONS_PITFALL,
    period=FLOW,
    has_grants=False,
    dimensions=(GOVERNMENT_LEVEL, TOPIC, PROVINCE),
    measures=(
        ACTIVITIES,
        sum_column("meetings", Text("Meetings", "ការប្រជុំ"), "sessions"),
        PERSONS,
        ATTENDANCES,
    ),
    facts=select_activities(("meeting",)),
)
