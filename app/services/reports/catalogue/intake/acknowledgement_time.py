"""Report: referrals that were acknowledged within the target."""

from app.services.reports.definition import (
    UNRIPE,
    URGENCY,
    Report,
    Text,
    count_if,
    follow_target,
    median,
    percentage,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="acknowledgement_time",
    definition=Text(
        "Referrals received in the period that were acknowledged within the target of their urgency.",
        "ការបញ្ជូនដែលបានទទួលក្នុងរយៈពេល ហើយត្រូវបានបញ្ជាក់ការទទួលទាន់គោលដៅតាមភាពបន្ទាន់។",
    ),
    numerator="Referrals acknowledged within the target for their urgency, which the table of targets contains.",
    denominator="Referrals received in the period, whose longest target is over.",
    pitfall="The targets are calendar time, not working hours: nights and weekends count.",
    period=follow_target("acknowledgement_emergency", "acknowledgement_urgent", "acknowledgement_routine"),
    dimensions=(URGENCY,),
    measures=(
        count_if("referrals", Text("Referrals received", "ការបញ្ជូនដែលបានទទួល"), "is_ripe"),
        count_if("on_time", Text("Acknowledged on time", "បានបញ្ជាក់ការទទួលទាន់ពេល"), "is_ripe AND is_on_time"),
        percentage(
            "on_time_share",
            Text("Share of referrals acknowledged on time", "ភាគរយទាន់ពេល"),
            "on_time",
            "referrals",
        ),
        median(
            "median_hours", Text("Median hours until acknowledged", "មេដ្យានម៉ោងរហូតដល់បញ្ជាក់"), "hours", "is_ripe"
        ),
        UNRIPE,
    ),
    facts=f"""
        SELECT {local_day("r.received_at")} AS starts_on, r.urgency,
               coalesce(r.acknowledged_at - r.received_at <= make_interval(hours => t.hours), false) AS is_on_time,
               extract(epoch FROM r.acknowledged_at - r.received_at)::float8 / 3600 AS hours
          FROM counted_referrals r LEFT JOIN targets t ON t.name = 'acknowledgement_' || r.urgency""",  # noqa: S608 - a constant
)
