"""Report: child agents and parent agents who were trained."""

from app.services.reports.definition import AUDIENCE, FLOW, PROVINCE, TOPIC, Report, Text
from app.services.reports.outreach_facts import (
    ACTIVITIES,
    AGE_MEASURES,
    ATTENDANCES,
    PERSONS,
    PERSONS_PITFALL,
    SEX_MEASURES,
    select_audiences,
)

REPORT = Report(
    name="outreach_agents",
    definition=Text(
        "Child agents and parent agents whose training ended in the period.",
        "ភ្នាក់ងារកុមារ និងភ្នាក់ងារឪពុកម្តាយ ដែលការបណ្តុះបណ្តាលបានចប់ក្នុងរយៈពេល។",
    ),
    numerator="Participants of trainings of agents.",
    pitfall=PERSONS_PITFALL,
    period=FLOW,
    has_grants=False,
    dimensions=(AUDIENCE, TOPIC, PROVINCE),
    measures=(ACTIVITIES, PERSONS, ATTENDANCES, *SEX_MEASURES, *AGE_MEASURES),
    facts=select_audiences("a.kind = 'agent_training'"),
)
