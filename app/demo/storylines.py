"""The plots of the demonstration: when each invented child came, how far it has come, how its areas of life change.

A story follows from its number and from today alone: the same caseload every time, at every hour of a day.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Literal

from app.kit.dates import add_months

Arc = Literal["assessment", "planning", "active", "exiting", "closed"]
Stage = Literal["none", "draft", "submitted", "returned"]

MOST = 120
"""Stories there are."""
FIRST = (90, 3, 115, 62, 103, 77, 92, 20, 21, 51, 116, 98)
"""Which are told first where only some are: of every kind one."""
STRIDE = 37
"""From one of the others to the next: without a common divisor with their number, it comes to all of them."""
LONGEST_AGO, LATEST_AGO = 790, 4
"""Days ago that the first case opened, 26 months, and the last."""
GROWTH = 2.0
"""Above 1, more children came lately than at first."""
ASSESSMENTS_FROM, PLANS_FROM = 108, 100
"""The newest cases are in assessment; those before them, in planning."""
STAGES: tuple[Stage, ...] = ("draft", "submitted", "returned", "submitted", "draft", "none")
EXITING = frozenset({11, 20, 32, 44, 62})
UNPLANNED = {15: "moved_away", 33: "no_longer_wishes", 51: "cannot_be_found", 63: "transferred"}
"""Cases that end before their time, and why."""
EXTENDED = frozenset({1, 4, 6})
CLOSED_EARLY = frozenset({2, 5, 7})
CLOSED_UNTIL, EVERY = 66, 3
"""Of the older cases every third one is closed."""
REOPENED = frozenset({3, 24})
TRANSFERRED = frozenset({17, 40})
LINKED = ((20, 21), (64, 65))
"""A survivor and a child with harmful sexual behaviour of one family, in two teams."""

ENDINGS = (
    "received",
    "received",
    "acknowledged",
    "asked",
    "received",
    "declined",
    "withdrawn",
    "asked",
    "declined",
)
"""What became of the referrals that are no cases, the latest first."""

AREAS = (
    "emotional_health", "physical_health", "shelter_safety", "behaviour", "relationships", "education", "legal",
)  # fmt: skip
MOST_TROUBLED = {"survivor": "emotional_health", "hsb": "behaviour", "both": "emotional_health"}
PACES = {1: (0.2, 0.7), 0: (-0.1, 0.2), -1: (-0.4, 0.0)}
"""By how much a rating moves from one review to the next."""
DAYS = (0, 0, 0, 0, 0, 0.8, -0.8)
KINDS = ("survivor", "survivor", "hsb", "survivor", "both", "survivor", "survivor", "hsb")


@dataclass(frozen=True, slots=True)
class Story:
    """One child's story, as far as it is decided before it is played."""

    number: int
    today: date
    kind: str
    opened_on: date
    arc: Arc
    stage: Stage
    """How far the assessment or the plan has come with which the case waits."""
    khmer: bool
    trend: int
    """1: things get better; 0: they hardly change; -1: they get worse."""

    @property
    def last(self) -> date:
        """The last day that is played: nothing happens in hours of today that may still be ahead."""
        return self.today - timedelta(days=1)

    @property
    def north(self) -> bool:
        """Whether the team of Siem Reap carries the case."""
        return self.number % 2 == 0

    def first_ratings(self) -> dict[str, int]:
        """Return how the areas were at first, 1 (weak) to 4 (strong)."""
        draw = Random(f"areas {self.number}")
        found = {area: draw.choice((1, 2, 3, 3, 3, 4)) for area in AREAS}
        found[MOST_TROUBLED[self.kind]] = draw.choice((1, 1, 2))
        return found

    def ratings_at(self, review: int) -> dict[str, int]:
        """Return how the areas are at a review, counted from 1: each at its own pace, with a better or worse day."""
        pace, day = Random(f"pace {self.number}"), Random(f"areas {self.number} at {review}")
        return {
            area: min(4, max(1, round(rating + review * pace.uniform(*PACES[self.trend]) + day.choice(DAYS))))
            for area, rating in self.first_ratings().items()
        }


def told(count: int, today: date) -> list[Story]:
    """Return so many stories, the longest ago first: with few of them there are still some of every kind."""
    numbers = dict.fromkeys((*FIRST, *(turn * STRIDE % MOST for turn in range(MOST))))
    return [_story(number, today) for number in sorted(list(numbers)[:count])]


def outside(today: date) -> list[Story]:
    """Return the referrals that are no cases: of the last days, and some of longer ago."""
    return [
        replace(
            _story(MOST - 1, today),
            number=MOST + turn,
            opened_on=workday(today - timedelta(days=1 + 2 * turn)),
        )
        for turn in range(len(ENDINGS))
    ]


def _story(number: int, today: date) -> Story:
    age = ((MOST - 1 - number) / (MOST - 1)) ** GROWTH
    ago = LATEST_AGO + round((LONGEST_AGO - LATEST_AGO) * age)
    return Story(
        number=number,
        today=today,
        kind=_kind(number),
        opened_on=workday(today - timedelta(days=ago)),
        arc=_arc(number),
        stage=STAGES[number % len(STAGES)],
        khmer=number % 4 in {1, 2},
        trend=-1 if number % 10 == 7 else 0 if number % 10 == 3 else 1,
    )


def _kind(number: int) -> str:
    for survivor, other in LINKED:
        if number in {survivor, other}:
            return "survivor" if number == survivor else "hsb"
    return KINDS[number % len(KINDS)]


def _arc(number: int) -> Arc:
    if number >= ASSESSMENTS_FROM:
        return "assessment"
    if number >= PLANS_FROM:
        return "planning"
    if number in EXITING:
        return "exiting"
    if number in CLOSED_EARLY or (number < CLOSED_UNTIL and number % EVERY == 0 and number not in EXTENDED):
        return "closed"
    return "active"


def workday(day: date) -> date:
    """Return the same day, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def review_days(story: Story, planned_on: date) -> list[date]:
    """Return the days on which the reviews are held, beginning three months after the plan; some come late.

    Of a few active cases the last one is overdue; of a case that ends, the last one is the final review.
    """
    draw = Random(f"reviews {story.number}")
    days: list[date] = []
    due = add_months(planned_on, 3)
    while (held := workday(due + timedelta(days=draw.randrange(-6, 7)))) <= story.last:
        days.append(held)
        due = add_months(held, 3)
    if story.arc == "closed":
        return days[: _reviews_of_closed(story, days)]
    if story.arc == "active" and story.number % 9 == 4 and days and (story.last - days[-1]).days < 50:
        return days[:-1]
    return days


def _reviews_of_closed(story: Story, days: list[date]) -> int:
    """Return how many reviews a case has seen that has ended since: after the last one its end takes its time."""
    if story.number in UNPLANNED:
        return min(sum(gone(day) < story.last for day in days), 1 + story.number % 3)
    latest = min(story.last, add_months(story.opened_on, 24))
    in_time = sum(exit_ends(day) < latest for day in days)
    return min(in_time, 3 if story.number in REOPENED else 2 + story.number % 6)


def gone(seen: date) -> date:
    """Return when a case is closed whose child was last seen on a day, and is gone since."""
    return workday(seen + timedelta(days=45))


def exit_ends(began: date) -> date:
    """Return when support ends, for an exit that begins on a day."""
    return workday(began + timedelta(days=60))
