"""The outreach activities that reports count, and the figures that several reports about them share.

Activities that were entered in error are excluded from every figure. An activity belongs to its last day, so that each one
belongs to one period. Outreach activities have no team: their reports count all of them for every reader.
"""

from app.schemas.codes import CODE_LISTS
from app.services.reports.definition import Measure, Text, sum_column

PERSONS_PITFALL = (
    "Persons are added up over activities: a person who took part in two activities counts twice. "
    "The figures of all teams are shown to every reader."
)
SUMMED_COLUMNS = (
    "persons", "attendances",
    *(f"sex_{code.code}" for code in CODE_LISTS["sex"].codes),
    *(f"age_{code.code}" for code in CODE_LISTS["outreach_age_group"].codes),
    "disability_yes", "disability_no", "disability_unknown",
)  # fmt: skip
"""Columns of the participants that reports add up."""
ACTIVITY_COLUMNS_SQL = """
    a.id AS activity_id, coalesce(a.ends_on, a.starts_on) AS starts_on, a.kind, a.topic, a.programme, a.sessions,
    left(a.place_code, 2) AS province, a.is_online, a.government_level, a.copies, a.score_maximum,
    a.tested_before, a.mean_before, a.tested_after, a.mean_after"""


def select_activities(kinds: tuple[str, ...]) -> str:
    """Return the SELECT of facts with one row per activity of some kinds, with the sums of its audiences."""
    sums = ", ".join(f"sum(p.{column}) AS {column}" for column in SUMMED_COLUMNS)
    return f"""
        SELECT {ACTIVITY_COLUMNS_SQL}, participants.*
          FROM outreach_activities a
         CROSS JOIN LATERAL (SELECT {sums} FROM outreach_participants p WHERE p.activity_id = a.id) AS participants
         WHERE a.entered_in_error_at IS NULL AND a.kind IN ({", ".join(f"'{kind}'" for kind in kinds)})"""  # noqa: S608 - constants of the catalogue


def select_audiences(condition: str) -> str:
    """Return the SELECT of facts with one row per activity and audience, and one row for an activity without participants."""
    columns = ", ".join(f"p.{column}" for column in SUMMED_COLUMNS)
    return f"""
        SELECT {ACTIVITY_COLUMNS_SQL}, p.audience, {columns}
          FROM outreach_activities a LEFT JOIN outreach_participants p ON p.activity_id = a.id
         WHERE a.entered_in_error_at IS NULL AND {condition}"""  # noqa: S608 - constants of the catalogue


ACTIVITIES = Measure(
    name="activities", title=Text("Activities", "សកម្មភាព"), sql="count(DISTINCT activity_id)"
)
PERSONS = sum_column("persons", Text("Participants", "អ្នកចូលរួម"), "persons")
ATTENDANCES = sum_column("attendances", Text("Attendances", "ចំនួនលើកនៃការចូលរួម"), "attendances")
SEX_MEASURES = tuple(
    sum_column(f"sex_{code.code}", Text(f"Sex: {code.en.lower()}", f"ភេទ៖ {code.km}"), f"sex_{code.code}")
    for code in CODE_LISTS["sex"].codes
)
AGE_MEASURES = tuple(
    sum_column(f"age_{code.code}", Text(f"Age: {code.en.lower()}", f"អាយុ៖ {code.km}"), f"age_{code.code}")
    for code in CODE_LISTS["outreach_age_group"].codes
)
DISABILITY_MEASURES = (
    sum_column("disability_yes", Text("With a disability", "មានពិការភាព"), "disability_yes"),
    sum_column("disability_no", Text("Without a disability", "គ្មានពិការភាព"), "disability_no"),
    sum_column("disability_unknown", Text("Disability: unknown", "ពិការភាព៖ មិនទាន់ដឹង"), "disability_unknown"),
)
