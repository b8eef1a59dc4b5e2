"""Report: feedback of children and caregivers."""

from collections.abc import Iterator

from app.schemas.codes import CODE_LISTS
from app.services.reports.definition import FLOW, KIND, Measure, Report, Text, count_if, number


def _list_measures() -> Iterator[Measure]:
    """Yield the number, the distribution and the mean of the ratings of each person who gives feedback."""
    for giver in CODE_LISTS["feedback_giver"].codes:
        is_given = f"given_by = '{giver.code}'"
        yield count_if(giver.code, Text(giver.en, giver.km), is_given)
        for rating, face in enumerate(CODE_LISTS["feedback_rating"].codes, 1):
            title = Text(f"{giver.en}: {rating} ({face.en.lower()})", f"{giver.km}៖ {rating} ({face.km})")
            yield count_if(f"{giver.code}_{rating}", title, f"{is_given} AND rating = {rating}")
        yield number(
            f"{giver.code}_mean",
            Text(f"{giver.en}: mean rating (1 to 5)", f"{giver.km}៖ ពិន្ទុមធ្យម (១ ដល់ ៥)"),
            f"avg(rating) FILTER (WHERE {is_given})",
        )


REPORT = Report(
    name="feedback",
    definition=Text(
        "Feedback that children and caregivers gave in the period, from 1 (very unhappy face) to 5 (very happy face).",
        "មតិត្រឡប់ដែលកុមារ និងអ្នកថែទាំបានផ្តល់ក្នុងរយៈពេល ពី ១ (រូបមុខមិនសប្បាយចិត្តខ្លាំង) ដល់ ៥ (រូបមុខសប្បាយចិត្តខ្លាំង)។",
    ),
    numerator="Statements by the day on which they were given, at a review or at the exit.",
    pitfall="A child can give feedback several times in a period. Statements entered in error do not count.",
    period=FLOW,
    dimensions=(KIND,),
    measures=tuple(_list_measures()),
    facts="""
        SELECT f.given_on AS starts_on, f.given_by, f.rating, c.kind
          FROM feedback f JOIN counted_cases c ON c.id = f.case_id
         WHERE f.entered_in_error_at IS NULL""",
)
