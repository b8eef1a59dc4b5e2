"""Report: use of the assistance fund in the period."""

from app.services.reports.definition import (
    CATEGORY,
    FLOW,
    FUND,
    FUND_REPORT_READERS,
    Report,
    Text,
    count_if,
    sum_amounts,
)
from app.services.reports.population import local_day

REPORT = Report(
    name="fund_use",
    definition=Text(
        "Money that was requested, approved, paid and spent in the period. Dollars and riel are never summed.",
        "ប្រាក់ដែលបានស្នើសុំ អនុម័ត បើកឱ្យ និងចំណាយក្នុងរយៈពេល។ ដុល្លារ និងរៀលមិនត្រូវបានបូកចូលគ្នាទេ។",
    ),
    numerator="Amounts of disbursements by the day of the request, the approval, the payment and the reconciliation.",
    pitfall="Reversed payments are not counted as paid or spent. A request has no fund before its approval.",
    period=FLOW,
    dimensions=(FUND, CATEGORY),
    measures=(
        count_if("requests", Text("Requests", "សំណើ"), "event = 'requested'"),
        *sum_amounts("requested", Text("Requested", "បានស្នើសុំ"), "event = 'requested'"),
        *sum_amounts("approved", Text("Approved", "បានអនុម័ត"), "event = 'approved'"),
        count_if("payments", Text("Payments", "ចំនួនលើកដែលបានបើក"), "event = 'paid'"),
        *sum_amounts("paid", Text("Paid", "បានបើក"), "event = 'paid'"),
        *sum_amounts("spent", Text("Spent according to receipts", "បានចំណាយតាមបង្កាន់ដៃ"), "event = 'spent'"),
    ),
    readers=FUND_REPORT_READERS,
    facts=f"""
        SELECT event.name AS event, event.day AS starts_on, event.amount, d.currency, d.category, d.fund_id::text AS fund
          FROM counted_disbursements d
         CROSS JOIN LATERAL (VALUES
                ('requested', {local_day("d.created_at")}, d.amount),
                ('approved', {local_day("d.approved_at")}, d.amount),
                ('paid', CASE WHEN d.status <> 'reversed' THEN d.paid_on END, d.amount),
                ('spent', CASE WHEN d.status <> 'reversed' THEN {local_day("d.reconciled_at")} END, d.spent)
               ) AS event (name, day, amount)
         WHERE event.day IS NOT NULL""",  # noqa: S608 - a constant
)
