"""Report: disability, gender identity, school and IDPoor of children at the entry."""

from app.services.reports.definition import (
    DISABILITY,
    GENDER_IDENTITY,
    IDPOOR,
    SCHOOL,
    YEAR,
    Measure,
    Report,
    Text,
)
from app.services.reports.entry_answers import classify_entry

REPORT = Report(
    name="entry_profile",
    definition=Text(
        "Cases opened in the year, by disability, gender identity, schooling and equity card of the child at the entry.",
        "ករណីដែលបានបើកក្នុងឆ្នាំ តាមពិការភាព អត្តសញ្ញាណយេនឌ័រ ការសិក្សា និងប័ណ្ណសមធម៌របស់កុមារនៅពេលចូល។",
    ),
    numerator="Cases whose opening day is in the year, by the answer of the referral that opened the case. Without an answer "
    "there, the answer in the record of the child counts.",
    pitfall="A question that was not asked is not a no. The report needs a whole calendar year, groups by one dimension at a "
    "time, and is computed by a report run only, because the answers are encrypted. A disability is a lot of difficulty, or "
    "no ability at all, in at least one domain.",
    period=YEAR,
    dimensions=(DISABILITY, GENDER_IDENTITY, SCHOOL, IDPOOR),
    measures=(Measure(name="cases", title=Text("Cases opened", "ករណីដែលបានបើក")),),
    facts="""
        SELECT c.opened_on AS starts_on, p.child_id, p.identity, p.referral_id, p.content
          FROM counted_cases c JOIN access.list_entry_profiles($1, $2) p ON p.case_id = c.id""",
    classify=classify_entry,
    max_dimensions=1,
)
