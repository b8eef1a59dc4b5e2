"""Report: participants of outreach activities."""

from app.services.reports.definition import (
    AUDIENCE,
    FLOW,
    OUTREACH_KIND,
    PROGRAMME,
    PROVINCE,
    TOPIC,
    Report,
    Text,
)
from app.services.reports.outreach_facts import (
    ACTIVITIES,
    AGE_MEASURES,
    ATTENDANCES,
    DISABILITY_MEASURES,
    PERSONS,
    PERSONS_PITFALL,
    SEX_MEASURES,
    select_audiences,
)

REPORT = Report(
    name="outreach_participants",
    definition=Text(
        "Outreach activities that ended in the period, with their participants and attendances.",
        "សកម្មភាពផ្សព្វផ្សាយដែលបានចប់ក្នុងរយៈពេល រួមទាំងអ្នកចូលរួម និងចំនួនលើកនៃការចូលរួម។",
    ),
    numerator="Participants and attendances that were recorded for the activities. A participant of three sessions of an "
    "activity is one person with three attendances.",
    pitfall=PERSONS_PITFALL
    + " An activity with two audiences counts once in the total, and once for each audience.",
    period=FLOW,
    has_grants=False,
    dimensions=(OUTREACH_KIND, AUDIENCE, TOPIC, PROVINCE, PROGRAMME),
    measures=(ACTIVITIES, PERSONS, ATTENDANCES, *SEX_MEASURES, *AGE_MEASURES, *DISABILITY_MEASURES),
    facts=select_audiences("true"),
)
