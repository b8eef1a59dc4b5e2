"""Report: referrals received in the period."""

from app.services.reports.definition import (
    CONCERN_KIND,
    FLOW,
    PROVINCE,
    Measure,
    Report,
    Text,
    count_by_code,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="referrals_received",
    definition=Text(
        "Referrals received in the period, by urgency and by channel.",
        "ការបញ្ជូនដែលបានទទួលក្នុងរយៈពេល តាមភាពបន្ទាន់ និងតាមមធ្យោបាយ។",
    ),
    numerator="Referrals whose day of receipt is in the period.",
    pitfall="Referrals that were declined as duplicates are not counted, so the figure decreases when a referral is "
    "declined as a duplicate.",
    period=FLOW,
    dimensions=(CONCERN_KIND, PROVINCE),
    measures=(
        Measure(name="referrals", title=Text("Referrals received", "ការបញ្ជូនដែលបានទទួល")),
        *count_by_code("urgency", "urgency", prefix="urgency_"),
        *count_by_code("source", "referral_source", prefix="source_"),
    ),
    facts=f"SELECT {local_day('received_at')} AS starts_on, r.* FROM counted_referrals r",  # noqa: S608 - a constant
)
