"""Report: progress in the seven areas."""

from app.services.reports.definition import AREA, KIND, STOCK, Report, Text, count_if, percentage
from app.services.reports.population import local_day

REPORT = Report(
    name="area_progress",
    definition=Text(
        "Areas of open cases whose latest rating is at least one point above the first rating.",
        "ផ្នែកនៃករណីដែលកំពុងបើក ដែលការដាក់ពិន្ទុចុងក្រោយខ្ពស់ជាងលើកដំបូងយ៉ាងតិចមួយពិន្ទុ។",
    ),
    numerator="Areas with an improvement of 1 or more from the first to the latest rating.",
    denominator="Areas of open cases with at least two ratings, by approved assessments of the child and completed reviews.",
    pitfall="Areas that were rated once are counted separately, because they show no progress yet.",
    period=STOCK,
    dimensions=(KIND, AREA),
    measures=(
        count_if("rated_twice", Text("Rated at least twice", "បានដាក់ពិន្ទុយ៉ាងតិចពីរដង"), "ratings > 1"),
        count_if("improved", Text("Improved", "ប្រសើរឡើង"), "ratings > 1 AND last_rating > first_rating"),
        percentage(
            "improved_share",
            Text("Share of areas rated twice that improved", "ភាគរយប្រសើរឡើង"),
            "improved",
            "rated_twice",
        ),
        count_if("declined", Text("Declined", "ធ្លាក់ចុះ"), "ratings > 1 AND last_rating < first_rating"),
        count_if("rated_once", Text("Rated once", "បានដាក់ពិន្ទុម្តង"), "ratings = 1"),
    ),
    facts=f"""
        SELECT c.opened_on AS starts_on, c.closed_on AS ends_on, c.kind, area.key AS area, count(*) AS ratings,
               (array_agg(area.value::int ORDER BY rated.rated_at, rated.id))[1] AS first_rating,
               (array_agg(area.value::int ORDER BY rated.rated_at DESC, rated.id DESC))[1] AS last_rating
          FROM counted_cases c
          JOIN (SELECT a.case_id, a.id, a.ratings, a.decided_at AS rated_at FROM assessments a
                 WHERE a.subject = 'child' AND a.status = 'approved'
                 UNION ALL
                SELECT v.case_id, v.id, v.ratings, v.completed_at FROM reviews v WHERE v.status = 'completed'
               ) rated ON rated.case_id = c.id AND {local_day("rated.rated_at")} <= $2
         CROSS JOIN jsonb_each_text(rated.ratings) area
         WHERE area.value IS NOT NULL
         GROUP BY c.id, c.opened_on, c.closed_on, c.kind, area.key""",  # noqa: S608 - a constant
)
