"""Generated outreach activities with their participants, and generated feedback."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlmodel import SQLModel

from app.models import Case, Feedback, OutreachActivity, OutreachParticipants
from app.schemas.codes import get_codes
from tests.services.reports.generated_days import DAYS, FIRST_DAY, LAST_DAY, codes
from tests.support.scenario import id_of

MARKS = st.sampled_from([None, None, None, datetime(2026, 6, 1, tzinfo=UTC)])
KINDS = codes("outreach_kind") | st.sampled_from(["training", "coaching"])
"""Kinds of activities. Half of them have scores, so that an example contains several of them."""
SEX_COLUMNS = tuple(f"sex_{code}" for code in get_codes("sex"))
AGE_COLUMNS = tuple(f"age_{code}" for code in get_codes("outreach_age_group"))
DISABILITY_COLUMNS = ("disability_yes", "disability_no", "disability_unknown")


@st.composite
def outreach_activities(draw: st.DrawFn) -> list[SQLModel]:
    """Draw an activity of any kind with up to three audiences."""
    starts_on = draw(DAYS | st.dates(FIRST_DAY, LAST_DAY))
    maximum = draw(st.sampled_from([10.0, 20.0, 50.0, None]))
    tests: dict[str, Any] = {}
    for test in ("before", "after"):
        is_tested = maximum is not None and draw(st.sampled_from([True, True, True, True, False]))
        tests[f"tested_{test}"] = draw(st.integers(1, 30)) if is_tested else None
        tests[f"mean_{test}"] = draw(st.integers(0, 1000)) / 100 if is_tested else None
    activity = OutreachActivity(
        kind=draw(KINDS), title="Activity", topic=draw(codes("outreach_topic")),
        programme=draw(codes("programme")), starts_on=starts_on,
        ends_on=draw(st.sampled_from([None, starts_on, starts_on + timedelta(days=1), starts_on + timedelta(days=31)])),
        sessions=draw(st.integers(1, 4)), place_code=draw(st.sampled_from([None, "12", "1702"])),
        is_online=draw(st.booleans()), government_level=draw(st.none() | codes("government_level")),
        copies=draw(st.none() | st.integers(1, 500)), score_maximum=maximum, **tests,
        recorded_by_id=id_of("me_officer"), entered_in_error_at=draw(MARKS),
    )  # fmt: skip
    audiences = draw(st.lists(codes("outreach_audience"), unique=True, max_size=3))
    return [activity, *(draw(participants(activity, audience)) for audience in audiences)]


@st.composite
def participants(draw: st.DrawFn, activity: OutreachActivity, audience: str) -> OutreachParticipants:
    counts = {
        column: draw(st.integers(0, 20)) for column in (*SEX_COLUMNS, *AGE_COLUMNS, *DISABILITY_COLUMNS)
    }
    persons = sum(counts[column] for column in SEX_COLUMNS)
    return OutreachParticipants(
        activity_id=activity.id, audience=audience, persons=persons,
        attendances=persons + draw(st.integers(0, 40)), **counts,
    )  # fmt: skip


@st.composite
def feedback(draw: st.DrawFn, case: Case) -> Feedback:
    return Feedback(
        case_id=case.id, child_id=case.child_id, given_by=draw(codes("feedback_giver")), rating=draw(st.integers(1, 5)),
        occasion="exit", given_on=draw(DAYS), author_id=id_of("worker_north"), entered_in_error_at=draw(MARKS),
    )  # fmt: skip
