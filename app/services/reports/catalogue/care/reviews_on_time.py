"""Report: reviews that were due in the period."""

from app.services.reports.definition import FLOW, TEAM, Measure, Report, Text, count_if, percentage

REPORT = Report(
    name="reviews_on_time",
    definition=Text(
        "Reviews that were due in the period, and whether they were held by their due date.",
        "ការពិនិត្យឡើងវិញដែលត្រូវធ្វើក្នុងរយៈពេល និងថាតើបានធ្វើទាន់កាលកំណត់ឬទេ។",
    ),
    numerator="Reviews held on or before their due date.",
    denominator="Reviews whose due date is in the period, without cancelled reviews.",
    pitfall="The day on which a review was held counts, not the day on which it was completed.",
    period=FLOW,
    dimensions=(TEAM,),
    measures=(
        Measure(name="due", title=Text("Reviews due", "ត្រូវពិនិត្យឡើងវិញ")),
        count_if(
            "on_time", Text("Held on time", "បានធ្វើទាន់ពេល"), "status = 'completed' AND held_on <= starts_on"
        ),
        count_if("late", Text("Held late", "បានធ្វើយឺត"), "status = 'completed' AND held_on > starts_on"),
        count_if("not_held", Text("Not held", "មិនបានធ្វើ"), "status <> 'completed'"),
        percentage(
            "on_time_share", Text("Share of due reviews held on time", "ភាគរយទាន់ពេល"), "on_time", "due"
        ),
    ),
    facts="""
        SELECT v.due_on AS starts_on, v.held_on, v.status, c.team
          FROM reviews v JOIN counted_cases c ON c.id = v.case_id WHERE v.status <> 'cancelled'""",
)
