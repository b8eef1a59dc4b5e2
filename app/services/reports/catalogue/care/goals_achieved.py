"""Report: goals that were due in the period."""

from app.services.reports.definition import AREA, FLOW, Measure, Report, Text, count_if, percentage

REPORT = Report(
    name="goals_achieved",
    definition=Text(
        "Goals of approved care plans whose last action was due in the period, by their current status.",
        "គោលដៅនៃផែនការថែទាំដែលបានអនុម័ត ដែលសកម្មភាពចុងក្រោយត្រូវធ្វើក្នុងរយៈពេល តាមស្ថានភាពបច្ចុប្បន្ន។",
    ),
    numerator="Goals that are achieved.",
    denominator="Goals that are achieved or open, and whose last action was due in the period.",
    pitfall="A goal that later editions of a plan carry over counts once, in its latest edition.",
    period=FLOW,
    dimensions=(AREA,),
    measures=(
        Measure(name="goals", title=Text("Goals due", "គោលដៅដែលដល់កំណត់")),
        count_if("achieved", Text("Achieved", "សម្រេចបាន"), "status = 'achieved'"),
        count_if("open", Text("Still open", "កំពុងអនុវត្ត"), "status = 'open'"),
        count_if("dropped", Text("Dropped", "បានបោះបង់"), "status = 'dropped'"),
        count_if("not_dropped", Text("Achieved or open", "សម្រេចបាន ឬកំពុងអនុវត្ត"), "status <> 'dropped'"),
        percentage(
            "achieved_share",
            Text("Share of goals not dropped that were achieved", "ភាគរយសម្រេចបាន"),
            "achieved",
            "not_dropped",
        ),
    ),
    facts="""
        SELECT latest.area, latest.status, (SELECT max(a.due_on) FROM actions a WHERE a.goal_id = latest.id) AS starts_on
          FROM (SELECT DISTINCT ON (g.origin_id) g.id, g.area, g.status
                  FROM goals g JOIN care_plans p ON p.id = g.plan_id JOIN counted_cases c ON c.id = g.case_id
                 WHERE p.status IN ('approved', 'superseded')
                 ORDER BY g.origin_id, p.edition DESC, g.id DESC) latest""",
)
