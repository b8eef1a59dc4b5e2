"""Report: follow-ups and reopened cases after the exit."""

from app.services.reports.definition import FLOW, KIND, Report, Text, count_if, percentage

REPORT = Report(
    name="after_exit",
    definition=Text(
        "Follow-ups that were due in the period, and closed cases whose first year after the exit ended in the period.",
        "ការតាមដានក្រោយបញ្ចប់ដែលត្រូវធ្វើក្នុងរយៈពេល និងករណីដែលឆ្នាំដំបូងក្រោយបញ្ចប់បានផុតក្នុងរយៈពេល។",
    ),
    numerator="Follow-ups that were held; children who were well; cases reopened within 12 months.",
    denominator="Follow-ups that were due; follow-ups with a contact; cases closed 12 months before, without deaths.",
    pitfall="A child who could not be found is not counted as not well. An exit counts after its first year. For a supervisor, a case that another team reopened is not visible. Cancelled follow-ups are not counted.",
    period=FLOW,
    dimensions=(KIND,),
    measures=(
        count_if("due", Text("Follow-ups due", "ការតាមដានដែលត្រូវធ្វើ"), "event = 'follow_up'"),
        count_if(
            "held", Text("Follow-ups held", "ការតាមដានដែលបានធ្វើ"), "event = 'follow_up' AND status = 'held'"
        ),
        percentage(
            "held_share", Text("Share of due follow-ups that were held", "ភាគរយដែលបានធ្វើ"), "held", "due"
        ),
        count_if(
            "reached", Text("With a contact", "ទាក់ទងបាន"), "status = 'held' AND wellbeing <> 'not_reached'"
        ),
        count_if("well", Text("Well", "ល្អ"), "status = 'held' AND wellbeing = 'well'"),
        percentage(
            "well_share", Text("Share of children reached who were well", "ភាគរយល្អ"), "well", "reached"
        ),
        count_if(
            "not_reached",
            Text("Could not be found", "រកមិនឃើញ"),
            "status = 'held' AND wellbeing = 'not_reached'",
        ),
        count_if("exits", Text("Exits 12 months before", "ការបញ្ចប់កាលពី ១២ ខែមុន"), "event = 'exit'"),
        count_if(
            "reopened",
            Text("Reopened within 12 months", "បានបើកឡើងវិញក្នុង ១២ ខែ"),
            "event = 'exit' AND is_reopened",
        ),
        percentage(
            "reopened_share", Text("Share of exits that were reopened", "ភាគរយបើកឡើងវិញ"), "reopened", "exits"
        ),
    ),
    facts="""
        SELECT 'follow_up' AS event, f.due_on AS starts_on, f.status, f.wellbeing, false AS is_reopened, c.kind
          FROM follow_ups f JOIN counted_cases c ON c.id = f.case_id
         WHERE f.due_on IS NOT NULL AND f.status <> 'cancelled'
         UNION ALL
        SELECT 'exit', c.closed_on + 365, NULL, NULL, coalesce(later.opened_on <= c.closed_on + 365, false), c.kind
          FROM counted_cases c
          LEFT JOIN (SELECT previous_case_id, min(opened_on) AS opened_on FROM cases
                      WHERE previous_case_id IS NOT NULL AND coalesce(close_reason, '') NOT IN ('duplicate', 'opened_in_error')
                      GROUP BY previous_case_id) later ON later.previous_case_id = c.id
         WHERE c.closed_on + 365 < $3 AND c.close_reason IS DISTINCT FROM 'died'""",
)
