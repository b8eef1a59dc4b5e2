"""Report: money paid without receipts at the end of the period."""

from app.services.reports.definition import (
    FUND,
    FUND_REPORT_READERS,
    STOCK,
    TEAM,
    Measure,
    Report,
    Text,
    count_if,
    sum_amounts,
)
from app.services.reports.population import local_day

AGES = (
    ("up_to_7_days", Text("Up to 7 days", "រហូតដល់ ៧ ថ្ងៃ"), "age BETWEEN 0 AND 7"),
    ("up_to_30_days", Text("8 to 30 days", "៨ ដល់ ៣០ ថ្ងៃ"), "age BETWEEN 8 AND 30"),
    ("up_to_90_days", Text("31 to 90 days", "៣១ ដល់ ៩០ ថ្ងៃ"), "age BETWEEN 31 AND 90"),
    ("over_90_days", Text("More than 90 days", "លើសពី ៩០ ថ្ងៃ"), "age > 90"),
)
REPORT = Report(
    name="unreceipted_money",
    definition=Text(
        "Payments without reconciled receipts at the end of the period, by their age, and emergency payments whose "
        "approval is late.",
        "ប្រាក់ដែលបានបើក ហើយមិនទាន់ផ្ទៀងផ្ទាត់បង្កាន់ដៃនៅចុងរយៈពេល តាមអាយុកាល និងប្រាក់បន្ទាន់ដែលអនុម័តយឺត។",
    ),
    numerator="Payments on or before the last day that were neither reconciled nor reversed by its end.",
    pitfall="A payment does not count after its reconciliation, even if money must still be given back.",
    period=STOCK,
    dimensions=(FUND, TEAM),
    measures=(
        Measure(name="payments", title=Text("Payments without receipts", "ការបើកប្រាក់ដែលគ្មានបង្កាន់ដៃ")),
        *sum_amounts("amount", Text("Amount", "ចំនួនទឹកប្រាក់")),
        *(count_if(name, title, condition) for name, title, condition in AGES),
        count_if(
            "late_approvals",
            Text("Emergency payments with a late approval", "ប្រាក់បន្ទាន់ដែលអនុម័តយឺត"),
            "approval_due_on < $2 AND (approved_on IS NULL OR approved_on > $2)",
        ),
    ),
    readers=FUND_REPORT_READERS,
    facts=f"""
        SELECT d.paid_on AS starts_on, {local_day("coalesce(d.reconciled_at, d.ended_at)")} AS ends_on, d.amount,
               d.currency, d.fund_id::text AS fund, c.team_id::text AS team, $2 - d.paid_on AS age, d.approval_due_on,
               {local_day("d.approved_at")} AS approved_on
          FROM counted_disbursements d JOIN cases c ON c.id = d.case_id
         WHERE d.paid_on IS NOT NULL""",  # noqa: S608 - a constant
)
