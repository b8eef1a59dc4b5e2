"""Report: open cases per worker at the end of the period."""

from app.services.reports.definition import STOCK, TEAM, Measure, Report, Text, count_if

LIMIT = 25
"""Most cases of a worker, by the Minimum Standards for Child Protection."""
WEIGHTS = "CASE c.risk_level WHEN 'high' THEN 2 WHEN 'medium' THEN 1.5 ELSE 1 END"
REPORT = Report(
    name="caseload",
    definition=Text(
        "Open cases per lead worker at the end of the period, as a number and weighted by risk: high 2, medium 1.5, others "
        "1.",
        "ករណីដែលកំពុងបើកក្នុងបុគ្គលិកទទួលបន្ទុកម្នាក់ៗនៅចុងរយៈពេល និងតាមទម្ងន់ហានិភ័យ៖ ខ្ពស់ ២ មធ្យម ១.៥ ផ្សេងទៀត ១។",
    ),
    numerator="Open cases by the lead worker and the team at the end of the last day.",
    denominator="Lead workers of open cases.",
    pitfall="Co-workers do not count. The risk is the current one. A worker with cases in two teams counts in each of them.",
    period=STOCK,
    dimensions=(TEAM,),
    measures=(
        Measure(name="workers", title=Text("Lead workers", "បុគ្គលិកទទួលបន្ទុក"), sql="count(DISTINCT worker_id)"),
        Measure(name="cases", title=Text("Open cases", "ករណីដែលកំពុងបើក"), sql="coalesce(sum(cases), 0)"),
        Measure(
            name="cases_per_worker",
            title=Text("Cases per worker", "ករណីក្នុងបុគ្គលិកម្នាក់"),
            kind="number",
            sql="sum(cases) / nullif(count(DISTINCT worker_id), 0)",
        ),
        Measure(
            name="weighted_cases",
            title=Text("Weighted cases", "ករណីតាមទម្ងន់"),
            kind="number",
            sql="sum(weight)",
        ),
        Measure(
            name="largest",
            title=Text("Largest number of a worker", "ចំនួនច្រើនបំផុត"),
            kind="number",
            sql="max(cases)",
        ),
        count_if(
            "over_limit",
            Text(f"Workers with more than {LIMIT} cases", f"បុគ្គលិកដែលមានលើសពី {LIMIT} ករណី"),
            f"cases > {LIMIT}",
        ),
    ),
    facts=f"""
        SELECT NULL::date AS ends_on, $2 AS starts_on, a.worker_id, a.team, count(*) AS cases, sum({WEIGHTS}) AS weight
          FROM counted_cases c JOIN assignments a ON a.case_id = c.id
         WHERE c.opened_on <= $2 AND (c.closed_on IS NULL OR c.closed_on > $2)
         GROUP BY a.worker_id, a.team""",  # noqa: S608 - a constant
)
