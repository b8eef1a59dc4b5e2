"""Report: length of support until the exit."""

from collections.abc import Iterable
from decimal import Decimal

from app.services.reports.definition import KIND, STOCK, Measure, Report, Text, count_if

DAYS_PER_MONTH = Decimal("30.4375")


def estimate_median_months(days: Iterable[int]) -> Decimal | None:
    """Return the median months until the exit by Kaplan and Meier, or None if less than half of the cases reach it.

    A number of days counts until the exit. A negative number -n-1 counts n days of a case that has not ended.
    """
    lengths = sorted((day, True) if day >= 0 else (-day - 1, False) for day in days)
    remaining = Decimal(1)
    for day in sorted({length for length, is_exit in lengths if is_exit}):
        at_risk = sum(length >= day for length, _ in lengths)
        exits = sum(length == day for length, is_exit in lengths if is_exit)
        remaining *= Decimal(at_risk - exits) / at_risk
        if remaining <= Decimal("0.5"):
            return Decimal(day) / DAYS_PER_MONTH
    return None


REPORT = Report(
    name="length_of_support",
    definition=Text(
        "Months from the opening to the exit, estimated over all cases that were opened by the end of the period.",
        "ចំនួនខែពីការបើករហូតដល់ការបញ្ចប់ការគាំទ្រ ប៉ាន់ស្មានលើករណីទាំងអស់ដែលបានបើកត្រឹមចុងរយៈពេល។",
    ),
    numerator="Months until half of the cases have ended, by Kaplan and Meier.",
    denominator="All cases opened on or before the last day, including those opened before the period.",
    pitfall="Open cases, and cases that ended with the death of the child, count as not ended from their last known day.",
    period=STOCK,
    dimensions=(KIND,),
    measures=(
        Measure(name="cases", title=Text("Cases opened so far", "ករណីដែលបានបើករហូតមក")),
        count_if("exits", Text("Exits so far", "ការបញ្ចប់រហូតមក"), "is_exit"),
        Measure(
            name="median_months",
            title=Text("Median months", "មេដ្យានខែ"),
            kind="number",
            sql="array_agg(CASE WHEN is_exit THEN days ELSE -days - 1 END)",
            summarize=estimate_median_months,
        ),
        count_if(
            "past_24_months", Text("Open for more than 24 months", "បើកលើសពី ២៤ ខែ"), "is_past_24_months"
        ),
    ),
    facts="""
        SELECT c.opened_on AS starts_on, NULL::date AS ends_on, c.kind, least(c.closed_on, $2) - c.opened_on AS days,
               coalesce(c.closed_on <= $2 AND c.close_reason IS DISTINCT FROM 'died', false) AS is_exit,
               coalesce(c.closed_on > $2, true) AND c.opened_on + interval '24 months' <= $2 AS is_past_24_months
          FROM counted_cases c""",
)
