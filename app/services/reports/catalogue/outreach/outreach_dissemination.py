"""Report: dissemination of research."""

from app.services.reports.definition import FLOW, PROVINCE, TOPIC, Report, Text, count_if, sum_column
from app.services.reports.outreach_facts import (
    ACTIVITIES,
    ATTENDANCES,
    PERSONS,
    PERSONS_PITFALL,
    select_activities,
)

REPORT = Report(
    name="outreach_dissemination",
    definition=Text(
        "Activities of the period that disseminated research, with the distributed copies.",
        "សកម្មភាពផ្សព្វផ្សាយលទ្ធផលស្រាវជ្រាវក្នុងរយៈពេល រួមទាំងចំនួនច្បាប់ដែលបានចែក។",
    ),
    numerator="Activities, distributed copies of publications, and participants of presentations.",
    pitfall=PERSONS_PITFALL + " A publication that was distributed without an event has no participants.",
    period=FLOW,
    has_grants=False,
    dimensions=(TOPIC, PROVINCE),
    measures=(
        ACTIVITIES,
        count_if("online", Text("Online activities", "សកម្មភាពតាមអ៊ីនធឺណិត"), "is_online"),
        sum_column("copies", Text("Copies", "ចំនួនច្បាប់"), "copies"),
        PERSONS,
        ATTENDANCES,
    ),
    facts=select_activities(("research_dissemination",)),
)
