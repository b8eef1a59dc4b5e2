"""Report: staff trained, with their scores before and after."""

from app.services.reports.definition import (
    FLOW,
    OUTREACH_KIND,
    PROVINCE,
    TOPIC,
    Report,
    Text,
    count_if,
    number,
    sum_column,
)
from app.services.reports.outreach_facts import (
    ACTIVITIES,
    ATTENDANCES,
    PERSONS,
    PERSONS_PITFALL,
    SEX_MEASURES,
    select_activities,
)

IS_COMPARED = "(mean_before IS NOT NULL AND mean_after IS NOT NULL)"


def _mean_score(test: str) -> str:
    """Return the SQL of the mean score of a test in percent of the highest score, weighted by the tested persons."""
    share = f"100 * mean_{test}::numeric / score_maximum::numeric * tested_{test}"
    return f"sum({share}) FILTER (WHERE {IS_COMPARED}) / sum(tested_{test}) FILTER (WHERE {IS_COMPARED})"


REPORT = Report(
    name="outreach_training",
    definition=Text(
        "Trainings, consultations and coachings of staff that ended in the period, with the scores before and after.",
        "ការបណ្តុះបណ្តាល ការផ្តល់ប្រឹក្សា និងការបង្វឹកការងារដល់បុគ្គលិក ដែលបានចប់ក្នុងរយៈពេល រួមទាំងពិន្ទុមុន និងក្រោយ។",
    ),
    numerator="Participants, and the mean scores in percent of the highest possible score, weighted by the tested persons.",
    denominator="Tested persons of the activities that have the results of both tests.",
    pitfall=PERSONS_PITFALL
    + " Activities with only one test are excluded from the scores. The persons of the two tests can differ.",
    period=FLOW,
    has_grants=False,
    dimensions=(OUTREACH_KIND, TOPIC, PROVINCE),
    measures=(
        ACTIVITIES,
        PERSONS,
        ATTENDANCES,
        *SEX_MEASURES,
        count_if("compared", Text("Activities with both tests", "សកម្មភាពដែលមានតេស្តទាំងពីរ"), IS_COMPARED),
        sum_column("tested_before", Text("Persons tested before", "អ្នកធ្វើតេស្តមុន"), "tested_before"),
        sum_column("tested_after", Text("Persons tested after", "អ្នកធ្វើតេស្តក្រោយ"), "tested_after"),
        number("mean_before", Text("Mean score before (%)", "ពិន្ទុមធ្យមមុន (%)"), _mean_score("before")),
        number("mean_after", Text("Mean score after (%)", "ពិន្ទុមធ្យមក្រោយ (%)"), _mean_score("after")),
        number(
            "gain",
            Text("Gain in percentage points", "កំណើនជាចំណុចភាគរយ"),
            f"{_mean_score('after')} - {_mean_score('before')}",
        ),
    ),
    facts=select_activities(("training", "consultation", "coaching")),
)
