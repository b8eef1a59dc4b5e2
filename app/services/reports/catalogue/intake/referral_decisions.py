"""Report: decisions on referrals in the period."""

from app.services.reports.definition import (
    CONCERN_KIND,
    FLOW,
    Measure,
    Report,
    Text,
    count_by_code,
    count_if,
    percentage,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="referral_decisions",
    definition=Text(
        "Referrals that were accepted or declined in the period, and the reasons for declining.",
        "ការបញ្ជូនដែលបានយល់ព្រមទទួល ឬមិនអាចទទួលក្នុងរយៈពេល និងមូលហេតុដែលមិនអាចទទួល។",
    ),
    numerator="Referrals accepted on a day of the period.",
    denominator="Referrals accepted or declined on a day of the period.",
    pitfall="Referrals without a decision and withdrawn referrals are not counted. A reversed decision is not counted.",
    period=FLOW,
    dimensions=(CONCERN_KIND,),
    measures=(
        Measure(name="decided", title=Text("Decisions", "ការសម្រេច")),
        count_if("accepted", Text("Accepted", "បានយល់ព្រមទទួល"), "status = 'accepted'"),
        percentage(
            "accepted_share",
            Text("Share of decided referrals that were accepted", "ភាគរយដែលបានយល់ព្រមទទួល"),
            "accepted",
            "decided",
        ),
        count_if("declined", Text("Declined", "មិនអាចទទួល"), "status = 'declined'"),
        *count_by_code(
            "decline_reason_code",
            "decline_reason",
            prefix="declined_",
            without=("duplicate",),
            among="status = 'declined'",
        ),
    ),
    facts=f"""
        SELECT {local_day("decided_at")} AS starts_on, r.*
          FROM counted_referrals r WHERE status IN ('accepted', 'declined')""",  # noqa: S608 - a constant
)
