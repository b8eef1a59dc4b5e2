"""Report: open cases per worker, and workers per supervisor, at the end of the period."""

from app.services.reports.definition import STOCK, TEAM, Measure, Report, Text, count_if, number
from app.services.supervision.caseload_standards import WEIGHT_SQL

REPORT = Report(
    name="caseload",
    definition=Text(
        "Open cases per lead worker at the end of the period, as a number and weighted by risk, and workers per supervisor, "
        "against the limits of the caseload standard.",
        "ករណីដែលកំពុងបើកក្នុងបុគ្គលិកទទួលបន្ទុកម្នាក់ៗនៅចុងរយៈពេល និងតាមទម្ងន់ហានិភ័យ និងបុគ្គលិកក្នុងអ្នកគ្រប់គ្រងម្នាក់ ធៀបនឹងដែនកំណត់នៃបទដ្ឋានបន្ទុកករណី។",
    ),
    numerator="Open cases by the lead worker and the team at the end of the last day.",
    denominator="Lead workers of open cases; supervisors of their teams.",
    pitfall="The limits and the weights are the current values of `GET /v1/caseload-standard`. Supervisors are the "
    "current supervisors with an active account. Co-workers do not count. The risk is the current risk. A worker with cases in "
    "two teams counts in both teams.",
    period=STOCK,
    dimensions=(TEAM,),
    measures=(
        Measure(name="workers", title=Text("Lead workers", "បុគ្គលិកទទួលបន្ទុក"), sql="count(DISTINCT worker_id)"),
        Measure(name="cases", title=Text("Open cases", "ករណីដែលកំពុងបើក"), sql="coalesce(sum(cases), 0)"),
        number(
            "cases_per_worker",
            Text("Cases per worker", "ករណីក្នុងបុគ្គលិកម្នាក់"),
            "sum(cases) / nullif(count(DISTINCT worker_id), 0)",
        ),
        number("weighted_cases", Text("Weighted cases", "ករណីតាមទម្ងន់"), "sum(weight)"),
        number("largest", Text("Largest number of a worker", "ចំនួនច្រើនបំផុត"), "max(cases)"),
        number(
            "largest_weight", Text("Largest weighted number of a worker", "ចំនួនតាមទម្ងន់ច្រើនបំផុត"), "max(weight)"
        ),
        number(
            "limit",
            Text("Limit of weighted cases per worker", "ដែនកំណត់ករណីតាមទម្ងន់ក្នុងបុគ្គលិកម្នាក់"),
            "max(cases_per_worker)",
        ),
        count_if(
            "over_limit",
            Text("Workers above the limit", "បុគ្គលិកដែលលើសដែនកំណត់"),
            "weight > cases_per_worker",
        ),
        Measure(
            name="supervisors", title=Text("Supervisors", "អ្នកគ្រប់គ្រង"), sql="count(DISTINCT supervisor_id)"
        ),
        number(
            "workers_per_supervisor",
            Text("Workers per supervisor", "បុគ្គលិកក្នុងអ្នកគ្រប់គ្រងម្នាក់"),
            "count(DISTINCT worker_id)::numeric / nullif(count(DISTINCT supervisor_id), 0)",
        ),
        number(
            "supervisor_limit",
            Text("Limit of workers per supervisor", "ដែនកំណត់បុគ្គលិកក្នុងអ្នកគ្រប់គ្រងម្នាក់"),
            "max(workers_per_supervisor)",
        ),
    ),
    facts=f"""
        WITH led AS (
            SELECT c.risk_level, a.worker_id, a.team FROM counted_cases c JOIN assignments a ON a.case_id = c.id
             WHERE c.opened_on <= $2 AND (c.closed_on IS NULL OR c.closed_on > $2)
        )
        SELECT NULL::date AS ends_on, $2 AS starts_on, c.worker_id, c.team, count(*) AS cases, sum({WEIGHT_SQL}) AS weight,
               max(k.cases_per_worker) AS cases_per_worker, max(k.workers_per_supervisor) AS workers_per_supervisor,
               NULL::uuid AS supervisor_id
          FROM caseload_standards k CROSS JOIN led c GROUP BY c.worker_id, c.team
         UNION ALL
        SELECT DISTINCT NULL::date, $2, NULL::uuid, led.team, NULL::bigint, NULL::numeric, NULL::integer, NULL::integer,
               m.user_id
          FROM led JOIN team_members m ON m.team_id::text = led.team AND m.is_supervisor
          JOIN users u ON u.id = m.user_id AND u.is_active""",  # noqa: S608 - a constant
)
