"""Report: service referrals that were sent in the period."""

from app.services.reports.definition import (
    SERVICE,
    UNRIPE,
    Report,
    Text,
    count_if,
    follow,
    median,
    percentage,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="service_referrals",
    definition=Text(
        "Service referrals sent in the period, and what followed within 90 days.",
        "ការបញ្ជូនទៅទទួលសេវាដែលបានផ្ញើក្នុងរយៈពេល និងលទ្ធផលក្នុង ៩០ ថ្ងៃ។",
    ),
    numerator="Service referrals that ended within 90 days with the need met or partly met.",
    denominator="Service referrals sent in the period and more than 90 days ago.",
    pitfall="One child can have several service referrals. The figure does not count children.",
    period=follow(90),
    dimensions=(SERVICE,),
    measures=(
        count_if("sent", Text("Sent", "បានបញ្ជូន"), "is_ripe"),
        count_if(
            "answered",
            Text("Answered within 90 days", "បានឆ្លើយតបក្នុង ៩០ ថ្ងៃ"),
            "is_ripe AND answer_days <= 90",
        ),
        count_if(
            "accepted",
            Text("Accepted within 90 days", "បានទទួលយកក្នុង ៩០ ថ្ងៃ"),
            "is_ripe AND answer_days <= 90 AND status <> 'declined'",
        ),
        count_if(
            "declined",
            Text("Declined by the provider within 90 days", "អ្នកផ្តល់សេវាមិនអាចទទួលក្នុង ៩០ ថ្ងៃ"),
            "is_ripe AND answer_days <= 90 AND status = 'declined'",
        ),
        count_if(
            "received",
            Text("Service received within 90 days", "បានទទួលសេវាក្នុង ៩០ ថ្ងៃ"),
            "is_ripe AND is_received",
        ),
        percentage(
            "received_share",
            Text("Share of sent referrals with a received service", "ភាគរយដែលបានទទួលសេវា"),
            "received",
            "sent",
        ),
        median(
            "median_days",
            Text("Median days until the service ended", "មេដ្យានថ្ងៃរហូតដល់ចប់សេវា"),
            "end_days",
            "is_ripe AND is_received",
        ),
        UNRIPE,
    ),
    facts=f"""
        SELECT {local_day("r.sent_at")} AS starts_on, r.service, r.status,
               {local_day("r.answered_at")} - {local_day("r.sent_at")} AS answer_days,
               {local_day("r.ended_at")} - {local_day("r.sent_at")} AS end_days,
               coalesce(r.status = 'completed' AND r.outcome IN ('need_met', 'partly_met')
                        AND {local_day("r.ended_at")} - {local_day("r.sent_at")} <= 90, false) AS is_received
          FROM service_referrals r JOIN counted_cases c ON c.id = r.case_id
         WHERE r.sent_at IS NOT NULL""",  # noqa: S608 - a constant
)
