"""Report: open cases per worker at the end of the period."""

from app.services.reports.definition import STOCK, TEAM, Measure, Report, Text, count_if
from app.services.supervision.caseload_standards import WEIGHT_SQL

REPORT = Report(
    name="caseload",
    definition=Text(
        "Open cases per lead worker at the end of the period, as a number and weighted by risk, against the limit of the "
        "caseload standard.",
        "ករណីដែលកំពុងបើកក្នុងបុគ្គលិកទទួលបន្ទុកម្នាក់ៗនៅចុងរយៈពេល និងតាមទម្ងន់ហានិភ័យ ធៀបនឹងដែនកំណត់នៃបទដ្ឋានបន្ទុកករណី។",
    ),
    numerator="Open cases by the lead worker and the team at the end of the last day.",
    denominator="Lead workers of open cases.",
    pitfall="The limit and the weights are the current ones of `GET /v1/caseload-standard`. Co-workers do not count. The risk is the current one. A worker with cases in two teams counts in each of them.",
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
        Measure(
            name="largest_weight",
            title=Text("Largest weighted number of a worker", "ចំនួនតាមទម្ងន់ច្រើនបំផុត"),
            kind="number",
            sql="max(weight)",
        ),
        Measure(
            name="limit",
            title=Text("Limit of weighted cases per worker", "ដែនកំណត់ករណីតាមទម្ងន់ក្នុងបុគ្គលិកម្នាក់"),
            kind="number",
            sql="max(cases_per_worker)",
        ),
        count_if(
            "over_limit",
            Text("Workers above the limit", "បុគ្គលិកដែលលើសដែនកំណត់"),
            "weight > cases_per_worker",
        ),
    ),
    facts=f"""
        SELECT NULL::date AS ends_on, $2 AS starts_on, a.worker_id, a.team, count(*) AS cases, sum({WEIGHT_SQL}) AS weight,
               max(k.cases_per_worker) AS cases_per_worker
          FROM caseload_standards k CROSS JOIN counted_cases c JOIN assignments a ON a.case_id = c.id
         WHERE c.opened_on <= $2 AND (c.closed_on IS NULL OR c.closed_on > $2)
         GROUP BY a.worker_id, a.team""",  # noqa: S608 - a constant
)
